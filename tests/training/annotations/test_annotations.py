"""What the annotations of every tool have in common: classes, void, ids."""

import numpy as np
import pytest

from tests.training.imported import SQUARE, label, labelme, names, run_import, shape
from training.annotations.annotations import stated_size, unique_keys


def drawn(source, out, *shapes, size=(20, 24), options=()):
    """Import one image with these shapes; return its label."""
    labelme(source, "a", list(shapes), size)
    assert run_import("labelme", source, out, "--val", "0", *options) in (0, 1)
    return label(out, "a")


def box(rows, columns, value=1, size=(20, 24)):
    expected = np.zeros(size, np.uint8)
    expected[rows, columns] = value
    return expected


def test_a_class_file_orders_the_classes(source, out, tmp_path):
    (tmp_path / "labels.txt").write_text("__ignore__\n_background_\ndog\ncat\n")
    found = drawn(source, out, shape(" cat ", SQUARE), options=("--classes", tmp_path / "labels.txt"))
    assert found.max() == 2
    assert names(out) == ["background", "dog", "cat"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("background\ndog\n", "labels.txt lacks 1 labels of the annotations: 'cat' (a.json)"),
        ("cat\n", "labels.txt names no background, the class of the pixels that no shape covers."),
    ],
)
def test_class_files_that_do_not_fit(source, out, tmp_path, capsys, text, message):
    (tmp_path / "labels.txt").write_text(text)
    labelme(source, "a", [shape("cat", SQUARE)])
    assert run_import("labelme", source, out, "--classes", tmp_path / "labels.txt") == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_a_number_of_classes_names_none(source, out, capsys):
    labelme(source, "a", [shape("cat", SQUARE)])
    assert run_import("labelme", source, out, "--classes", "3") == 2
    assert "--classes 3 gives no names" in capsys.readouterr().err


def test_ignored_is_void_and_background_is_class_0(source, out):
    found = drawn(
        source,
        out,
        shape("zebra", [[0, 0], [9, 0], [9, 9], [0, 9]]),
        shape("__ignore__", [[0, 0], [3, 0], [3, 3], [0, 3]]),
        shape("_background_", [[5, 5], [9, 5], [9, 9], [5, 9]]),
    )
    assert (found[:4, :4] == 255).all()
    assert (found[5:10, 5:10] == 0).all()
    assert found[4, 4] == 1
    assert names(out) == ["background", "zebra"]


def test_unlabelled_may_be_void(source, out):
    found = drawn(source, out, shape("cat", SQUARE), options=("--unlabelled", "void"))
    assert set(found[3:9, 2:7].ravel()) == {0}
    assert (found == 255).sum() == found.size - 30
    assert names(out) == ["cat"]


def test_ids_are_unique_visible_and_differ_by_more_than_case():
    given = ["a", "A", "x/a", ".a", "x/.b/..c", "a_2", "..", "a"]
    assert unique_keys(given) == ["a", "A_2", "x/a", "a_3", "x/b/c", "a_2_2", "_", "a_4"]


def test_sizes_may_be_digits_in_quotes():
    assert stated_size({"h": "20", "w": 24}, ("h", "w"), "a.json") == (20, 24)
    for unknown in (None, 0, "0"):
        assert stated_size({"h": "20", "w": unknown}, ("h", "w"), "a.json") is None
    with pytest.raises(ValueError, match=r"a.json: `h` should be an integer from 1. Received: \"2x\""):
        stated_size({"h": "2x", "w": 24}, ("h", "w"), "a.json")


@pytest.mark.parametrize(
    ("void", "back"), [("Void", "Background"), ("IGNORE", "__background__"), ("unlabeled", "BACKGROUND")]
)
def test_void_and_background_by_any_name(source, out, capsys, void, back):
    found = drawn(
        source,
        out,
        shape("zebra", [[0, 0], [9, 0], [9, 9], [0, 9]]),
        shape(void, [[0, 0], [3, 0], [3, 3], [0, 3]]),
        shape(back, [[5, 5], [9, 5], [9, 9], [5, 9]]),
    )
    assert (found[:4, :4] == 255).all()
    assert (found[5:10, 5:10] == 0).all()
    assert names(out) == ["background", "zebra"]
    told = capsys.readouterr().out
    assert f"  taken for void: {void}\n" in told
    assert f"  taken for background: {back}\n" in told


def test_a_class_file_may_call_them_so_too(source, out, tmp_path):
    (tmp_path / "labels.txt").write_text("Void\ncat\n__background__\n")
    found = drawn(
        source,
        out,
        shape("cat", SQUARE),
        shape("ignored", [[8, 8], [9, 8], [9, 9]]),
        options=("--classes", tmp_path / "labels.txt"),
    )
    assert names(out) == ["cat", "background"]
    assert (found[3, 2], found[0, 0], found[8, 9]) == (0, 1, 255)
