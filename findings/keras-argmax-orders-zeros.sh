#!/usr/bin/env bash
# `keras.ops.argmax` is documented as NumPy's: the index of the largest value, the first of equals. 0.0 and -0.0 are
# equal, so one would think that of [-0.0, 0.0] the first is taken, as by numpy.argmax, jax.numpy.argmax, torch.argmax.
# Keras puts -0.0 below 0.0, on its NumPy and its JAX backend too: it says 1. Where scores are labels, a class whose
# score came out of a product with a sign loses a tie that NumPy gives to it.
# Seen: keras 3.15.1 with jax 0.10.2 and numpy 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "keras==3.15.1" "jax[cpu]==0.10.2"

cat >"$folder/zeros.py" <<'PY'
import jax.numpy as jnp
import keras
import numpy as np

scores = np.array([-0.0, 0.0], "float32")
print("numpy", np.argmax(scores), "jax", jnp.argmax(scores), "keras", keras.backend.backend(), keras.ops.argmax(scores))
PY
for backend in numpy jax; do
    KERAS_BACKEND=$backend "$folder/env/bin/python" "$folder/zeros.py" 2>/dev/null
done | tee "$folder/seen"
grep -qx 'numpy 0 jax 0 keras numpy 1' "$folder/seen"
grep -qx 'numpy 0 jax 0 keras jax 1' "$folder/seen"
