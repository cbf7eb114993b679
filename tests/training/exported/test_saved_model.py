"""A SavedModel labels a photograph's pixels as it answers the photograph's file when it is served."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fcn_keras.datasets.images import read_image
from fcn_keras.models import FCN32s
from fcn_keras.photographs import Photographs
from fcn_keras.scaled_inference import remember_photographs
from fcn_keras_console.exported.find import find_exported
from serving.export import export
from tests.serving.nets import TINY, randomize
from tests.training.tiny import picture, write
from training.exported.net import ExportedNet
from training.exported.saved_model import load

KNOWN = Photographs((24, 40), (24, 40), (24, 40))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A version that `fcn-export` wrote of a net that knows the size of its photographs."""
    model = randomize(FCN32s(3, channels=TINY))
    remember_photographs(model, KNOWN)
    options = {"classes": ["sky", "road", "car"], "sizes": [(24, 40)], "extras": ("confidence_map",)}
    return export(model, tmp_path_factory.mktemp("served") / "fcn", **options)


@pytest.fixture(scope="module")
def net(folder):
    return ExportedNet(find_exported(folder.parent))


@pytest.fixture(scope="module")
def served(folder):
    return tf.saved_model.load(str(folder))


def test_what_it_says_of_itself(net, folder):
    assert (net.path, net.modality, net.counts) == (folder, "rgb", {"": 3})
    assert (net.names, net.scale) == ({"": ("sky", "road", "car")}, KNOWN)
    assert net.runtime.startswith("TensorFlow 2.")


@pytest.mark.parametrize(("height", "width"), [(24, 40), (90, 120)])
def test_it_labels_as_it_is_served(net, served, tmp_path, height, width):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    path = tmp_path / "turned.jpg"
    write(path, picture(height, width), exif=exif)
    answer = served.signatures["serving_default"](image_bytes=tf.constant([path.read_bytes()]))
    expected = tf.io.decode_png(answer["label_png_bytes"][0])[..., 0].numpy()
    assert expected.shape == (width, height)
    image = read_image(path)
    np.testing.assert_array_equal(net(image)[""], expected)
    assert net.scored_size((width, height)) == (answer["scored_height"][0], answer["scored_width"][0])
    sure, size = net.certainty(image)
    assert size == net.scored_size((width, height))
    assert (sure[""][..., 0] == expected).mean() > 0.999  # labels of its scores
    served_map = tf.io.decode_png(answer["confidence_map_bytes"][0])[..., 0].numpy()
    assert np.abs(255 * sure[""][..., 1] - served_map).max() < 0.52
    # At its own size, where the server reduces it.
    scores = served.signatures["predict_scores"](image=tf.constant(image[None], tf.float32))["scores"][0].numpy()
    np.testing.assert_array_equal(net(image, 1)[""], scores.argmax(-1))


def test_a_sum_that_overflows_is_refused(tmp_path):
    class Overflowing(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, "image")])
        def labels(self, image):
            check = tf.debugging.Assert(tf.reduce_all(image < 9), ["The scores of these images are not finite:", [0]])
            with tf.control_dependencies([check]):
                return {"label": tf.identity(image[..., 0])}

        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, "image")])
        def scores(self, image):
            return {"scores": image}

    module = Overflowing()
    signatures = {"predict_tensors": module.labels, "predict_scores": module.scores}
    tf.saved_model.save(module, str(tmp_path), signatures=signatures)
    labels, scores = load(tmp_path)
    assert (labels.outputs, scores.outputs) == ({"label": (None, None, None)}, {"scores": (None, None, None, 3)})
    assert labels(np.full((2, 2, 3), 8, np.uint8))[""].tolist() == [[8, 8], [8, 8]]
    with pytest.raises(ValueError, match=r"^The scores of this image are not finite"):
        labels(np.full((2, 2, 3), 9, np.uint8))


def test_what_fcn_export_did_not_write(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "of others"))
    with pytest.raises(ValueError, match=r"fcn-export did not write .*of others: it has no signature predict_tensors"):
        load(tmp_path / "of others")
    (tmp_path / "of others" / "saved_model.pb").write_bytes(b"cut")
    with pytest.raises(ValueError, match=r"^[^\n]*of others is damaged, or no SavedModel[^\n]*$"):
        load(tmp_path / "of others")
