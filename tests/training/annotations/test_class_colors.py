"""Class files of several tools, and colours that no class has."""

import numpy as np
import pytest

from fcn_keras.datasets.classes import ClassTable
from tests.training.imported import CAR, ROAD, SKY, TEXT, rgb, run_import
from training.annotations.class_colors import nearest_ids, read_colors

FILES = {
    "name first": TEXT,
    "CamVid": "128 64 128\t\troad\n128 128 128\tsky\n64 0 128\tcar\n0 0 0\t\tVoid\n",
    "csv": "name,r,g,b\nroad,128,64,128\nsky,128,128,128\ncar, 64, 0, 128\nVoid,0,0,0\n",
    "CVAT": "# label:color_rgb:parts:actions\nroad:128,64,128::\nsky:128,128,128::\ncar:64,0,128::\nvoid:0,0,0::\n",
    "comments": "# mine\n\nroad 128 64 128 # grey\nsky 128 128 128\ncar 64 0 128\nvoid 0 0 0\n",
}


@pytest.mark.parametrize("kind", FILES)
def test_class_files(tmp_path, kind):
    (tmp_path / "c").write_text(FILES[kind])
    table = read_colors(tmp_path / "c")
    assert table.names == ("road", "sky", "car")
    ids, known = table.lookup(np.array([[ROAD, SKY, CAR, (0, 0, 0), (1, 2, 3)]], np.uint8))
    assert ids.tolist() == [[0, 1, 2, 255, 255]]
    assert known.tolist() == [[True, True, True, True, False]]


def test_several_colours_of_one_name_are_one_class(tmp_path):
    (tmp_path / "c").write_text("road 1 1 1\nlane marking 2 2 2\nroad 3 3 3\n")
    table = read_colors(tmp_path / "c")
    assert table.names == ("road", "lane marking")
    assert table.lookup(np.array([[(1, 1, 1), (2, 2, 2), (3, 3, 3)]], np.uint8))[0].tolist() == [[0, 1, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("road 128 64 256\n", ":1 has the colour (128, 64, 256)"),
        ("road 1 2 3\nsky 1 2 3\n", ":2 gives the colour (1, 2, 3) a second time"),
        ("road 1 2 3\nsky\n", ":2 has no colour, other lines have"),
        ("void 1 2 3\n", "names no class but void"),
        ("road\n", "gives no colours"),
        ("", "gives no colours"),
        ("\xff", "is not a readable class file"),
    ],
)
def test_class_files_that_are_wrong(source, out, capsys, text, message):
    rgb(source)
    (source / "classes.txt").write_text(text, encoding="latin-1")
    assert run_import("rgb", source, out) == 2
    assert message in capsys.readouterr().err


def test_nearest_prefers_exact_colours():
    table = ClassTable.of_colors([("a", (0, 0, 0)), ("b", (10, 0, 0)), ("c", (20, 0, 0))])
    pixels = np.array([[(0, 0, 0), (4, 0, 0), (6, 1, 0), (10, 0, 0), (19, 2, 0)]], np.uint8)
    assert nearest_ids(pixels, table, "").tolist() == [[0, 0, 1, 1, 2]]


def test_names_without_colours_get_vocs(tmp_path):
    """As Datumaro writes `labelmap.txt` where the set has none."""
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:::\nroad:::\ntwo words:::\n")
    table = read_colors(tmp_path / "labelmap.txt")
    assert table.names == ("background", "road", "two words")
    assert table.colors == {(0, 0, 0): 0, (128, 0, 0): 1, (0, 128, 0): 2}
    (tmp_path / "labelmap.txt").write_text("road:::\nsky\n")
    assert read_colors(tmp_path / "labelmap.txt") is None
