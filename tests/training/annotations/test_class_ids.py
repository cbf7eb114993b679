"""Names of ids: class files of several tools, several ids of one class, void, and masks that hold something else."""

import json

import numpy as np
import pytest
from PIL import Image

from training.annotations.class_ids import IdTable, read_ids


@pytest.mark.parametrize(
    ("text", "meanings"),
    [
        ("Pixel Value, Class\n0, background\n1, road\n7, car\n", {0: 0, 1: 1, 7: 2}),  # Roboflow's
        ("7 car\n0 background\n1 road\n", {0: 0, 1: 1, 7: 2}),
        ("0: background\n1:road\n7 = car # a comment\n", {0: 0, 1: 1, 7: 2}),
        ("background\nroad\ncar\n", {0: 0, 1: 1, 2: 2}),
        ("0 void\n1 background\n2 road\n3 Void\n4 car\n5 car\n", {0: 255, 1: 0, 2: 1, 3: 255, 4: 2, 5: 2}),
    ],
)
def test_class_files(tmp_path, text, meanings):
    (tmp_path / "c.csv").write_text(text)
    table = read_ids(tmp_path / "c.csv")
    assert table.names == ("background", "road", "car")
    assert table.meanings == meanings


def test_a_class_file_of_datumaros(tmp_path):
    (tmp_path / "dataset_meta.json").write_text(json.dumps({"label_map": {"0": "sky", "5": "two  words"}}))
    assert read_ids(tmp_path / "dataset_meta.json").meanings == {0: 0, 5: 1}
    assert read_ids(tmp_path / "dataset_meta.json").names == ("sky", "two words")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.txt", "", "names no class"),
        ("c.txt", "0 a\n0 b\n", "names the id 0 twice"),
        ("c.txt", "0 a\nb\n", "c.txt:2 has no id, other lines have"),
        ("c.json", "[]", "no `label_map`"),
        ("c.json", '{"label_map": {"x": "road"}}', "should be an integer. Received: 'x'"),
        ("c.json", '{"label_map": {"0": 7}}', "the name of id 0 should be a name"),
    ],
)
def test_class_files_that_are_none(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_ids(tmp_path / name)


def test_a_class_file_that_is_missing(tmp_path):
    with pytest.raises(ValueError, match="is missing, or no class file"):
        read_ids(tmp_path / "c.txt")


def test_labels(tmp_path):
    table = IdTable.of([(0, "void"), (3, "road"), (4, "car"), (300, "sky")], "c.txt")
    ids = np.array([[0, 3], [4, 255]], np.uint8)
    Image.fromarray(ids).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(table.label(tmp_path / "grey.png"), [[255, 0], [1, 255]])
    Image.fromarray(np.repeat(ids[..., None], 3, axis=2)).save(tmp_path / "three.png")
    np.testing.assert_array_equal(table.label(tmp_path / "three.png"), [[255, 0], [1, 255]])
    Image.fromarray(np.array([[300, 4]], np.uint16)).save(tmp_path / "wide.png")
    np.testing.assert_array_equal(table.label(tmp_path / "wide.png", ignore_label=4), [[2, 255]])
    within = table.within(("sky", "tree", "car", "road"))
    np.testing.assert_array_equal(within.label(tmp_path / "wide.png"), [[0, 2]])


def test_masks_of_something_else(tmp_path):
    table = IdTable.of([(0, "a"), (1, "b"), (2, "c"), (9, "d")], "c.txt")
    Image.fromarray(np.array([[0, 5]], np.uint8)).save(tmp_path / "id.png")
    with pytest.raises(ValueError, match=r"holds the ids \[5\], which c.txt does not name: it names 0 to 2, 9."):
        table.label(tmp_path / "id.png")
    Image.fromarray(np.array([[[1, 2, 3]]], np.uint8)).save(tmp_path / "rgb.png")
    with pytest.raises(ValueError, match="holds colours, where ids were expected"):
        table.label(tmp_path / "rgb.png")


@pytest.mark.parametrize("text", ["bg 0\ncar 2\nroad 1\n", "bg,0\ncar,7\n", "a: 1\nb: 0\n"])
def test_ids_behind_the_names(tmp_path, text):
    (tmp_path / "ids.txt").write_text(text)
    with pytest.raises(ValueError, match=r"its lines end in numbers, as .* put them first: `7 car`"):
        read_ids(tmp_path / "ids.txt")


@pytest.mark.parametrize("text", ["zone 1\nzone 2\n", "zone 0\nzone 1\n", "road 66\nroad 7\n", "a\nb 0\n", "zone 0\n"])
def test_names_that_end_in_numbers(tmp_path, text):
    (tmp_path / "ids.txt").write_text(text)
    assert read_ids(tmp_path / "ids.txt").names == tuple(text.split("\n")[:-1])
