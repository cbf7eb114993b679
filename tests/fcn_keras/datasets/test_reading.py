import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.reading import read_all, read_sizes, require


class Examples:
    """Examples of two heads, of which some cannot be read."""

    num_classes = {"sem": 3, "geo": 2}  # noqa: RUF012

    def __init__(self, count, bad=()):
        self.count, self.bad = count, bad

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index in self.bad:
            raise ValueError(f"{index:04d}.png is damaged.")
        return {"label": {"sem": np.array([[0, 2, 255]]), "geo": np.array([[1]])}}


def test_pixels_are_counted_by_head_without_void():
    told = []
    counts = read_all(Examples(3), lambda done, total: told.append((done, total)))
    assert {head: count.tolist() for head, count in counts.items()} == {"sem": [3, 0, 3], "geo": [0, 3]}
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_first_bad_examples_are_named_and_the_others_counted():
    with pytest.raises(ValueError, match="7 of 300 examples are bad") as error:
        read_all(Examples(300, bad={299, 1, 5, 260, 7, 9, 11}))
    lines = str(error.value).splitlines()
    assert lines[1:6] == [f"{index:04d}.png is damaged." for index in (1, 5, 7, 9, 11)]
    assert lines[6] == "... and 2 more"


def test_one_head_and_no_label():
    examples = Examples(2)
    examples.num_classes = 4
    examples.__class__ = type("Test", (Examples,), {"__getitem__": lambda self, index: {"image": None}})
    assert read_all(examples).tolist() == [0] * 4


def test_sizes_come_from_headers(tmp_path):
    paths = [tmp_path / f"{width}.png" for width in (4, 9)]
    for path in paths:
        Image.new("L", (int(path.stem), 3)).save(path)
    assert read_sizes(paths) == [(3, 4), (3, 9)]


def test_what_is_missing_says_what_to_do(tmp_path):
    assert require(str(tmp_path), "Download it.") == tmp_path
    with pytest.raises(ValueError, match=r"nothing is missing. Download it\."):
        require(tmp_path / "nothing", "Download it.")
