#!/usr/bin/env bash
# tf2onnx converts floor division and floor modulo of negative integers wrongly.
#
# tf2onnx 1.17.0, tensorflow 2.21.0, onnx 1.23.2, onnxruntime 1.32.0, opset 17. TensorFlow rounds down; the converted
# model truncates, without a warning, and its modulo has the sign of C. Sizes and paddings computed with `-size % 32` in a
# graph are wrong after conversion; write `(32 - size % 32) % 32`, whose operands stay positive.
# Seen, of -5 -4 -1 0 5 by 4: TensorFlow div [-2 -1 -1 0 1] mod [3 0 3 0 1]; ONNX div [-1 -1 0 0 1] mod [-1 0 -1 0 1].
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet tf2onnx==1.17.0 tensorflow==2.21.0 onnx==1.23.2 onnxruntime==1.32.0 keras==3.15.1
seen=$(TF_CPP_MIN_LOG_LEVEL=3 "$work/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx


@tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="x")])
def divide(x):
    return {"div": tf.math.floordiv(x, 4), "mod": tf.math.floormod(x, 4)}


numbers = np.array([-5, -4, -1, 0, 5], "int32")
model, _ = tf2onnx.convert.from_function(divide, input_signature=divide.input_signature, opset=17)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
theirs = {name: value.numpy().tolist() for name, value in divide(numbers).items()}
converted = dict(zip([out.name for out in session.get_outputs()], session.run(None, {"x": numbers})))
print("TensorFlow", theirs["div"], theirs["mod"], "ONNX", converted["div"].tolist(), converted["mod"].tolist())
PYTHON
)
echo "$seen"
[ "$seen" = "TensorFlow [-2, -1, -1, 0, 1] [3, 0, 3, 0, 1] ONNX [-1, -1, 0, 0, 1] [-1, 0, -1, 0, 1]" ]
