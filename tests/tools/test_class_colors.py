"""The distance by which the colours of classes are chosen, against published pairs, and the figures on the table."""

import numpy as np
import pytest

from fcn_keras.colors import DISTINCT
from tools.class_colors import ciede2000, figures, nearest_pairs, seen_by_all

# Sharma, Wu, Dalal 2005, table 1: pairs where implementations go wrong (hues 180 degrees apart, greys, blue).
PAIRS = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("first", "second", "expected"), PAIRS)
def test_ciede2000_is_that_of_published_pairs(first, second, expected):
    assert ciede2000(first, second) == pytest.approx(expected, abs=5e-5)
    assert ciede2000(second, first) == pytest.approx(expected, abs=5e-5)


def test_lab_of_known_colors():
    """White, and sRGB's red as Lindbloom's calculator gives it for D65."""
    white, red = seen_by_all([[255, 255, 255], [255, 0, 0]])[0]
    np.testing.assert_allclose(white, [100, 0, 0], atol=0.01)
    np.testing.assert_allclose(red, [53.2408, 80.0925, 67.2032], atol=0.01)


def test_who_lacks_cones_sees_less():
    common, no_red, no_green, no_blue = nearest_pairs(np.uint8([[255, 0, 0], [110, 115, 0]]))
    assert common > 45
    assert no_red < common / 2
    assert no_green < common
    assert no_blue > common / 2


def test_figures_say_what_the_table_holds():
    rows = [row.split("|")[1:-1] for row in figures(DISTINCT)]
    ours = {int(row[0]): float(row[2]) for row in rows[2:] if "fcn_keras" in row[1]}
    assert sorted(ours) == [8, 12, 20, 40]
    assert ours[12] == pytest.approx(nearest_pairs(DISTINCT[:12])[0], abs=0.05)
