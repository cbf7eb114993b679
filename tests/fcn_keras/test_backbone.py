"""The backbone is the classifier that it comes from, and its maps lie where Caffe's lie."""

import keras
import numpy as np
import pytest

from fcn_keras.backbone import vgg16
from fcn_keras.models import FCN32s

RNG = np.random.default_rng(0)


def pixels(*shape):
    return RNG.integers(0, 256, shape).astype("float32")


def randomise(model, seed=0):
    """Give every layer but the upsampling weights that make it count."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if layer.weights and "upscore" not in layer.name:
            shapes = [w.shape for w in layer.get_weights()]
            scale = np.sqrt(2 / np.prod(shapes[0][:-1]))
            layer.set_weights([rng.normal(size=s).astype("float32") * scale for s in shapes])
    return model


@pytest.mark.parametrize(("padding", "starts"), [("same", (3.5, 7.5, 15.5)), ("caffe", (-95.5, -91.5, 12.5))])
def test_maps_lie_where_windows_are_centred(narrow, padding, starts):
    """Of pooling alone a window of 8 pixels is centred on 3.5; Caffe's pad of 100, less 1 of conv1_1, comes before."""
    maps = vgg16(keras.Input((None, None, 3)), padding=padding, channels=narrow)
    assert list(maps) == ["image", "pool3", "pool4", "fc7"]
    grids = [maps[name].grid for name in ("pool3", "pool4", "fc7")]
    assert [grid.stride for grid in grids] == [8, 16, 32]
    assert tuple(grid.start for grid in grids) == starts


def classifier(channels, classes):
    """VGG as a classifier with dense layers, written with stock layers only."""
    blocks, width = channels
    image = x = keras.Input((224, 224, 3))
    for filters, convolutions in blocks:
        for _ in range(convolutions):
            x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten()(x)
    for _ in range(2):
        x = keras.layers.Dense(width, activation="relu")(x)
    return keras.Model(image, keras.layers.Dense(classes)(x))


def test_the_convolutional_net_is_the_classifier_on_its_crop(narrow):
    """Where fc6 sees exactly a 224x224 crop, the coarse score is what the dense classifier says of it (CVPR 2015, 3.1).

    VGG zero-pads every convolution, so a crop and the image it lies in differ along the crop's border: the crop is
    the image here. Its pool5 is 7x7, and the middle one of its 7x7 coarse scores is fc6 on all of it.
    """
    dense = randomise(classifier(narrow, 6))
    net = FCN32s(6, padding="same", channels=narrow)
    weighted = [layer for layer in dense.layers if layer.weights]
    names = [f"conv{b}_{i}" for b, (_, n) in enumerate(narrow[0], 1) for i in range(1, n + 1)]
    for layer, name in zip(weighted, [*names, "fc6", "fc7", "score_fr"], strict=True):
        kernel, bias = layer.get_weights()
        target = net.get_layer(name)
        target.set_weights([kernel.reshape(target.kernel.shape), bias])
    crops = pixels(2, 224, 224, 3)
    expected = np.asarray(dense(crops[..., ::-1] - np.array(net.get_layer("preprocess").mean, "float32")))
    coarse = np.asarray(keras.Model(net.input, net.get_layer("score_fr").output)(crops))
    assert coarse.shape == (2, 7, 7, 6)
    np.testing.assert_allclose(coarse[:, 3, 3], expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
