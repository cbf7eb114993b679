#!/usr/bin/env bash
# OpenVINO's CPU plugin takes some settings from a model's file, but not what it is to be computed in.
#
# openvino 2026.4.1. `runtime_options` in a model's runtime information survive `save_model` and `read_model`, and the plugin
# applies DYNAMIC_QUANTIZATION_GROUP_SIZE of them: 64 in the file, 64 in the compiled model, where the default is 32. Beside
# it, INFERENCE_PRECISION_HINT is read back from the file, and not applied, nor is EXECUTION_MODE_HINT: given to
# `compile_model`, both are. So no such setting keeps a file in float32 on processors with bfloat16, where OpenVINO takes
# that by itself. Whoever loads it has to say so. "dynamic" shows it on every processor.
# Seen: "group size: file 64; precision: file the processor's own, compile_model dynamic; mode: file PERFORMANCE, compile_model ACCURACY".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet openvino==2026.4.1 numpy==2.2.6
seen=$("$work/venv/bin/python" - "$work/net.xml" <<'PYTHON'
import sys

import numpy as np
import openvino
from openvino import opset13 as ops

GROUP, PRECISION, MODE = "DYNAMIC_QUANTIZATION_GROUP_SIZE", "INFERENCE_PRECISION_HINT", "EXECUTION_MODE_HINT"
OPTIONS = {GROUP: "64", PRECISION: "dynamic", MODE: "ACCURACY"}
core, path = openvino.Core(), sys.argv[1]
image = ops.parameter([1, 4, 8, 8], np.float32)
kernel = ops.constant(np.ones((4, 4, 3, 3), np.float32))
ones = [1, 1]
network = openvino.Model([ops.convolution(image, kernel, ones, ones, ones, ones)], [image])


def compiled(key, in_file):
    plain = openvino.Model(network.get_results(), network.get_parameters())
    if in_file:
        plain.set_rt_info(OPTIONS[key], ["runtime_options", key])
    openvino.save_model(plain, path, compress_to_fp16=False)
    if in_file:
        assert core.read_model(path).get_rt_info(["runtime_options", key]).astype(str) == OPTIONS[key]
    return core.compile_model(path, "CPU", {} if in_file else {key: OPTIONS[key]}).get_property(key)


def precision(in_file):
    name = compiled(PRECISION, in_file).get_type_name()
    return name if name == "dynamic" else "the processor's own"


modes = [str(compiled(MODE, in_file)).rpartition(".")[2] for in_file in (True, False)]
text = f"group size: file {compiled(GROUP, True)}; precision: file {precision(True)}, compile_model {precision(False)}"
print(f"{text}; mode: file {modes[0]}, compile_model {modes[1]}")
PYTHON
)
echo "$seen"
[ "$seen" = "group size: file 64; precision: file the processor's own, compile_model dynamic; mode: file PERFORMANCE, compile_model ACCURACY" ]
