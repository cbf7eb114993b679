#!/usr/bin/env bash
# Keras's callback SwapEMAWeights exchanges a model's weights with their moving averages, and exchanges them back after
# the validation. One would think that training then goes on with the weights that it had.
# On the TensorFlow backend the exchange is made of additions (a += b; b = a - b; a = a - b), which round: after one
# exchange and back the weights differ in their last digits, and a small weight beside a large average is lost. Each
# validation changes the training. On the JAX backend the values are copied, and come back as they were.
# Seen: keras 3.15.1 with tensorflow 2.21.0, and with jax 0.10.2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "keras==3.15.1" "tensorflow==2.21.0" "jax[cpu]==0.10.2"

cat >"$folder/swap.py" <<'PY'
import keras
import numpy as np

weights = np.array([1.0, 1e-4, 1e-9], "float32")
averages = np.array([0.3, 700.0, 1.0], "float32")
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
model.compile(keras.optimizers.SGD(0.1, use_ema=True), "mse")
model.optimizer.build(model.trainable_variables)
model.set_weights([weights[:, None]])
for variable in model.optimizer.variables:
    if variable.shape == (3, 1):
        variable.assign(averages[:, None])
callback = keras.callbacks.SwapEMAWeights()
callback.set_model(model)
callback.on_test_begin()
callback.on_test_end()
print(keras.backend.backend(), (model.get_weights()[0][:, 0] == weights).tolist(), model.get_weights()[0][:, 0].tolist())
PY
for backend in tensorflow jax; do
    KERAS_BACKEND=$backend TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/swap.py" 2>/dev/null
done | tee "$folder/said"
grep -q '^tensorflow \[.*False' "$folder/said"
grep -q '^jax \[True, True, True\]' "$folder/said"
