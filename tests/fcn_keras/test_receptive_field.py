"""What output pixels see, against the paper's numbers and against the pixels that a bright spot reaches."""

import keras
import numpy as np
import pytest

from fcn_keras.geometry import Grid
from fcn_keras.layers import CeilMaxPooling2D, CropLike, PadToMultiple
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from fcn_keras.receptive_field import length_after, receptive_field

NARROW = (((2, 2), (2, 2), (2, 3), (2, 3), (2, 3)), 2)


@pytest.mark.parametrize(
    ("layer", "size", "stride"), [("pool3", 44, 8), ("pool4", 100, 16), ("pool5", 212, 32), ("fc6", 404, 32)]
)
@pytest.mark.parametrize("padding", ["same", "caffe"])
def test_fields_of_vgg16_are_the_papers(layer, size, stride, padding):
    net = FCN32s(2, padding=padding, channels=NARROW)
    field = receptive_field(keras.Model(net.input, net.get_layer(layer).output))
    assert 2 * field.radius + 1 == size
    assert field.grid.stride == field.phase == stride


def test_caffes_fc6_is_centred_12_and_a_half_pixels_inside():
    net = FCN32s(2, padding="caffe", channels=NARROW)
    assert receptive_field(keras.Model(net.input, net.get_layer("fc7").output)).grid == Grid(32, 12.5)


@pytest.mark.parametrize("padding", ["same", "caffe"])
@pytest.mark.parametrize("build", [FCN32s, FCN16s, FCN8s])
def test_a_bright_pixel_reaches_the_radius_and_no_further(build, padding):
    net = build(2, padding=padding, mean=(0, 0, 0), channels=NARROW)
    for variable in net.weights:
        if "conv" in variable.path or "fc" in variable.path or "score_" in variable.path:
            kernel = variable.path.endswith("kernel")
            variable.assign(np.full(variable.shape, 0.5 if kernel else 0.0))
    reach = []
    for column in range(288, 320):  # every phase of the stride
        image = np.zeros((1, 1, 608, 3), "float32")
        image[0, 0, column] = 255
        lit = np.flatnonzero(net(image, training=False).numpy()[0, 0].any(-1))
        reach += [column - lit.min(), lit.max() - column]
    field = receptive_field(net)
    assert field.grid == Grid()
    assert field.phase == 32
    assert field.radius - 1 < max(reach) <= field.radius


def test_late_fusion_sees_what_one_trunk_sees():
    assert receptive_field(LateFusion(2, channels=NARROW)) == receptive_field(FCN32s(2, channels=NARROW))


def through(*layers):
    image = keras.Input((None, None, 3))
    x = image
    for layer in layers:
        x = layer(x)
    return receptive_field(keras.Model(image, x))


def test_dilation_and_pooling_by_hand():
    layers = keras.layers
    field = through(layers.MaxPooling2D(3, 2), layers.Conv2D(4, 3, dilation_rate=2, padding="same"))
    assert field.grid == Grid(2, 1)
    assert field.radius == 1 + 2 * 2


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras.layers.UpSampling2D(2), "receptive field of UpSampling2D layers is not known"),
        (keras.layers.Conv2D(2, 3, strides=2, padding="same"), "depends on the image's size"),
        (keras.layers.MaxPooling2D(3, 2, padding="same"), "depends on the image's size"),
        (keras.layers.Conv2D(2, 4, padding="same"), "depends on the image's size"),
        (keras.layers.Conv2D(2, (3, 1)), "Only square windows"),
        (keras.layers.ZeroPadding2D(((1, 1), (2, 2))), "Only square windows, strides and pads"),
        (keras.layers.ZeroPadding2D(((1, 2), (1, 3))), "Only square windows, strides and pads"),
        (keras.layers.Conv2DTranspose(2, 3, 2, padding="same"), "Make its kernel twice its stride"),
    ],
)
def test_layers_of_unknown_geometry_are_named(layer, message):
    with pytest.raises(ValueError, match=message):
        through(layer)


def test_what_no_layer_gives_is_named():
    image = keras.Input((None, None, 3))
    doubled = keras.ops.repeat(image, 2, axis=1)
    with pytest.raises(ValueError, match=r"takes .*, which no layer of known geometry gives"):
        receptive_field(keras.Model(image, keras.layers.Conv2D(2, 3)(doubled)))


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(2, 3),
        keras.layers.Conv2D(2, 3, strides=2),
        keras.layers.Conv2D(2, 3, dilation_rate=2),
        keras.layers.Conv2D(2, 3, padding="same"),
        keras.layers.MaxPooling2D(2, padding="same"),
        keras.layers.AveragePooling2D(3, 2),
        CeilMaxPooling2D(3, 2),
        keras.layers.Conv2DTranspose(2, 4, 2, padding="same"),
        keras.layers.Conv2DTranspose(2, 4, 2),
        keras.layers.ZeroPadding2D(3),
        PadToMultiple(8),
        keras.layers.ReLU(),
    ],
    ids=lambda layer: layer.name,
)
def test_a_layer_gives_as_many_rows_as_it_says(layer):
    for rows in range(5, 20):
        assert layer(np.zeros((1, rows, 5, 3), "float32")).shape[1] == length_after(layer, [rows])


def test_a_crop_has_the_rows_of_its_reference():
    assert length_after(CropLike(5), [40, 21]) == 21


def test_maps_of_different_grids_are_named():
    image = keras.Input((None, None, 3))
    branches = [keras.layers.Conv2D(2, 3)(image), keras.layers.Conv2D(2, 5)(image)]
    with pytest.raises(ValueError, match="Maps of different grids meet in the outputs"):
        receptive_field(keras.Model(image, branches))
