#!/usr/bin/env bash
# Keras's `compile(loss=..., optimizer=None)` is for models that are only evaluated: `evaluate` works, and `save` writes
# the file. One would think that the file can be loaded.
# `load_model` compiles the model again, builds the optimizer that is None, and fails with an AttributeError that speaks
# of 'build'. `load_model(compile=False)` reads the file.
# Seen: keras 3.15.1 with jax 0.10.2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "keras==3.15.1" "jax[cpu]==0.10.2"

cat >"$folder/load.py" <<'PY'
import sys

import keras
import numpy as np

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile(optimizer=None, loss="mse")
print("evaluated:", model.evaluate(np.zeros((4, 3)), np.ones((4, 1)), verbose=0))
model.save(sys.argv[1])
try:
    keras.saving.load_model(sys.argv[1])
    print("loaded")
except AttributeError as error:
    print("AttributeError:", error)
print("loaded without compiling:", keras.saving.load_model(sys.argv[1], compile=False).count_params(), "weights")
PY
KERAS_BACKEND=jax "$folder/env/bin/python" "$folder/load.py" "$folder/net.keras" 2>/dev/null | tee "$folder/seen"
grep -qx 'evaluated: 1.0' "$folder/seen"
grep -qx "AttributeError: 'NoneType' object has no attribute 'build'" "$folder/seen"
grep -qx 'loaded without compiling: 4 weights' "$folder/seen"
