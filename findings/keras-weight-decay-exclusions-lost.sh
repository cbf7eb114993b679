#!/usr/bin/env bash
# Keras's optimizers take `exclude_from_weight_decay(var_names=["bias"])`, as AdamW is used everywhere: biases do not
# decay. A model that was compiled with such an optimizer is saved and loaded; one would think that the training goes on.
# The exclusion is in no config and in no file. After loading, biases decay as all weights do, and nothing says so.
# Here the gradient is zero, so that a bias of 1 can only change by its decay: rate 0.1, decay 1.
# Seen: keras 3.15.1 with jax 0.10.2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "keras==3.15.1" "jax[cpu]==0.10.2"

cat >"$folder/decay.py" <<'PY'
import sys

import keras
import numpy as np


def step(model):
    dense = model.layers[-1]
    dense.bias.assign([1.0])
    model.fit(np.zeros((4, 3)), np.ones((4, 1)), epochs=1, verbose=0)  # the prediction is the target
    return float(dense.bias.numpy()[0])


model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
optimizer = keras.optimizers.AdamW(0.1, weight_decay=1.0)
optimizer.exclude_from_weight_decay(var_names=["bias"])
model.compile(optimizer, "mse")
print("bias before saving:", round(step(model), 6))
model.save(sys.argv[1])
print("bias after loading:", round(step(keras.saving.load_model(sys.argv[1])), 6))
PY
KERAS_BACKEND=jax "$folder/env/bin/python" "$folder/decay.py" "$folder/net.keras" 2>/dev/null | tee "$folder/seen"
grep -qx 'bias before saving: 1.0' "$folder/seen"
grep -qx 'bias after loading: 0.9' "$folder/seen"
