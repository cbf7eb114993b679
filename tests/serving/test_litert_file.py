"""Networks as LiteRT files, run by LiteRT's interpreter beside `fcn_keras.predict`."""

import warnings

import numpy as np
import pytest
import tensorflow as tf
from image_files import picture
from nets import randomize

from fcn_keras import inference
from fcn_keras.models import FCN8s
from serving.litert_file.export import export_litert

TINY = (((4, 1), (4, 1), (6, 1), (6, 1), (8, 1)), 8)
SIZES = [(1, 1), (64, 96), (97, 131)]


def interpreter(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces the package that will replace it one day
        return tf.lite.Interpreter(str(path), num_threads=1)


def ask(path, **images):
    run = interpreter(path).get_signature_runner("serving_default")
    return {name: value.copy() for name, value in run(**images).items()}


def described(details):
    return {name: (value["dtype"], value["shape_signature"].tolist()) for name, value in details.items()}


def ends(path):
    """Inputs and outputs of the signature: `{name: (dtype, shape)}`."""
    run = interpreter(path).get_signature_runner("serving_default")
    return described(run.get_input_details()), described(run.get_output_details())


@pytest.mark.parametrize("padding", ["same", "caffe"])
def test_scores_of_any_size_and_number_of_images(padding, tmp_path):
    net = randomize(FCN8s(5, padding=padding, channels=TINY))
    found = export_litert(net, tmp_path / "net.tflite")
    assert 0 < found.largest_error < 1e-5
    assert found.agreement == 1
    dense = [-1, -1, -1]
    assert ends(tmp_path / "net.tflite") == (
        {"image": (np.float32, [*dense, 3])},
        {"scores": (np.float32, [*dense, 5])},
    )
    for size in SIZES:
        images = np.stack([picture(*size, seed) for seed in range(2)])
        scores = ask(tmp_path / "net.tflite", image=images.astype(np.float32))["scores"]
        for image, given in zip(images, scores, strict=True):
            expected = inference.predict(net, image, output="scores")
            np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
