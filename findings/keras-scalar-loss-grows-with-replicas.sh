#!/usr/bin/env bash
# Keras takes a `Loss` whose `call` returns one number, such as the mean over all pixels: on one device it trains as the
# loss that returns a number for each example does. One would think that it does so under `tf.distribute` as well, where
# Keras divides by the number of replicas.
# It divides only what it averages itself. A mean that the loss has taken is summed over the replicas: with two of them
# the step is twice as long, with eight eight times, and nothing says so.
# Here: one step of SGD of rate 0.1 on the same eight examples, on one device and on two replicas of four each.
# Seen: keras 3.15.1 with tensorflow 2.21.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "keras==3.15.1" "tensorflow==2.21.0"

cat >"$folder/step.py" <<'PY'
import contextlib

import keras
import numpy as np
import tensorflow as tf

two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)


class EachExample(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean((y_true - y_pred) ** 2, axis=-1)


class OneNumber(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean((y_true - y_pred) ** 2)


for loss in (EachExample, OneNumber):
    for replicas in (1, 2):
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]) if replicas == 2 else None
        with strategy.scope() if strategy else contextlib.nullcontext():
            model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
            model.compile(keras.optimizers.SGD(0.1), loss())
        model.fit(np.ones((8, 1)), np.zeros((8, 1)), batch_size=8, epochs=1, verbose=0)
        print(f"{loss.__name__}, {replicas} replicas: weight {model.get_weights()[0].item():.1f}")
PY
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/step.py" 2>/dev/null | tee "$folder/seen"
grep -qx 'EachExample, 1 replicas: weight 0.8' "$folder/seen"
grep -qx 'EachExample, 2 replicas: weight 0.8' "$folder/seen"
grep -qx 'OneNumber, 1 replicas: weight 0.8' "$folder/seen"
grep -qx 'OneNumber, 2 replicas: weight 0.6' "$folder/seen"
