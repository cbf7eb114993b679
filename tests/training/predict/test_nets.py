"""The net of a call and the names of its classes; which options go with which kind of net."""

from types import SimpleNamespace

import numpy as np
import pytest

from fcn_keras.inference import predict
from fcn_keras.interface import in_bfloat16
from fcn_keras_console.exported.find import find_exported
from tests.training.exported.files import NAMES, onnx_file, scores_of
from tests.training.tiny import picture
from training.predict.nets import exported_net, keras_net
from training.workdir import hardware
from training.workdir.checkpoint import identity_of

OPTIONS = SimpleNamespace(
    tta=False, tta_scales=None, scale="trained", memory=None, tile=None, precision=None, temperature=None, formats=None
)


def test_a_keras_file(named_net, models_once):
    net = keras_net(named_net, OPTIONS)
    assert (net.modality, net.counts, net.names) == ("rgb", {"": 4}, {"": NAMES})
    assert net.identity == identity_of(named_net)
    image = picture(20, 30)
    labels, size = net.label(image, "a.png")
    assert size == (20, 30)
    np.testing.assert_array_equal(labels[""], predict(models_once(named_net), image))


def test_an_exported_file(tmp_path):
    path = onnx_file(tmp_path / "net.onnx")
    net = exported_net(find_exported(path), OPTIONS)
    assert (net.modality, net.counts, net.names) == ("rgb", {"": 4}, {"": NAMES})
    assert net.identity == find_exported(path).identity
    image = picture(20, 30)
    labels, size = net.label(image, "a.png")
    assert size == (20, 30)
    np.testing.assert_array_equal(labels[""], scores_of(image).argmax(-1))


@pytest.mark.parametrize("unit", [None, "AMX"])
def test_a_keras_file_in_bfloat16(named_net, models_once, unit, monkeypatch, caplog):
    monkeypatch.setattr(hardware, "bfloat16_unit", lambda: unit)
    net = keras_net(named_net, SimpleNamespace(**{**vars(OPTIONS), "precision": "bfloat16"}))
    assert ("bfloat16 takes longer than float32 on this machine" in caplog.text) == (unit is None)
    image = picture(20, 30)
    expected = predict(in_bfloat16(models_once(named_net)), image)
    np.testing.assert_array_equal(net.label(image, "a.png")[0][""], expected)
