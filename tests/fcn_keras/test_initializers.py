"""Bilinear kernels: the numbers of the released networks, and that they interpolate."""

import keras
import numpy as np
import pytest

from fcn_keras.initializers import Bilinear, triangle


@pytest.mark.parametrize(
    ("size", "taps"),
    [
        (1, [1]),
        (2, [0.5, 0.5]),
        (3, [0.5, 1, 0.5]),
        (4, [0.25, 0.75, 0.75, 0.25]),
        (16, [i / 16 for i in (1, 3, 5, 7, 9, 11, 13, 15, 15, 13, 11, 9, 7, 5, 3, 1)]),
    ],
)
def test_taps_by_hand(size, taps):
    np.testing.assert_array_equal(triangle(size), taps)


def test_63_peaks_at_one_and_sums_to_1024():
    kernel = np.outer(triangle(63), triangle(63))
    assert kernel.max() == 1
    assert kernel.sum() == pytest.approx(1024)


def test_kernel_is_diagonal():
    kernel = np.asarray(Bilinear()((64, 64, 3, 3)))
    off = kernel * (1 - np.eye(3))
    assert not off.any()
    assert kernel[0, 0, 1, 1] == pytest.approx(0.000244140625)
    assert kernel[31, 32, 2, 2] == pytest.approx(0.968994140625)
    assert kernel[..., 0, 0].sum() == pytest.approx(1024)


def test_a_linear_ramp_stays_a_ramp_inside():
    layer = keras.layers.Conv2DTranspose(
        2, 16, strides=8, padding="same", use_bias=False, kernel_initializer=Bilinear()
    )
    rows, columns = np.meshgrid(np.arange(6.0), np.arange(7.0), indexing="ij")
    coarse = np.stack([3 * rows - columns, columns], -1)[None].astype("float32")
    fine = np.asarray(layer(coarse))[0]
    # Fine pixel y sits at coarse coordinate (y + .5) / 8 - .5.
    y, x = np.meshgrid((np.arange(48) + 0.5) / 8 - 0.5, (np.arange(56) + 0.5) / 8 - 0.5, indexing="ij")
    inside = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(fine[..., 0][inside], (3 * y - x)[inside], atol=1e-5)
    np.testing.assert_allclose(fine[..., 1][inside], x[inside], atol=1e-5)


def test_unequal_channels_are_refused():
    with pytest.raises(ValueError, match=r"\(kh, kw, channels, channels\).*Received: \(4, 4, 2, 3\)"):
        Bilinear()((4, 4, 2, 3))


def test_config_round_trip():
    again = keras.initializers.deserialize(keras.initializers.serialize(Bilinear()))
    np.testing.assert_array_equal(np.asarray(again((4, 4, 2, 2))), np.asarray(Bilinear()((4, 4, 2, 2))))
