"""`names` of `data.yaml`: every way that Ultralytics, Roboflow and CVAT write them, and what is none."""

import sys

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


def test_words_that_yaml_has_a_meaning_for(tmp_path):
    (tmp_path / "data.yaml").write_text("names: [no, null, 12, 2026-11-30]\n")
    assert read_names(tmp_path / "data.yaml") == ("no", "null", "12", "2026-11-30")


def test_without_names(tmp_path):
    (tmp_path / "data.yaml").write_text(HEAD)
    assert read_names(tmp_path / "data.yaml") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names:\n", "Received: ''"),
        ("names: road\n", "should be a list of names.*Received: 'road'"),
        ("names: [road\n", r"data.yaml:1 cannot be read as YAML"),
        ("names: ['road, car]\n", "cannot be read as YAML: found unexpected end"),
        ("names: {road, car}\n", "numbers from 0 with a name each"),
        ("names: {a: road}\n", "numbers from 0 with a name each"),
        ("names:\n  0: road\n  2: car\n", "numbers from 0 with a name each"),
        ("names: ['']\n", "the name of class 0 should be a name"),
        ("names: [[road]]\n", "the name of class 0 should be a name"),
        ("names: " + 3000 * "[" + "\n", "cannot be read as YAML"),
        ("names: !!python/object/apply:os.getcwd []\n", "should be a list of names"),
        ("  names: [a]\nnames: [b]\n", "cannot be read as YAML"),
    ],
)
def test_names_that_are_none(tmp_path, text, message):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_names(tmp_path / "data.yaml")


def test_without_pyyaml_the_command_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    (tmp_path / "data.yaml").write_text("names: [a]\n")
    with pytest.raises(ImportError, match=r'needs PyYAML: pip install "fcn_keras\[yolo\]"'):
        read_names(tmp_path / "data.yaml")
