#!/usr/bin/env bash
# Keras `predict` turns NaN into 0 behind a convolution with bias and ReLU; calling the same model gives NaN.
#
# keras 3.15.1, tensorflow 2.21.0, x86-64 processor. In a graph, TensorFlow fuses convolution, bias and ReLU into one call
# of oneDNN, and the ReLU of that call gives 0 for NaN. So a model with broken weights predicts finite numbers, and a check
# of the loss or of the scores does not see it: look at the weights.
# Seen: "model(x): 49 NaN; model.predict(x): 0 NaN". With TF_ENABLE_ONEDNN_OPTS=0 both give 64: there NaN times padding counts.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0
cat >"$work/look.py" <<'PYTHON'
import keras
import numpy as np

model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(8, 3, padding="same", activation="relu")])
kernel = np.ones((3, 3, 3, 8), "float32")
kernel[0, 0, 0, 0] = np.nan
model.layers[0].set_weights([kernel, np.zeros(8, "float32")])
image = np.ones((1, 8, 8, 3), "float32")
print(f"model(x): {np.isnan(np.asarray(model(image))).sum()} NaN; ", end="")
print(f"model.predict(x): {np.isnan(model.predict(image, verbose=0)).sum()} NaN")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3
fused=$("$work/venv/bin/python" "$work/look.py" 2>/dev/null)
plain=$(TF_ENABLE_ONEDNN_OPTS=0 "$work/venv/bin/python" "$work/look.py" 2>/dev/null)
echo "$fused"
echo "without oneDNN: $plain"
[ "$fused" = "model(x): 49 NaN; model.predict(x): 0 NaN" ]
[ "$plain" = "model(x): 64 NaN; model.predict(x): 64 NaN" ]
