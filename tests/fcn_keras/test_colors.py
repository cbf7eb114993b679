import itertools

import numpy as np
import pytest
from PIL import Image

from fcn_keras.colors import DISTINCT, MOST, class_colors, file_palette, hexadecimal
from fcn_keras.datasets.classes import ClassTable
from fcn_keras.datasets.voc_sbd import CLASSES
from fcn_keras.visualize import VOID_COLOR, palette

STREET = ("sky", "building", "pole", "road")
# Vienot, Brettel, Mollon 1999: what is left of linear RGB without red and without green cones. Not the matrices that
# the colours were chosen by.
VIENOT = {
    "all cones": np.eye(3),
    "no red": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "no green": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
}


def oklab(colors, vision):
    """Ottosson's OKLab, another measure than the one that the colours were chosen by; JND is about 0.02."""
    share = np.asarray(colors, float) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(VIENOT[vision]).T, 0, 1)
    cones = (
        linear
        @ np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        ).T
    )
    return (
        np.cbrt(cones)
        @ np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        ).T
    )


def smallest(colors, vision):
    seen = oklab(colors, vision)
    return min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))


def test_classes_with_colors_have_their_own(tmp_path):
    (tmp_path / "classes.txt").write_text("sky 70 130 180\nvoid 0 0 0\nbuilding 70 70 70\n")
    table = ClassTable(tmp_path / "classes.txt")
    np.testing.assert_array_equal(class_colors(table.names, table.colors), [(70, 130, 180), (70, 70, 70)])
    several = ClassTable.of_colors([("sky", (1, 2, 3)), ("road", (4, 5, 6)), ("sky", (7, 8, 9))])
    np.testing.assert_array_equal(class_colors(several.names, several.colors), [(1, 2, 3), (4, 5, 6)])


@pytest.mark.parametrize("names", [CLASSES, 21, [name.title() for name in CLASSES], [*CLASSES[:-1], "TV/monitor"]])
def test_vocs_classes_have_vocs(names):
    np.testing.assert_array_equal(class_colors(names), palette(21))


def test_others_have_colors_told_apart():
    np.testing.assert_array_equal(class_colors(STREET), DISTINCT[:4])
    np.testing.assert_array_equal(class_colors([*CLASSES[1:], "background"]), DISTINCT[:21])  # in another order
    with_rest = class_colors(["Background", *STREET])
    np.testing.assert_array_equal(with_rest, [(0, 0, 0), *DISTINCT[:4]])
    np.testing.assert_array_equal(class_colors(5), with_rest)
    np.testing.assert_array_equal(class_colors(("",) * 300)[256:], DISTINCT[:44])
    assert class_colors(STREET).dtype == np.uint8
    with pytest.raises(ValueError, match=r"`classes` may be names.* Received: \[\]"):
        class_colors([])


def test_a_change_of_what_is_returned_changes_nothing_else():
    class_colors(STREET)[:] = 0
    np.testing.assert_array_equal(class_colors(STREET), DISTINCT[:4])


@pytest.mark.parametrize("vision", VIENOT)
@pytest.mark.parametrize(("count", "least"), [(8, 0.08), (12, 0.05), (20, 0.03)])
def test_colors_are_told_apart_by_another_measure(count, least, vision):
    """And better than VOC's by all."""
    ours = smallest(DISTINCT[:count], vision)
    assert ours > least
    assert ours > smallest(palette(count + 1)[1:], vision)


def test_no_color_is_black_grey_white_or_voids():
    assert len(np.unique(DISTINCT, axis=0)) == MOST
    seen = oklab(DISTINCT, "all cones")
    assert seen[:, 0].min() > 0.4
    assert np.hypot(*seen[:, 1:].T).min() > 0.09
    assert np.linalg.norm(seen - oklab(VOID_COLOR, "all cones"), axis=1).min() > 0.1


def test_the_palette_of_a_file():
    picture = Image.fromarray(np.uint8([[0, 1, 2, 255]]))
    picture.putpalette(file_palette([(1, 2, 3), (4, 5, 6)]))
    painted = np.asarray(picture.convert("RGB"))
    np.testing.assert_array_equal(painted, [[(1, 2, 3), (4, 5, 6), VOID_COLOR, VOID_COLOR]])


def test_hexadecimal():
    assert hexadecimal(np.uint8([255, 221, 0])) == "#ffdd00"
