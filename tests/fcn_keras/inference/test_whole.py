"""What OpenVINO does to scores is said."""

import sys
import types

import keras
import numpy as np
import pytest

from fcn_keras.inference import predict, whole
from fcn_keras.models import FCN32s
from tests.fcn_keras.inference.small_nets import NARROWEST


@pytest.mark.parametrize(("precision", "lines"), [("f32", 0), ("bf16", 1)])
def test_openvino_says_once_where_it_is_less_exact(monkeypatch, caplog, precision, lines):
    """As on processors with AVX512_BF16 or AMX."""
    hint = types.SimpleNamespace(get_type_name=lambda: precision)
    core = types.SimpleNamespace(get_property=lambda device, name: hint)
    monkeypatch.setitem(sys.modules, "openvino", types.SimpleNamespace(Core=lambda: core))
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    whole._warn_of_bfloat16.cache_clear()
    image = np.zeros((3, 4, 3), np.uint8)
    for _ in range(2):
        predict(FCN32s(2, channels=NARROWEST), image)
    told = [record.getMessage() for record in caplog.records if record.name == "fcn_keras"]
    assert [line.startswith("OpenVINO computes in half precision (bf16)") for line in told] == [True] * lines
