"""A format's runtime has a name and a version, and loads a file; what it cannot read is one line."""

import importlib.util
from importlib import metadata

import pytest

from fcn_keras_console.exported.find import LITERT, ONNX, OPENVINO, SAVED_MODEL, Exported, find_exported
from fcn_keras_console.exported.runtime import load_file, runtime_of
from tests.training.exported.files import onnx_file


def test_names_and_versions(monkeypatch):
    assert runtime_of(ONNX) == f"ONNX Runtime {metadata.version('onnxruntime')}"
    assert runtime_of(OPENVINO) == f"OpenVINO {metadata.version('openvino')}"
    assert runtime_of(SAVED_MODEL).startswith("TensorFlow 2.")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert runtime_of(LITERT).startswith("TensorFlow's LiteRT 2.")


def test_a_file_is_loaded_with_its_runner_s_options(tmp_path):
    exported = find_exported(onnx_file(tmp_path / "net.onnx"))
    assert list(load_file(exported, lean=True).outputs) == ["scores"]


@pytest.mark.parametrize(("format", "name"), [(ONNX, "ONNX Runtime"), (OPENVINO, "OpenVINO"), (LITERT, "LiteRT")])
def test_what_is_none_is_one_line(tmp_path, format, name):
    (tmp_path / "net").write_bytes(b"none")
    with pytest.raises(ValueError, match=f"^{name} cannot read {tmp_path}/net: [^\n]*$"):
        load_file(Exported(tmp_path / "net", format))
