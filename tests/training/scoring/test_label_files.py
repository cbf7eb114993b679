"""Label files beside the true ones: which belong together, and which cannot be scored."""

import argparse

import numpy as np
import pytest

from tests.training.tiny import write
from training.scoring.images import score_split
from training.scoring.label_files import LabelFiles, label_files_of, number_of_classes


def matrix_of(files):
    return score_split(files.labelled()).matrices[""].tolist()


def refused(*paths, **options):
    """Return what is wrong with label files."""
    with pytest.raises(ValueError, match=r"\.") as error:
        score_split(LabelFiles(*paths, **options).labelled())
    return str(error.value)


def test_label_files_in_colours(tmp_path):
    (tmp_path / "classes.txt").write_text("sky 0 0 255\nroad 90 90 90\nvoid 0 0 0\n")
    colors = np.array([[0, 0, 255], [90, 90, 90], [0, 0, 0]], np.uint8)
    truth = write(tmp_path / "truth.png", colors[[[0, 1, 1, 2]]])
    grey = write(tmp_path / "grey.png", np.array([[0, 1, 0, 0]], np.uint8))
    files = LabelFiles(grey, truth, classes=tmp_path / "classes.txt")
    assert files.class_names == ("sky", "road")
    assert matrix_of(files) == [[1, 0], [1, 1]]
    assert "truth.png holds colours, and the classes have none." in refused(grey, truth)


def test_label_files_that_do_not_fit(tmp_path):
    for folder, names in (("predicted", "abcdefg"), ("truth", "a")):
        for name in names:
            write(tmp_path / folder / f"{name}.png", np.zeros((2, 3), np.uint8))
    predicted, truth = tmp_path / "predicted", tmp_path / "truth"
    lacking = f"6 of 7 predictions have no label of the same stem in {truth}: b, c, d, e, f and 1 more. Add the labels"
    assert lacking in refused(predicted, truth)
    assert "predicted is a folder, " in refused(predicted, truth / "a.png")
    assert "gone is missing. Name predicted label files." in refused(tmp_path / "gone", truth)
    assert "gone is missing. Name the true ones with --labels." in refused(predicted, tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    assert "empty holds no label file." in refused(tmp_path / "empty", truth)
    write(truth / "a.bmp", np.zeros((2, 3), np.uint8))
    assert "a.bmp and " in refused(truth / "a.png", truth)


def test_pixels_that_do_not_fit(tmp_path):
    truth = write(tmp_path / "truth.png", np.array([[0, 1, 255]], np.uint8))
    turned = write(tmp_path / "turned.png", np.zeros((3, 1), np.uint8))
    assert "turned.png is (3, 1) (height, width), " in refused(turned, truth)
    void_within = write(tmp_path / "open.png", np.array([[0, 255, 0]], np.uint8))
    assert "A prediction may hold 0..254, never void. Received: [255] in" in refused(void_within, truth)
    assert "`label` may hold 0..0 or 255 (void). Received: [1] in" in refused(truth, truth, classes=1)


def test_what_cannot_be_scored_is_left_out(tmp_path):
    for name, predicted in (("a", 0), ("b", 255), ("c", 1)):
        write(tmp_path / "predicted" / f"{name}.png", np.full((1, 2), predicted, np.uint8))
        write(tmp_path / "truth" / f"{name}.png", np.ones((1, 2), np.uint8))
    left_out, done = [], []
    files = LabelFiles(tmp_path / "predicted", tmp_path / "truth", classes=2)
    images = list(files.labelled(unreadable=left_out.append, progress=lambda *now: done.append(now)))
    assert [(image.index, image.name) for image in images] == [(0, "a"), (2, "c")]
    assert [image.matrices[""].tolist() for image in images] == [[[0, 0], [2, 0]], [[0, 0], [0, 2]]]
    (error,) = left_out
    assert "b.png" in str(error)
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_the_options_of_label_files(tmp_path):
    path = write(tmp_path / "a.png", np.array([[0, 1, 9]], np.uint8))
    options = {"labels": path, "data": None, "split": None, "recipe": None, "classes": "2", "ignore_label": 9}
    files = label_files_of(argparse.Namespace(**options), write(tmp_path / "b.png", np.array([[0, 0, 0]], np.uint8)))
    assert matrix_of(files) == [[1, 0], [1, 0]]


def test_the_classes_that_occur():
    matrix = np.zeros((5, 5), int)
    assert number_of_classes(matrix) == 1
    matrix[1, 3] = 1
    assert number_of_classes(matrix) == 4
