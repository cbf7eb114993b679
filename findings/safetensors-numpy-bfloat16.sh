#!/usr/bin/env bash
# safetensors reads a bfloat16 tensor into NumPy, or does not, by what else the program happened to import.
#
# safetensors 0.8.0, numpy 2.4.6, ml_dtypes 0.5.4. `safe_open(path, framework="np")` opens a file with bfloat16 tensors and
# lists them. `get_tensor` asks NumPy for a dtype called "bfloat16", which NumPy has only after something imported
# ml_dtypes. Keras, JAX and TensorFlow import it, so the same line works in one program and raises in another. Nothing in
# the message names ml_dtypes, even where it is installed.
# Seen: "TypeError: data type 'bfloat16' not understood", and after `import ml_dtypes`: "[1.5, -2.0] bfloat16".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.5.4
cat >"$work/look.py" <<'PYTHON'
import json
import struct
import sys

if sys.argv[1:] == ["imported"]:
    import ml_dtypes  # noqa: F401
from safetensors import safe_open

header = json.dumps({"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
with open("w.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + struct.pack("<HH", 0x3FC0, 0xC000))  # 1.5 and -2
with safe_open("w.safetensors", framework="np") as file:
    try:
        w = file.get_tensor("w")
        print(w.astype("float32").tolist(), w.dtype)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
PYTHON
cd "$work"
plain=$(venv/bin/python look.py)
imported=$(venv/bin/python look.py imported)
printf '%s\n' "$plain" "$imported"
[[ $plain == TypeError:*bfloat16* ]]
[ "$imported" = "[1.5, -2.0] bfloat16" ]
