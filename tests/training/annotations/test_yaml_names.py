"""`names` of `data.yaml`: every way that Ultralytics, Roboflow and CVAT write them, and what is none."""

import pytest

from training.annotations.yaml_names import read_names

HEAD = "# a comment\npath: ../datasets/x\ntrain: images/train # and another\nnc: 3\n"


@pytest.mark.parametrize(
    "text",
    [
        "names: ['road', 'two words', \"it's\"]\n",
        "names: [road, two words, it's]\nroboflow:\n  license: x\n",
        "names: ['road',\n  'two words', 'it''s']\nval: x\n",
        "names:\n- road\n- two words\n- it's\ntest: x\n",
        "names:\n  - road\n  - 'two words'\n\n  - \"it's\"\n",
        "names:\n  0: road\n  1: two words  # a comment\n  2: it's\n",
        "names:\n  2: it's\n  0: road\n  1: two words\n",
        "names: {0: road, 1: 'two words', 2: \"it's\"}\n",
        'names:\n  "0": road\n  "1": two words\n  "2": it\'s\n',
    ],
)
def test_names(tmp_path, text):
    (tmp_path / "data.yaml").write_text(HEAD + text)
    assert read_names(tmp_path / "data.yaml") == ("road", "two words", "it's")


def test_commas_in_quotes(tmp_path):
    (tmp_path / "data.yaml").write_text("names: ['a, b', \"c, d\"]\n")
    assert read_names(tmp_path / "data.yaml") == ("a, b", "c, d")


def test_without_names(tmp_path):
    (tmp_path / "data.yaml").write_text(HEAD + "  names: [a]\n")
    assert read_names(tmp_path / "data.yaml") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names:\n", "should be a list of names"),
        ("names: road\n", "Received: road"),
        ("names: [road\n", "should be a list of names"),
        ("names: ['road, car]\n", "a quote that does not end"),
        ("names: {road, car}\n", "should have numbers. Received: road"),
        ("names: {a: road}\n", "should have numbers. Received: a: road"),
        ("names:\n  0: road\n  2: car\n", "numbers from 0 with a name each"),
        ("names: ['']\n", "the name of class 0 should be a name"),
    ],
)
def test_names_that_are_none(tmp_path, text, message):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_names(tmp_path / "data.yaml")
