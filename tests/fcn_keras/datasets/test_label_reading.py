"""Which ids a mask holds, by colour or by value; every expectation is written out by hand."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.classes import ClassTable
from fcn_keras.datasets.folder import Folder
from fcn_keras.datasets.label_reading import LabelReader

COLORS = ClassTable.of_colors([("sky", (200, 200, 200)), ("road", (9, 8, 7)), ("car", (1, 1, 1)), ("Void", (0, 0, 0))])


def grey(path, values):
    Image.fromarray(np.array([values], np.uint8)).save(path)
    return path


def palette(path, values, colors):
    image = Image.frombytes("P", (len(values), 1), bytes(values))
    image.putpalette(bytes(np.array(colors, np.uint8).ravel()))
    image.save(path)
    return path


def test_a_palette_is_read_by_its_colors(tmp_path):
    path = palette(tmp_path / "a.png", [0, 1, 2, 3], [(0, 0, 0), (1, 1, 1), (200, 200, 200), (9, 8, 7)])
    assert LabelReader(COLORS)(path).tolist() == [[255, 2, 0, 1]]
    assert LabelReader(ClassTable(4))(path).tolist() == [[0, 1, 2, 3]]


def test_an_index_without_color_is_void_or_an_error(tmp_path):
    colors = [(200, 200, 200), (9, 8, 7), *[(1, 1, 1)] * 19]
    assert LabelReader(COLORS)(palette(tmp_path / "a.png", [0, 1, 2, 255], colors)).tolist() == [[0, 1, 2, 255]]
    assert LabelReader(COLORS)(palette(tmp_path / "b.png", [0, 1, 255], colors[:3])).tolist() == [[0, 1, 255]]
    assert LabelReader(COLORS, 40)(palette(tmp_path / "c.png", [0, 40], colors)).tolist() == [[0, 255]]
    with pytest.raises(ValueError, match=r"d.png holds the palette index 40, and its palette has 21 colours, 0 to 20"):
        LabelReader(COLORS)(palette(tmp_path / "d.png", [0, 40], colors))


def test_a_palette_of_other_colors_has_two_readings(tmp_path):
    path = palette(tmp_path / "a.png", [0, 1, 2], [(5, 5, 5), (6, 6, 6), (7, 7, 7)])
    with pytest.raises(ValueError, match=r"colour \(5, 5, 5\) .* If the indices of the palette are the ids, give the"):
        LabelReader(COLORS)(path)


def test_greys_that_are_the_classes_colors(tmp_path):
    reader = LabelReader(COLORS)
    assert reader(grey(tmp_path / "a.png", [200, 1, 0])).tolist() == [[0, 2, 255]]
    assert reader(grey(tmp_path / "b.png", [0, 1, 2, 255])).tolist() == [[0, 1, 2, 255]]
    assert reader(grey(tmp_path / "c.png", [9])).tolist() == [[9]]  # neither: an id out of range


@pytest.mark.parametrize(("others", "expected"), [([200, 0], [2, 255]), ([0, 2], [1, 0]), ([0, 1], [1, 0])])
def test_a_grey_mask_that_fits_both_is_read_as_the_others(tmp_path, others, expected):
    """1 and 0 are ids, and the greys of car and void."""
    files = [grey(tmp_path / "a.png", [1, 0]), grey(tmp_path / "b.png", others)]
    assert LabelReader(COLORS, files=files)(files[0]).tolist() == [expected]


def test_the_folder_reads_so(tmp_path):
    for kind, values in (("images", [5, 5, 5]), ("labels", [200, 1, 0])):
        (tmp_path / kind).mkdir()
        grey(tmp_path / kind / "a.png", values)
    (tmp_path / "classes.txt").write_text("sky 200 200 200\nroad 9 8 7\ncar 1 1 1\nUnlabelled 0 0 0\n")
    assert Folder(tmp_path)[0]["label"].tolist() == [[0, 2, 255]]
    assert Folder(tmp_path).class_names == ("sky", "road", "car")


def test_sixteen_bits_and_own_void(tmp_path):
    Image.fromarray(np.array([[0, 300, 65535]], np.uint16)).save(tmp_path / "a.png")
    assert LabelReader(ClassTable(2), 65535)(tmp_path / "a.png").tolist() == [[0, 300, 255]]
