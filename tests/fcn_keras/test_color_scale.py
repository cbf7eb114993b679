"""The colours of numbers from 0 to 1, against Matplotlib's."""

import matplotlib
import numpy as np

from fcn_keras.color_scale import colors_of_scale, in_bytes


def test_the_colours_are_viridis():
    theirs = matplotlib.colormaps["viridis"](np.arange(256))[:, :3] * 255
    ours = colors_of_scale()
    assert (ours.shape, ours.dtype) == ((256, 3), np.uint8)
    assert np.abs(ours - theirs).max() <= 2.5
    assert (np.diff(ours @ [0.299, 0.587, 0.114]) > -0.6).all()  # ever lighter, up to rounding


def test_bytes_are_rounded():
    np.testing.assert_array_equal(in_bytes(np.float32([0, 0.0019, 0.002, 0.5, 1])), np.uint8([0, 0, 1, 128, 255]))
