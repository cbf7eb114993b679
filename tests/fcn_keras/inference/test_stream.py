"""Images computed stage by stage give what one pass gives, in the memory of a band."""

import keras
import numpy as np
import pytest

from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.inference.one_pass import run
from fcn_keras.inference.parts import Part, stages_of
from fcn_keras.inference.stream import Stream, fits
from fcn_keras.layers import CropLike, PadToMultiple
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from tests.fcn_keras.inference.small_nets import HEADS, NARROWEST, picture, randomize

tf = pytest.importorskip("tensorflow")
TINY = ((4, 6, 6, 6, 6), 8)
OPTIONS = {"channels": NARROWEST}
NETS = {
    "8s same": lambda: FCN8s(4, **OPTIONS),
    "8s caffe": lambda: FCN8s(4, padding="caffe", **OPTIONS),
    "16s of depth": lambda: FCN16s(4, modality="rgbd", **OPTIONS),
    "32s caffe": lambda: FCN32s(4, padding="caffe", **OPTIONS),
    "heads of their own": lambda: FCN8s(HEADS, at_once=True, fc6_kernel=3, skip_channels=(5, 4), **OPTIONS),
    "late fusion": lambda: LateFusion(4, skips=2, padding="caffe", **OPTIONS),
    "alexnet": lambda: FCNAlexNet(4, channels=TINY),
}


@pytest.fixture(scope="module", autouse=True)
def eager():
    """Graphs of every stage take longer to build than these images to compute."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def image_for(model, height, width):
    channels = model.input["rgb"].shape[-1] if isinstance(model.input, dict) else model.input.shape[-1]
    image = picture(height, width, channels)
    return {"rgb": image, "hha": picture(height, width, seed=1)} if isinstance(model.input, dict) else image


def in_stages(model, images, memory, **options):
    stream = Stream(model, images, "scores", memory, **options)
    bands = list(stream.bands())
    firsts = [first for first, _ in bands]
    assert firsts == sorted(set(firsts))
    parts = sum(len(rows) * len(columns) for rows, columns in zip(stream._plan.rows, stream._plan.columns, strict=True))
    return keras.tree.map_structure(lambda *x: np.concatenate(x), *(band for _, band in bands)), parts


@pytest.mark.parametrize("name", NETS)
def test_stages_give_the_whole_images_result(name):
    model = randomize(NETS[name]())
    for (height, width), memory in [((1, 1), 1e5), ((65, 141), 3e5)]:
        images = image_for(model, height, width)
        found, parts = in_stages(model, images, memory)
        assert parts > 2 * len(stages_of(model).stages) or height == 1
        expected = run(model, images, "scores")
        for one, other in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


def test_wide_images_are_computed_from_left_to_right():
    model = randomize(FCN32s(4, padding="caffe", **OPTIONS))
    image = picture(40, 300)
    found, _ = in_stages(model, image, 4e5, sideways=True)
    expected = run(model, image, "scores")
    np.testing.assert_allclose(found.swapaxes(0, 1), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_half_precision_is_handed_on():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = randomize(FCN32s(4, **OPTIONS))
    finally:
        keras.config.set_dtype_policy("float32")
    image = picture(70, 90)
    found, _ = in_stages(model, image, 1e5)
    expected = run(model, image, "scores")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.02 * np.abs(expected).max())


def stride_2_net():
    layers = keras.layers
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(PadToMultiple(2)(image))
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Conv2D(5, 3, padding="same")(layers.Conv2D(5, 3, padding="same")(x))
    return keras.Model(image, CropLike(0)([layers.Conv2DTranspose(4, 4, 2, padding="same")(x), image]))


def test_rows_are_computed_when_they_are_asked_for_and_once(monkeypatch):
    model = randomize(stride_2_net())
    image, calls = picture(900, 20), []
    expected = run(model, image, "labels")
    compute = Part.predict_on_batch
    monkeypatch.setattr(Part, "predict_on_batch", lambda self, x: calls.append(x[0].nbytes) or compute(self, x))
    asked = Stream(model, image, "labels", 6e4)
    np.testing.assert_array_equal(asked.rows(0, 30), expected[:30])
    few = len(calls)
    np.testing.assert_array_equal(asked.rows(29, 900), expected[29:])
    assert few < len(calls) / 10
    # No map was ever there as a whole, and nothing but the labels waits any more.
    assert max(calls) < 900 * 20 * 3 * 4 / 10
    assert [rows._bands for rows in asked._rows.values() if rows.length != 900] == [[], []]


def test_one_pass_fits_by_the_bytes_of_its_maps():
    model = FCN8s(4, **OPTIONS)
    whole = stages_of(model).whole * 64 * 96  # padded to multiples of 32
    assert fits(model, picture(40, 70), whole)
    assert not fits(model, picture(40, 70), whole - 1)
    sized = keras.Input((32, 32, 3))
    uncut = keras.Model(sized, keras.layers.Conv2D(2, 3)(sized))
    assert fits(uncut, picture(32, 32), 1)
    with pytest.raises(ValueError, match="takes images of one size"):
        Stream(uncut, picture(32, 32), "labels", 1)
