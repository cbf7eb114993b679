import unicodedata

import pytest

from fcn_keras.datasets.names import composed, find_split, is_background, is_void, split_of


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", "train training Train TRAINING"),
        ("val", "val valid validation dev Valid VALIDATION Dev"),
        ("test", "test testing Test"),
        ("holdout", "holdout"),
    ],
)
def test_names_of_splits(split, names):
    assert {split_of(name) for name in names.split()} == {split}


def test_a_split_is_found_by_its_own_name_first():
    assert find_split("val", ["train", "valid"]) == "valid"
    assert find_split("valid", ["train", "val"]) == "val"
    assert find_split("val", ["val", "valid"]) == "val"
    assert find_split("dev", ["val", "valid"]) is None  # either may be meant
    assert find_split("test", ["train", "val"]) is None
    assert find_split("mine", ["mine", "train"]) == "mine"


@pytest.mark.parametrize(
    "name",
    ["void", "Void", "VOID", "ignore", "__ignore__", "Ignored", "unlabeled", "Unlabelled", "_unlabeled_", "255"],
)
def test_void(name):
    assert is_void(name)
    assert not is_background(name)


@pytest.mark.parametrize("name", ["background", "Background", "__background__", "_background_", "BACKGROUND"])
def test_background(name):
    assert is_background(name)
    assert not is_void(name)


@pytest.mark.parametrize("name", ["avoid", "road", "voids", "backgrounds", "0", "2555", "unknown", "other", ""])
def test_other_names(name):
    assert not is_void(name)
    assert not is_background(name)


def test_one_form_of_accents():
    decomposed = unicodedata.normalize("NFD", "Straße Köln é")
    assert decomposed != "Straße Köln é"
    assert composed(decomposed) == "Straße Köln é"
    assert composed("plain") == "plain"
