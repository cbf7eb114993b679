"""Which net labels within a tool, by which head, and which of its classes get shapes."""

import numpy as np
import pytest

from fcn_keras.models import FCN32s
from fcn_keras_console.exported.find import find_exported
from tests.training.exported.files import NAMES, onnx_file, scores_of
from tests.training.tiny import NARROW, picture, saved
from training.labelling.net import LabellingNet
from training.workdir.checkpoint import identity_of


def test_an_exported_net(tmp_path):
    path = onnx_file(tmp_path / "road" / "net.onnx")
    net = LabellingNet(path)
    assert (net.names, net.shown) == (NAMES, (0, 1, 2, 3))
    assert net.version == f"road/net.onnx {find_exported(path).identity}"
    image = picture(20, 30)
    labels = net.labels(image, "a.png")
    np.testing.assert_array_equal(labels, scores_of(image).argmax(-1))
    assert net.present(labels) == np.unique(labels).tolist()


def test_a_keras_file(tmp_path):
    path = saved(FCN32s(4, channels=NARROW), tmp_path / "net.keras")
    net = LabellingNet(path)
    assert net.names == ("class 0", "class 1", "class 2", "class 3")
    assert (net.shown, net.version.split()[1]) == ((0, 1, 2, 3), identity_of(path))
    assert net.labels(picture(20, 30), "a.png").shape == (20, 30)


def test_background_gets_no_shape(tmp_path):
    path = onnx_file(tmp_path / "net.onnx", names=("_background_", "road", "car", "tree"))
    assert LabellingNet(path).shown == (1, 2, 3)
    net = LabellingNet(path, background="car")
    assert net.shown == (0, 1, 3)
    assert net.present(np.array([[2, 1], [2, 0]])) == [0, 1]
    with pytest.raises(
        ValueError, match=r"^background is a class of the net: .*car.* Received: cars\. Did you mean car\?$"
    ):
        LabellingNet(path, background="cars")


def test_a_net_of_several_heads(tmp_path):
    path = onnx_file(tmp_path / "net.onnx", heads=("geo", "sem"))
    image = picture(20, 30)
    np.testing.assert_array_equal(LabellingNet(path, head="geo").labels(image, "a"), scores_of(image).argmax(-1))
    with pytest.raises(ValueError, match=r"has the heads geo, sem\. Say which one labels: head\.$"):
        LabellingNet(path)
    with pytest.raises(ValueError, match=r"has the heads geo, sem\. Received: head no\.$"):
        LabellingNet(path, head="no")
    with pytest.raises(ValueError, match=r"has one head, which needs no name\. Received: head sem\.$"):
        LabellingNet(onnx_file(tmp_path / "one.onnx"), head="sem")


def test_a_net_that_takes_more_than_colours(tmp_path):
    path = onnx_file(tmp_path / "net.onnx", inputs=("rgb", "hha"))
    with pytest.raises(ValueError, match="takes rgb_hha, and a labelling tool gives colour images alone"):
        LabellingNet(path)


def test_a_net_that_is_missing(tmp_path):
    with pytest.raises(ValueError, match="missing"):
        LabellingNet(tmp_path / "net.onnx")
