"""Grid derives what Caffe's coord_map derives."""

import numpy as np
import pytest

from fcn_keras.geometry import Grid


def test_windows_and_their_inverse_by_hand():
    assert Grid().window(3, pad=1) == Grid()
    assert Grid().window(2, 2) == Grid(2, 0.5)
    assert Grid(2, 0.5).window(2, 2) == Grid(4, 1.5)
    assert Grid(4, 1.5).transposed(4, 2, pad=1) == Grid(2, 0.5)
    assert Grid(32, 12.5).transposed(64, 32) == Grid(1, -19)


def test_windows_against_brute_force():
    """A ramp through an averaging window reads the mean coordinate, which is where Grid says the pixel sits."""
    ramp = np.arange(40.0)
    for kernel, stride, pad in [(3, 1, 0), (2, 2, 0), (7, 1, 0), (5, 3, 0), (4, 2, 0)]:
        seen = [ramp[i * stride : i * stride + kernel].mean() for i in range(5)]
        grid = Grid().window(kernel, stride, pad)
        assert seen == [grid.start + grid.stride * i for i in range(5)]


def test_released_crop_offsets():
    def backbone():
        grid = Grid().window(3, pad=100)
        grids = {}
        for pool in range(1, 6):
            grid = grid.window(2, 2)
            grids[pool] = grid
        return grids, grid.window(7)

    grids, fc6 = backbone()
    assert fc6 == Grid(32, 12.5)
    assert fc6.transposed(64, 32).offset_to(Grid()) == 19
    upscore2 = fc6.transposed(4, 2)
    assert grids[4].offset_to(upscore2) == 5
    assert upscore2.transposed(32, 16).offset_to(Grid()) == 27
    upscore_pool4 = upscore2.transposed(4, 2)
    assert grids[3].offset_to(upscore_pool4) == 9
    assert upscore_pool4.transposed(16, 8).offset_to(Grid()) == 31


def test_offsets_that_do_not_exist():
    with pytest.raises(ValueError, match=r"one stride.*Received strides 2.* and 1"):
        Grid(2, 0.0).offset_to(Grid())
    with pytest.raises(ValueError, match=r"Received an offset of 0\.5"):
        Grid(1, 0.0).offset_to(Grid(1, 0.5))
    with pytest.raises(ValueError, match=r"Received an offset of -3"):
        Grid(1, 3.0).offset_to(Grid())
    with pytest.raises(ValueError, match=r"Received an offset of -1\.0 pixels"):
        Grid(8, 8.0).offset_to(Grid(8, 0.0))


def test_equal_grids_are_one():
    """Maps meet where their grids are equal: a grid is a value, and cannot be changed under those who compare it."""
    assert len({Grid(2, 0.5), Grid().window(2, 2), Grid(2, 1.5)}) == 2
