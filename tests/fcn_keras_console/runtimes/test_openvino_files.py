"""OpenVINO's files are run by the names of their inputs and outputs, in float32."""

import ctypes
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from fcn_keras_console.runtimes.openvino_files import runner
from fcn_keras_console.runtimes.quiet_openvino import load_openvino, openvino_core

openvino = load_openvino()


def test_a_file_answers_by_head(tmp_path):
    from openvino import opset13 as ops

    image = ops.parameter([-1, -1, -1, 3], np.uint8, name="image")
    image.output(0).set_names({"image"})
    scores = ops.multiply(ops.convert(image, "f32"), ops.constant(np.float32(1 + 2**-12)))  # 13 bits, not bfloat16's 8
    scores.output(0).set_names({"sem_scores"})
    network = openvino.Model([scores], [image])
    network.set_rt_info(json.dumps(["sky", "road", "car"]), ["fcn_keras", "classes_sem"])
    openvino.save_model(network, tmp_path / "net.xml", compress_to_fp16=False)
    pixels = np.arange(18).reshape(2, 3, 3)
    loaded = runner(tmp_path / "net.xml")
    assert (loaded.inputs, loaded.outputs) == ({"image": (None, None, None, 3)}, {"sem_scores": (None, None, None, 3)})
    assert loaded.classes == {"sem": ("sky", "road", "car")}
    answer = loaded(pixels)
    assert list(answer) == ["sem"]
    assert loaded.computes_in == "f32"
    has_bfloat16 = "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert runner(tmp_path / "net.xml", by_itself=True).computes_in == ("bf16" if has_bfloat16 else "f32")
    np.testing.assert_array_equal(answer["sem"], pixels.astype(np.float32) * np.float32(1 + 2**-12))


class _SignalStack(ctypes.Structure):
    _fields_ = (("begins", ctypes.c_void_p), ("flags", ctypes.c_int), ("bytes", ctypes.c_size_t))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_files_that_were_used_leave_a_stack_to_handle_signals_on(tmp_path):
    """As it was not when every file had a core: then the next Ctrl-C ended the process with a segmentation fault."""
    from openvino import opset13 as ops

    pixels = ops.parameter([-1, -1, -1, 3], np.float32, name="image")
    openvino.save_model(openvino.Model([ops.relu(pixels)], [pixels]), tmp_path / "net.xml")
    used = [runner(tmp_path / "net.xml") for _ in range(2)]
    while used:
        used.pop(0)
    stack = _SignalStack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack))
    ranges = (line.split()[0].split("-") for line in Path("/proc/self/maps").read_text().splitlines())
    is_there = any(int(first, 16) <= stack.begins < int(end, 16) for first, end in ranges) if stack.begins else True
    assert is_there


@pytest.mark.parametrize(("kept", "hint"), [("bf16", "bf16"), ("f32", "f32"), (None, "f32"), (["x"], "f32")])
def test_the_hint_of_a_file_is_passed_on(kept, hint, tmp_path, monkeypatch):
    """OpenVINO does not read it from the file: it is what `compile_model` is told."""
    from openvino import opset13 as ops

    pixels = ops.parameter([-1, -1, -1, 3], np.float32, name="image")
    network = openvino.Model([ops.relu(pixels)], [pixels])
    for value in (*network.inputs, *network.outputs):
        value.set_names({"scores"})
    if kept is not None:
        network.set_rt_info(json.dumps(kept), ["fcn_keras", "precision"])
    openvino.save_model(network, tmp_path / "net.xml")
    told, compile_model = [], openvino.Core.compile_model

    def compiled(core, *arguments):
        told.append(arguments[2])
        return compile_model(core, *arguments)

    monkeypatch.setattr(openvino.Core, "compile_model", compiled)
    runner(tmp_path / "net.xml")
    assert told == [{"INFERENCE_PRECISION_HINT": hint}]
