#!/usr/bin/env bash
# OpenVINO's CPU plugin turns NaN into 0 at a ReLU, and leaves it out at a max pooling.
#
# openvino 2026.4.1, float32. A 3x3 convolution carries one NaN pixel into the 9 sums around it, as it should. With a ReLU
# behind it all 9 are 0; a 2x2 max pooling alone takes the largest of the other pixels. So a network of convolutions, ReLUs
# and poolings answers finite scores to a pixel that is no number, and so it does if NaN is among its weights. ONNX Runtime
# 1.32.0 keeps NaN at the ReLU. Whoever looks for NaN in the answer of such a network finds none.
# Seen: "convolution 9 of 9, ReLU 0 of 9, max pooling 0 of 4; ONNX Runtime: ReLU 9 of 9".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.2.6
seen=$("$work/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

image = np.ones((1, 1, 3, 3), np.float32)
image[0, 0, 1, 1] = np.nan


def network(*nodes, size):
    kernel = numpy_helper.from_array(np.ones((1, 1, 3, 3), np.float32), "kernel")
    ends = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, side, side]) for name, side in zip("xy", (3, size))
    )
    graph = helper.make_graph(nodes, "net", *([end] for end in ends), [kernel] if len(nodes[0].input) > 1 else [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def in_openvino(model):
    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(core.read_model(model), "CPU", options)(image)[0]


def in_onnx_runtime(model):
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"x": image})[0]


def told(run, model):
    answer = run(model)
    return f"{np.isnan(answer).sum()} of {answer.size}"


convolution = helper.make_node("Conv", ["x", "kernel"], ["c"], pads=[1, 1, 1, 1])
last = helper.make_node("Conv", ["x", "kernel"], ["y"], pads=[1, 1, 1, 1])
relu = helper.make_node("Relu", ["c"], ["y"])
pool = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2])
alone, with_relu, pooled = network(last, size=3), network(convolution, relu, size=3), network(pool, size=2)
ours = f"convolution {told(in_openvino, alone)}, ReLU {told(in_openvino, with_relu)}"
ours += f", max pooling {told(in_openvino, pooled)}"
theirs = f"ReLU {told(in_onnx_runtime, with_relu)}"
print(f"{ours}; ONNX Runtime: {theirs}")
PYTHON
)
echo "$seen"
[ "$seen" = "convolution 9 of 9, ReLU 0 of 9, max pooling 0 of 4; ONNX Runtime: ReLU 9 of 9" ]
