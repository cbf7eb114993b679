import numpy as np
import pytest

from fcn_keras.datasets.classes import ClassTable

COLORS = "# what stands in the street\nsky 128 128 128\nvoid 0 0 0\ntraffic light 255 0 10  # rare\n"


def test_number_names_and_file(tmp_path):
    assert ClassTable(3).names == ("0", "1", "2")
    assert ClassTable(["sky", "road"]).names == ("sky", "road")
    (tmp_path / "classes.txt").write_text("\ufeffsky\n\ntraffic light # rare\nC#\n", encoding="utf-8")
    table = ClassTable(tmp_path / "classes.txt")
    assert table.names == ("sky", "traffic light", "C#")
    assert not table.colored


def test_colors_become_ids_and_void_255(tmp_path):
    (tmp_path / "classes.txt").write_text(COLORS)
    table = ClassTable(str(tmp_path / "classes.txt"))
    assert table.colored
    assert table.names == ("sky", "traffic light")
    mask = np.array([[(128, 128, 128), (255, 0, 10)], [(0, 0, 0), (128, 128, 128)]], np.uint8)
    ids = table.translate(mask, "a.png")
    assert ids.dtype == np.uint8
    assert ids.tolist() == [[0, 1], [255, 0]]


def test_unknown_color_is_named_with_its_place(tmp_path):
    (tmp_path / "classes.txt").write_text(COLORS)
    mask = np.full((2, 3, 3), 128, np.uint8)
    mask[1, 2] = 7, 8, 9
    with pytest.raises(ValueError, match=r"a.png holds the colour \(7, 8, 9\) at \(y, x\) = \(1, 2\), .*void R G B"):
        ClassTable(tmp_path / "classes.txt").translate(mask, "a.png")


def test_unknown_colors_are_void_where_somebody_looks_them_up(tmp_path):
    (tmp_path / "classes.txt").write_text(COLORS)
    mask = np.array([[(128, 128, 128), (7, 8, 9), (0, 0, 0)], [(255, 0, 10)] * 3], np.uint8)
    ids, known = ClassTable(tmp_path / "classes.txt").lookup(mask)
    assert ids.tolist() == [[0, 255, 255], [1, 1, 1]]
    assert known.tolist() == [[True, False, True], [True] * 3]
    ids, known = ClassTable(2).lookup(mask)
    assert (ids == 255).all()
    assert not known.any()


def test_several_colors_of_one_class():
    table = ClassTable.of_colors([("car", (1, 0, 0)), ("void", (0, 0, 0)), ("sky", (0, 0, 1)), ("car", (2, 0, 0))])
    assert table.names == ("car", "sky")
    assert table.colors == {(1, 0, 0): 0, (0, 0, 0): 255, (0, 0, 1): 1, (2, 0, 0): 0}
    assert table.lookup(np.array([[(2, 0, 0), (0, 0, 1)]], np.uint8))[0].tolist() == [[0, 1]]


def test_as_many_classes_as_ids_can_name():
    colors = [(str(i), (i, 0, 0)) for i in range(254)]
    mask = np.array([[(253, 0, 0), (254, 0, 0)]], np.uint8)
    ids, known = ClassTable.of_colors(colors).lookup(mask)
    assert ids.tolist() == [[253, 255]]
    assert known.tolist() == [[True, False]]
    with pytest.raises(ValueError, match=r"`classes` may be 1..254. Received: 255"):
        ClassTable.of_colors([*colors, ("254", (254, 0, 0))])
    with pytest.raises(ValueError, match=r"`classes` may be 1..254. Received: 0"):
        ClassTable.of_colors([("void", (0, 0, 0))])


def test_translating_without_colors():
    with pytest.raises(ValueError, match=r"a.png holds colours, and the classes have none. .*`name R G B`"):
        ClassTable(3).translate(np.zeros((1, 1, 3), np.uint8), "a.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sky 1 2 3\nroad\n", r"classes.txt:2 has no colour, other lines have"),
        ("sky 1 2 3\nroad 1 2 3\n", r"classes.txt:2 gives the colour \(1, 2, 3\) a second time"),
        ("sky 1 2 300\n", r"classes.txt:1 has the colour \(1, 2, 300\). Expected `name R G B` with 0..255"),
        ("sky\nsky\n", r"classes.txt names the class 'sky' twice"),
        ("sky\nvoid\n", r"classes.txt names void as a class. .* `ignore_label`"),
        ("# nothing\n", r"classes.txt names no class"),
    ],
)
def test_wrong_class_files(tmp_path, text, message):
    (tmp_path / "classes.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        ClassTable(tmp_path / "classes.txt")


def test_wrong_classes(tmp_path):
    with pytest.raises(ValueError, match=r"classes.txt is not a readable class file. Pass a number"):
        ClassTable(tmp_path / "classes.txt")
    with pytest.raises(ValueError, match=r"`classes` may be 1..255. Received: 0"):
        ClassTable(0)
    with pytest.raises(ValueError, match=r"`classes` may be 1..255. Received: 256"):
        ClassTable(256)
    with pytest.raises(ValueError, match=r"`classes` may hold names. Received: 3"):
        ClassTable(["sky", 3])
    with pytest.raises(ValueError, match=r"`classes` names the class 'sky' twice"):
        ClassTable(["sky", "sky"])


@pytest.mark.parametrize("name", ["Void", "VOID", "unlabeled", "Unlabelled", "__ignore__", "Ignore", "255"])
def test_void_by_other_names(tmp_path, name):
    (tmp_path / "classes.txt").write_text(f"sky 1 1 1\n{name} 0 0 0\nroad 2 2 2\n")
    table = ClassTable(tmp_path / "classes.txt")
    assert table.names == ("sky", "road")
    assert table.colors == {(1, 1, 1): 0, (0, 0, 0): 255, (2, 2, 2): 1}
    assert table.void_names == (name,)
    assert ClassTable.of_colors([(name, (0, 0, 0)), ("sky", (1, 1, 1))]).void_names == (name,)
    (tmp_path / "classes.txt").write_text(f"sky\n{name}\n")
    with pytest.raises(ValueError, match=rf"names {name} as a class. It is void, .*\(--ignore-label 1\)"):
        ClassTable(tmp_path / "classes.txt").require_no_void(tmp_path / "classes.txt")


def test_background_is_a_class():
    assert ClassTable(["__background__", "Background "]).names == ("__background__", "Background ")
