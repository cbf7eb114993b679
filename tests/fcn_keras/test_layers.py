"""Raw pixels in, padding, cropping."""

import keras
import numpy as np
import pytest
from scipy.signal import correlate

from fcn_keras.layers import CropLike, MatrixConv2D, PadToMultiple, Preprocess
from fcn_keras.photographs import Photographs


def test_rgb_becomes_bgr_minus_mean():
    out = np.asarray(Preprocess("rgb", (1.0, 2.0, 3.0))(np.array([[[[10, 20, 30]]]], "uint8")))
    np.testing.assert_array_equal(out, [[[[29, 18, 7]]]])


def test_default_means():
    assert Preprocess().mean == (104.00699, 116.66877, 122.67892)
    assert Preprocess("hha").mean == (132.431, 94.076, 118.477)


def test_hha_is_not_flipped():
    out = np.asarray(Preprocess("hha", (1.0, 2.0, 3.0))(np.array([[[[10, 20, 30]]]], "uint8")))
    np.testing.assert_array_equal(out, [[[[9, 18, 27]]]])


def test_depth_is_log_millimetres_and_unknown_is_the_mean():
    image = np.array([[[[10, 20, 30, 2550.4], [0, 0, 0, 0], [0, 0, 0, 1000]]]], "float32")
    out = np.asarray(Preprocess("rgbd", (0, 0, 0))(image))[0, 0]
    np.testing.assert_allclose(out[0], [30, 20, 10, np.log(2550.4) - 7.844], rtol=1e-5, atol=1e-6)
    assert out[1, 3] == 0
    assert out[2, 3] == pytest.approx(np.log(1000) - 7.844, rel=1e-6)


def test_half_precision_does_not_round_millimetres():
    layer = Preprocess("rgbd", dtype="mixed_float16")
    out = layer(np.array([[[[0, 0, 0, 65000.0]]]], "float32"))
    assert keras.backend.standardize_dtype(out.dtype) == "float16"
    assert float(out[0, 0, 0, 3]) == pytest.approx(np.log(65000) - 7.844, abs=2e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("depth",), r"`modality` is one of.*Received: 'depth'"), (("rgb", (1, 2)), r"`mean` is three numbers")],
)
def test_preprocess_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Preprocess(*arguments)


def test_preprocess_remembers_photographs():
    assert "photographs" not in Preprocess().get_config()  # as files of old have it
    known = Photographs((1, 2), (3, 4), (5, 6), scales=(0.5, 2.0))
    for layer in (Preprocess(photographs=known), Preprocess(photographs=known.config())):
        assert layer.photographs == known
        assert Preprocess.from_config(layer.get_config()).photographs == known
    with pytest.raises(ValueError, match="Photographs are described by"):
        Preprocess(photographs={"median": [1, 1]})


@pytest.mark.parametrize(("size", "padded"), [((1, 1), (32, 32)), ((32, 64), (32, 64)), ((33, 31), (64, 32))])
def test_pad_to_multiple(size, padded):
    x = np.ones((2, *size, 3), "float32")
    out = np.asarray(PadToMultiple(32)(x))
    assert out.shape == (2, *padded, 3)
    assert out[:, : size[0], : size[1]].min() == 1
    assert out.sum() == x.sum()
    assert PadToMultiple(32).compute_output_shape((None, *size, 3)) == (None, *padded, 3)


def test_crop_like():
    x = np.arange(2 * 5 * 6, dtype="float32").reshape(2, 5, 6, 1)
    out = np.asarray(CropLike(1)([x, np.zeros((2, 3, 2, 9), "float32")]))
    np.testing.assert_array_equal(out, x[:, 1:4, 1:3])


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel", [(7, 7), (4, 3), (1, 1)])
def test_matrix_convolution(kernel, padding):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 9, 11, 5)).astype("float32")
    layer = MatrixConv2D(6, kernel, padding=padding)
    layer.build(x.shape)
    layer.set_weights([generator.normal(size=w.shape) for w in layer.weights])
    weights, bias = layer.get_weights()
    if padding == "same":  # the odd row of an even kernel goes to the bottom, as in TensorFlow
        sides = [((n - 1) // 2, n // 2) for n in kernel]
        x_padded = np.pad(x, [(0, 0), *sides, (0, 0)])
    else:
        x_padded = x
    planes = [
        [sum(correlate(image[..., c], weights[..., c, f], "valid") for c in range(5)) + bias[f] for f in range(6)]
        for image in x_padded
    ]
    np.testing.assert_allclose(layer(x), np.moveaxis(planes, 1, -1), atol=1e-4)


@pytest.mark.parametrize("options", [{"strides": 2}, {"dilation_rate": 2}, {"groups": 2}])
def test_matrix_convolution_refuses(options):
    with pytest.raises(ValueError, match="has stride, dilation and groups of 1"):
        MatrixConv2D(6, 3, **options)
