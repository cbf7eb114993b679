"""What a served network answers where its scores would be no numbers."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fcn_keras.models import FCN32s, LateFusion
from serving.export.saved_model.finite_scores import BRIGHTEST, SENTENCE
from serving.export.saved_model.frozen_network import freeze
from serving.export.saved_model.limits import MAX_DECODED, Limits
from serving.export.saved_model.signatures import build
from tests.serving.image_files import encode, picture
from tests.serving.nets import TINY, randomize

WRONG = (np.nan, np.inf, -np.inf, 3e38, -3e38, BRIGHTEST * 1.01)


def built(net, precision="fp32", **options):
    """Make the signatures of a network, and save nothing; tell whether its sums may overflow."""
    network, _ = freeze(net, precision=precision)
    functions = build(network, limits=Limits(10_000, 10_000, MAX_DECODED), **options)
    return functions, network.is_doubtful


def batch(count, channels=3):
    return np.stack([picture(37, 51, seed=i)[..., :1].repeat(channels, -1) for i in range(count)]).astype("float32")


@pytest.fixture(scope="module")
def sound():
    return randomize(FCN32s(3, channels=TINY))


def test_pixels_that_are_no_numbers_give_nan_and_neighbours_what_they_get_alone(sound):
    functions, is_doubtful = built(sound)
    assert not is_doubtful
    images = batch(len(WRONG) + 1)
    whole = functions["predict_scores"](images)["scores"].numpy()
    for index, value in enumerate(WRONG):
        images[index, 3 * index, -1, index % 3] = value
    scores = functions["predict_scores"](images)["scores"].numpy()
    assert np.isnan(scores[:-1]).all()
    np.testing.assert_array_equal(scores[-1], whole[-1])


def test_depth_and_two_inputs():
    rgbd = built(randomize(FCN32s(3, modality="rgbd", channels=TINY)))[0]["predict_scores"]
    images = batch(4, 4)
    images[0, 5, 6, 3], images[1, 5, 6, 3], images[2, 5, 6, 3], images[3, 5, 6, 3] = np.nan, np.inf, 1e30, 0
    assert np.isnan(rgbd(images)["scores"].numpy()).all(axis=(1, 2, 3)).tolist() == [True, True, False, False]
    assert np.isfinite(rgbd(images)["scores"].numpy()[2:]).all()
    late = built(randomize(LateFusion({"a": 3, "b": 2}, channels=TINY)))[0]["predict_scores"]
    given = {name: batch(2) for name in ("rgb", "hha")}
    given["hha"][1, 0, 0, 0] = np.nan
    answer = late(*(given[spec.name] for spec in late.input_signature))
    for head in ("a_scores", "b_scores"):
        assert np.isfinite(answer[head].numpy()[0]).all()
        assert np.isnan(answer[head].numpy()[1]).all()


def overflowing():
    """Overflows on white, not on black, which its first convolution makes 0."""
    net = randomize(FCN32s(3, channels=TINY))
    kernel = np.zeros(net.get_layer("conv1_1").kernel.shape)
    kernel[1, 1, :, 0] = 9e35
    net.get_layer("conv1_1").kernel.assign(kernel)
    return net


@pytest.fixture(scope="module", params=[(None, "fp32"), (24, "bf16")])
def doubtful(request):
    scale, precision = request.param
    functions, is_doubtful = built(overflowing(), precision, scale=scale, extras=("confidence",))
    assert is_doubtful
    return functions


WHITE, BLACK = np.full((40, 50, 3), 255, np.uint8), np.zeros((40, 50, 3), np.uint8)


def test_a_photograph_whose_sums_overflow_gets_a_sentence(doubtful):
    answer = doubtful["serving_default"](tf.constant([encode(WHITE), encode(BLACK), b"no image"]))
    status = [x.decode() for x in answer["status"].numpy()]
    assert status[:2] == [SENTENCE, ""]
    assert status[2] not in ("", SENTENCE)
    assert answer["label_png_bytes"].numpy()[0] == b""
    assert answer["height"].numpy().tolist() == [0, 40, 0]
    assert np.asarray(Image.open(io.BytesIO(answer["label_png_bytes"].numpy()[1]))).shape == (40, 50)


def test_tensors_whose_sums_overflow_are_an_error_that_names_them(doubtful):
    assert doubtful["predict_tensors"](BLACK[None])["label"].shape == (1, 40, 50)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"scores of these images are not finite.*\[1\]"):
        doubtful["predict_tensors"](np.stack([BLACK, WHITE]))
    scores = doubtful["predict_scores"](np.stack([BLACK, WHITE]).astype("float32"))["scores"].numpy()
    assert np.isfinite(scores[0]).all()
    assert np.isnan(scores[1]).all()


def test_looking_at_every_layer_changes_no_score(sound):
    """One more channel of fc6, of which nothing is read: its weights are too large, and their sums are numbers."""
    images, kernel = batch(2), np.asarray(sound.get_layer("fc6").kernel)
    before, unread = kernel.copy(), np.asarray(sound.get_layer("fc7").kernel).copy()
    before[..., 0], unread[:, :, 0] = 0, 0
    sound.get_layer("fc7").kernel.assign(unread)
    sound.get_layer("fc6").kernel.assign(before)
    functions, is_doubtful = built(sound)
    assert not is_doubtful
    expected = functions["predict_scores"](images)["scores"].numpy()
    before[..., 0] = 1e31
    sound.get_layer("fc6").kernel.assign(before)
    functions, is_doubtful = built(sound)
    assert is_doubtful
    np.testing.assert_allclose(functions["predict_scores"](images)["scores"], expected, rtol=1e-5, atol=1e-4)
