"""The ranges that 8-bit integers are given."""

import keras
import numpy as np
import pytest

from fcn_keras.models import LateFusion
from serving.export.drawn_images import drawn
from serving.export.litert.int8 import LEAST_RANGE, Integers, calibrate
from tests.serving.nets import TINY, randomize


def test_ranges_are_those_of_every_layer_over_all_images():
    net = randomize(LateFusion(4, channels=TINY))
    images = [{"rgb": drawn(33, 40), "hha": drawn(33, 40)[::-1]}, {"rgb": drawn(20, 9), "hha": drawn(20, 9)}]
    ranges = calibrate(net, images)
    for name in ("conv1_1color", "score_frhha", "score_fused"):
        outputs = keras.Model(net.input, net.get_layer(name).output)
        values = [np.asarray(outputs({key: x[None] for key, x in pair.items()}, training=False)) for pair in images]
        expected = min(x.min() for x in values), max(x.max() for x in values)
        np.testing.assert_allclose(ranges[name], expected, rtol=1e-5)
    np.testing.assert_allclose(ranges["score_fused/sum"], [2 * end for end in ranges["score_fused"]])  # of two


def test_kernels_are_rounded_by_output_channel_and_activations_by_layer():
    numbers = Integers({"conv": (-1.0, 1.55)})
    kernel = np.zeros((1, 1, 1, 3), np.float32)
    kernel[..., 0], kernel[..., 1] = 127, 0.5
    rounded = numbers.kernel("conv", np.concatenate([kernel, kernel / 3], axis=2)).numpy()
    np.testing.assert_allclose(rounded[0, 0, 0], kernel[0, 0, 0])
    np.testing.assert_allclose(rounded[0, 0, 1], [42, np.rint(127 / 3) * 0.5 / 127, 0], atol=LEAST_RANGE)
    values = numbers.activation("conv", np.array([-9, -1, 0, 0.004, 9], np.float32)).numpy()
    assert values == pytest.approx([-1, -1, 0, 0, 1.55], abs=0.006)
    assert len({round(float(x) / 0.01, 2) % 1 for x in values}) == 1  # of 256 steps of 0.01
