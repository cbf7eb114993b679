"""At which scale one photograph is labelled, and by which pass."""

import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.photographs import Photographs
from fcn_keras.scaled_inference import remember_photographs
from fcn_keras_console.exported.find import find_exported
from tests.training.exported.files import onnx_file
from tests.training.tiny import NARROW, picture, randomize
from training.exported.net import ExportedNet
from training.predict import labelling
from training.predict.labelling import ExportedLabelling, Labelling


@pytest.fixture(scope="module")
def known():
    model = randomize(fcn.FCN32s(4, channels=NARROW))
    remember_photographs(model, Photographs((32, 40), (32, 40), (32, 40)))
    return model


def test_the_model_s_own_scale_and_another(known):
    image = picture(96, 120)
    by_head, size = Labelling(known, None, None, memory=512)(image, "a.jpg")
    assert size == (32, 40)
    np.testing.assert_array_equal(by_head[""], fcn.predict_scaled(known, image))
    by_head, size = Labelling(known, None, 1, memory=512)(image, "a.jpg")
    assert size == (96, 120)
    np.testing.assert_array_equal(by_head[""], fcn.predict(known, image))


def test_tiles_and_copies_of_what_is_reduced(known, monkeypatch):
    image = picture(96, 120)
    whole, _ = Labelling(known, None, 100, memory=512)(image, "a.jpg")
    monkeypatch.setattr(labelling, "LARGEST_WHOLE", 80 * 100 - 1)
    tiled, size = Labelling(known, None, 100, memory=512, tile=64)(image, "a.jpg")
    assert size == (80, 100)
    assert (tiled[""] == whole[""]).mean() > 0.999  # floats are added in another order

    staged, _ = Labelling(known, None, 100, memory=0.5)(image, "a.jpg")
    assert (staged[""] == whole[""]).mean() > 0.999

    def score(model, reduced, output):
        return fcn.predict_augmented(model, reduced, scales=(0.5,), output="probabilities")

    copies, _ = Labelling(known, (0.5,), 60, memory=512, tile=64)(image, "a.jpg")
    expected = fcn.predict_scaled(known, image, scale=60, predictor=score)
    np.testing.assert_array_equal(copies[""], expected)


def test_an_exported_net_labels_at_a_scale_and_names_the_image(tmp_path):
    net = ExportedNet(find_exported(onnx_file(tmp_path / "net.onnx")))
    label = ExportedLabelling(net, 0.5)
    image = picture(9, 14)
    labels, size = label(image, "a.png")
    assert size == (5, 7)
    np.testing.assert_array_equal(labels[""], net(image, 0.5)[""])
    with pytest.raises(ValueError, match=r"^a.png: The scores of this image are not finite"):
        ExportedLabelling(net, None)(np.full((3, 4, 3), np.nan), "a.png")
    with pytest.raises(ValueError, match="gives labels"):
        ExportedLabelling(ExportedNet(find_exported(onnx_file(tmp_path / "l.onnx", labels=True))), 0.5)


def test_how_sure_the_labels_are_comes_from_the_same_pass(known, tmp_path):
    image = picture(96, 120)
    for copies in (None, (1,)):
        label = Labelling(known, copies, None, memory=512)
        labels, sure, size = label.with_certainty(image, "a.jpg")
        assert size == (32, 40)
        np.testing.assert_array_equal(labels[""], label(image, "a.jpg")[0][""])
        assert {kind: (x.shape, x.dtype) for kind, x in sure[""].items()} == dict.fromkeys(
            ("confidence", "entropy"), ((96, 120), np.uint8)
        )
        assert sure[""]["confidence"].min() >= 63  # of four classes
    net = ExportedNet(find_exported(onnx_file(tmp_path / "net.onnx")))
    labels, sure, size = ExportedLabelling(net, 0.5).with_certainty(image, "a.png")
    assert size == (48, 60)
    np.testing.assert_array_equal(labels[""], net(image, 0.5)[""])
    with pytest.raises(ValueError, match=r"^a.png: The scores of this image are not finite"):
        ExportedLabelling(net, None).with_certainty(np.full((3, 4, 3), np.nan), "a.png")
