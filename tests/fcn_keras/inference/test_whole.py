"""One compiled model for all images, freed with its network."""

import gc
import sys
import types
import weakref

import keras
import numpy as np
import pytest

from fcn_keras.inference import predict, whole
from fcn_keras.models import FCN8s, FCN32s
from tests.fcn_keras.inference.small_nets import NARROW, NARROWEST, picture, randomize


@pytest.fixture(scope="module")
def net():
    return randomize(FCN8s(21, channels=NARROW))


def test_new_weights_are_seen_and_one_model_is_compiled_for_all_calls(net):
    image = picture(33, 40)
    before = predict(net, image)
    randomize(net, seed=1)
    after = predict(net, image)
    assert (before != after).any()
    randomize(net, seed=0)
    np.testing.assert_array_equal(predict(net, image), before)
    assert len(whole._runners[net]) <= 2
    assert not whole._runners[net]["labels"].jit_compile


def test_a_dropped_model_is_freed():
    net = FCN32s(2, channels=NARROW)
    predict(net, picture(8, 8))
    alive = weakref.ref(net)
    del net
    gc.collect()
    assert alive() is None


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
