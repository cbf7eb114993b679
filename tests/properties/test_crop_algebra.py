"""Sizes and crops of every network at every size from 1 to 700, against Caffe's published arithmetic."""

from fractions import Fraction
from functools import cache

import keras
import numpy as np
import pytest

from fcn_keras.models import FCN8s, FCN16s, FCN32s

SIZES = range(1, 701)
NARROWEST = (((1, 2), (1, 2), (1, 3), (1, 3), (1, 3)), 1)
BUILDS = {32: FCN32s, 16: FCN16s, 8: FCN8s}
# `layer: crop_param { offset: }` of voc-fcn32s, voc-fcn16s and voc-fcn8s, as released.
RELEASED = {
    32: {"score": 19},
    16: {"score_pool4c": 5, "score": 27},
    8: {"score_pool4c": 5, "score_pool3c": 9, "score": 31},
}


class Map:
    """One axis of a Caffe blob: its length, and pixel 0's place and pixels' distance in the image.

    Lengths are those of conv_layer.cpp, pooling_layer.cpp and deconv_layer.cpp; places follow from the middle of the
    pixels that an output reads, or of the outputs that an input writes.
    """

    def __init__(self, length, step=1, first=0):
        self.length, self.step, self.first = length, Fraction(step), Fraction(first)

    def conv(self, kernel, pad=0):
        return Map(
            self.length + 2 * pad - kernel + 1, self.step, self.first + self.step * (Fraction(kernel - 1, 2) - pad)
        )

    def pool(self):
        return Map(-(-(self.length - 2) // 2) + 1, 2 * self.step, self.first + self.step / 2)

    def deconv(self, kernel, stride, pad=0):
        step = self.step / stride
        length = stride * (self.length - 1) + kernel - 2 * pad
        return Map(length, step, self.first - step * (Fraction(kernel - 1, 2) - pad))

    def crop(self, offset, reference):
        assert 0 <= offset <= self.length - reference.length  # or Caffe's crop layer stops
        assert self.step == reference.step
        assert self.first + offset * self.step == reference.first  # pixel i of both is the same place
        return Map(reference.length, self.step, reference.first)


def caffe(length, stride):
    """All blobs of a released network along one axis."""
    image = Map(length)
    blobs = {"image": image, **trunk(image.conv(3, pad=100), pad=0)}
    coarse = blobs["score_fr"] = blobs["fc7"]
    for factor, pool in ((32, "pool4"), (16, "pool3")):
        if stride == factor:
            break
        name = {"pool4": "upscore2", "pool3": "upscore_pool4"}[pool]
        blobs[name] = coarse.deconv(4, 2)
        blobs[f"score_{pool}"] = blobs[pool]
        coarse = blobs[f"fuse_{pool}"] = blobs[f"score_{pool}c"] = blobs[pool].crop(
            RELEASED[stride][f"score_{pool}c"], blobs[name]
        )
    name = {32: "upscore", 16: "upscore16", 8: "upscore8"}[stride]
    blobs[name] = coarse.deconv(2 * stride, stride)
    blobs["score"] = blobs[name].crop(RELEASED[stride]["score"], image)
    return blobs


def same(length, stride):
    """All maps of an all-`same` network: the image padded to a multiple of 32, and nothing to crop but the padding."""
    image, padded = Map(length), Map(-(-length // 32) * 32)
    blobs = {"image": image, "pad": padded, **trunk(padded.conv(3, pad=1), pad=3)}
    coarse = blobs["score_fr"] = blobs["fc7"]
    for factor, pool in ((32, "pool4"), (16, "pool3")):
        if stride == factor:
            break
        name = {"pool4": "upscore2", "pool3": "upscore_pool4"}[pool]
        blobs[name] = coarse.deconv(4, 2, pad=1)
        blobs[f"score_{pool}"] = blobs[pool]
        coarse = blobs[f"fuse_{pool}"] = blobs[f"score_{pool}c"] = blobs[pool].crop(0, blobs[name])
    name = {32: "upscore", 16: "upscore16", 8: "upscore8"}[stride]
    blobs[name] = coarse.deconv(2 * stride, stride, pad=stride // 2)
    blobs["score"] = blobs[name].crop(0, image)
    return blobs


def trunk(x, pad):
    """VGG16 after its first convolution."""
    blobs = {"conv1_1": x}
    for block, count in enumerate((2, 2, 3, 3, 3), 1):
        for i in range(1 + (block == 1), count + 1):
            x = blobs[f"conv{block}_{i}"] = x.conv(3, pad=1)
        x = blobs[f"pool{block}"] = x.pool()
    blobs["fc6"] = x.conv(7, pad=pad)
    blobs["fc7"] = blobs["fc6"].conv(1)
    return blobs


@cache
def network(stride, padding):
    return BUILDS[stride](1, padding=padding, channels=NARROWEST)


def lengths(net, height, width):
    """Height and width of every layer's output by name, layer by layer as Keras counts them; crops must have room."""
    found, known = {}, {id(net.input): (1, height, width, 3)}
    for layer in net.layers[1:]:
        shapes = [known[id(x)] for x in keras.tree.flatten(layer.input)]
        if hasattr(layer, "offset"):
            room = [a - b - layer.offset for a, b in zip(shapes[0][1:3], shapes[1][1:3], strict=True)]
            assert min(room) >= 0, f"{layer.name} lacks {room} pixels at {height}x{width}"
        shape = layer.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
        known[id(layer.output)] = shape
        found[layer.name] = tuple(shape[1:3])
    return found


@pytest.mark.parametrize("stride", [32, 16, 8])
@pytest.mark.parametrize("padding", ["caffe", "same"])
def test_every_size_in_both_axes(padding, stride):
    net, model = network(stride, padding), {"caffe": caffe, "same": same}[padding]
    expected = {size: model(size, stride) for size in SIZES}  # checks that Caffe's own crops fit and align
    for height in SIZES:
        width = 701 - height
        found = lengths(net, height, width)
        for name, blob in expected[height].items():
            if name in found:
                assert found[name] == (blob.length, expected[width][name].length), (name, height, width)
        assert found["score"] == (height, width)
    compared = set(expected[1]) & set(found)
    assert len(compared) >= 22 + {32: 1, 16: 4, 8: 7}[stride]


@pytest.mark.parametrize("stride", [32, 16, 8])
@pytest.mark.parametrize("padding", ["caffe", "same"])
def test_the_derived_offsets_are_the_released_ones(padding, stride):
    offsets = {layer.name: layer.offset for layer in network(stride, padding).layers if hasattr(layer, "offset")}
    assert offsets == (RELEASED[stride] if padding == "caffe" else dict.fromkeys(RELEASED[stride], 0))


@pytest.mark.parametrize("stride", [32, 16, 8])
@pytest.mark.parametrize("padding", ["caffe", "same"])
def test_upsampled_coordinates_are_the_pixels_own(padding, stride):
    """Maps that hold their own pixels' place in the image come out of upsampling, crops and sums as the place."""
    net, model = network(stride, padding), {"caffe": caffe, "same": same}[padding]
    names = ["score_fr", "score_pool4", "score_pool3"][: {32: 1, 16: 2, 8: 3}[stride]]
    decoder = keras.Model([net.input, *(net.get_layer(name).output for name in names)], net.output)
    for height, width in ((224, 301), (333, 256), (1, 287)):
        rows, columns = model(height, stride), model(width, stride)
        for axis, blobs in ((0, rows), (1, columns)):
            maps = []
            for name in names:
                shape = (1, rows[name].length, columns[name].length, 1)
                ramp = float(blobs[name].first) + float(blobs[name].step) * np.arange(blobs[name].length)
                maps.append(np.broadcast_to(ramp.reshape((1, -1, 1, 1) if axis == 0 else (1, 1, -1, 1)), shape))
            scores = np.asarray(decoder([np.zeros((1, height, width, 3), "float32"), *map(np.float32, maps)]))[
                0, ..., 0
            ]
            places = np.arange(height)[:, None] if axis == 0 else np.arange(width)[None]
            inside = interior(rows, height)[:, None] & interior(columns, width)[None]
            np.testing.assert_allclose(scores[inside], (len(names) * places + 0 * scores)[inside], atol=1e-2)
            if min(height, width) > 200:
                assert inside.sum() > 50 * 50


def interior(blobs, length):
    """Pixels between two pixels of every map that was upsampled on the way: a border fades to zero."""
    first, last = (blobs["score_fr"].first + blobs["score_fr"].step * i for i in (0, blobs["score_fr"].length - 1))
    places = np.arange(length)
    return (places >= first + 24) & (places <= last - 24)


@pytest.mark.parametrize("stride", [32, 16, 8])
@pytest.mark.parametrize("padding", ["caffe", "same"])
def test_the_network_itself_counts_as_caffe(padding, stride):
    net, model = network(stride, padding), {"caffe": caffe, "same": same}[padding]
    names = [layer.name for layer in net.layers if layer.name in model(1, stride)]
    run = keras.Model(net.input, {name: net.get_layer(name).output for name in names})
    for height, width in ((1, 33), (31, 2), (64, 97)):
        rows, columns = model(height, stride), model(width, stride)
        for name, x in run(np.zeros((1, height, width, 3), "float32")).items():
            assert x.shape[1:3] == (rows[name].length, columns[name].length), name
