"""Stages as models: together they are the network, and a window at a border is padded by who gives the part."""

import gc
import weakref

import keras
import numpy as np
import pytest

from fcn_keras.inference import parts
from fcn_keras.inference.parts import part_of_canvas, part_of_stage, stages_of
from fcn_keras.models import FCN8s, FCN32s
from tests.fcn_keras.inference.small_nets import HEADS, NARROWEST, picture, randomize


def through_all(model, image, output):
    """Run every stage once, on whole maps."""
    found = stages_of(model)
    (canvas,) = found.canvases
    pixels = part_of_canvas(model, canvas).predict_on_batch([image[None].astype("float32")])[0]
    height, width = image.shape[:2]
    down, across = found.lengths(height), found.lengths(width)
    before, key = canvas.before, canvas.map.key
    pads = (before, down[key] - height - before), (before, across[key] - width - before)
    values = {key: np.pad(pixels, [(0, 0), *pads, (0, 0)])}
    for number, stage in enumerate(found.stages):
        given = [values.get(x.key, np.zeros((1, height, width, 3), "float32")) for x in stage.inputs]
        if stage.exact:
            pad = stage.exact.kernel_size[0] // 2
            given = [np.pad(given[0], [(0, 0), (pad, pad), (pad, pad), (0, 0)])]
        results = part_of_stage(model, found, number, output, ()).predict_on_batch(given)
        values.update(zip([x.key for x in stage.outputs], results, strict=True))
    return [values[x.key][0] for x in found.results]


@pytest.mark.parametrize("padding", ["same", "caffe"])
def test_stages_one_after_another_are_the_network(padding):
    model = randomize(FCN32s(HEADS, padding=padding, channels=NARROWEST))
    image = picture(37, 50)
    expected = keras.tree.flatten(model(image[None].astype("float32"), training=False))
    for found, scores in zip(through_all(model, image, "scores"), expected, strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, scores.numpy()[0], rtol=0, atol=1e-5 * np.abs(scores).max())
    for found, scores in zip(through_all(model, image, "labels"), expected, strict=True):
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, scores.numpy()[0].argmax(-1))


def test_a_stage_is_built_once_and_freed_with_its_network():
    model = FCN8s(2, channels=NARROWEST)
    found = stages_of(model)
    assert part_of_stage(model, found, 0, "labels", ()) is part_of_stage(model, found, 0, "scores", ())
    last = len(found.stages) - 1
    assert part_of_stage(model, found, last, "labels", ()) is not part_of_stage(model, found, last, "scores", ())
    assert part_of_stage(model, found, last, "labels", ()).jit_compile is False
    assert stages_of(model) is found
    alive = weakref.ref(model)
    del model, found
    gc.collect()
    assert alive() is None
    assert not any(key is None for key in parts._parts)


def test_what_cannot_be_cut_has_no_stages():
    image = keras.Input((None, None, 3))
    assert stages_of(keras.Model(image, keras.layers.UpSampling2D(2)(image))) is None
