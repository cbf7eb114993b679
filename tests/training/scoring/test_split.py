"""Which split the options and recipe.json name."""

import argparse
import json

import pytest

from fcn_keras.datasets.folder import Folder
from fcn_keras.datasets.synthetic import Synthetic
from tests.training.tiny import NAMES, stage
from training.scoring.split import add_options, check_options, described, open_split, open_split_of_model


def options(*words):
    """Read the options of a command."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args([*map(str, words)])


def refused(arguments, trained=()):
    with pytest.raises(ValueError, match=r"\.") as error:
        open_split(arguments, dict(trained))
    return str(error.value)


def test_ones_own_folder(four_classes, tmp_path):
    examples, origin = open_split(options("--data", four_classes), {})
    assert isinstance(examples, Folder)
    assert (len(examples), examples.class_names) == (3, NAMES)
    assert origin == {"recipe": None, "data": str(four_classes), "split": "val"}
    assert described(origin) == f"{four_classes}, val"


def test_classes_that_only_the_model_knows(four_classes):
    undivided = options("--data", four_classes / "val", "--split", "none")
    examples, origin = open_split(undivided, {}, classes=lambda: 4)
    assert (examples.num_classes, origin["split"]) == (4, None)
    assert described(origin) == str(four_classes / "val")


def test_options_come_before_what_was_trained(four_classes):
    trained = {"recipe": "folder_fcn8s", "data": "gone", "overrides": {"classes": 7, "ignore_label": 3}}
    examples, _ = open_split(options("--data", four_classes, "--classes", 4, "--ignore-label", 0), trained)
    assert (examples.num_classes, examples.ignore_label) == (4, 0)
    examples, _ = open_split(options("--data", four_classes), trained)
    assert (examples.num_classes, examples.ignore_label) == (7, 3)


def test_another_recipe_forgets_what_was_trained():
    trained = {"recipe": "folder_fcn8s", "data": "gone", "overrides": {"classes": 7}}
    examples, origin = open_split(options("--recipe", "synthetic_fcn8s"), trained)
    assert isinstance(examples, Synthetic)
    assert origin == {"recipe": "synthetic_fcn8s", "data": None, "split": "val"}
    assert described(origin) == "synthetic_fcn8s, val"


def test_a_folder_that_is_not_divided_is_taken_whole_and_that_is_said(four_classes, caplog):
    examples, origin = open_split(options("--data", four_classes / "val"), {}, classes=lambda: 4)
    assert (len(examples), origin["split"]) == (len(list((four_classes / "val" / "images").iterdir())), None)
    assert "is not divided: all its images are taken" in caplog.text
    caplog.clear()
    open_split(options("--data", four_classes / "val", "--split", "none"), {}, classes=lambda: 4)
    assert caplog.text == ""


def test_splits_that_are_not_there(four_classes, tmp_path):
    assert "has no split 'test'" in refused(options("--data", four_classes, "--split", "test"))
    message = refused(options("--recipe", "synthetic_fcn8s", "--split", "test"))
    assert "The synthetic scenes have the splits train, val. Received: 'test'." in message
    assert "No recipe is called 'voc'." in refused(options("--data", four_classes, "--recipe", "voc"))
    assert "Nothing says which images: say --data DIR, or --recipe NAME." in refused(options())
    gone = tmp_path / "gone"
    assert f"{gone} is not a folder. Name the data set's folder." in refused(options("--data", gone))
    message = refused(options(), {"recipe": "folder_fcn8s", "data": str(gone)})
    assert f"{gone} is not a folder. The model was trained on it: say --data DIR." in message


def test_an_empty_folder_is_told_before_anything_starts(tmp_path):
    held_out = {"recipe": "folder_fcn8s", "overrides": {"held_out": 0.2}}
    for words, trained in (((), held_out), (("--split", "none"), {})):
        with pytest.raises(ValueError, match=rf"^{tmp_path} holds no data set\. Expected {tmp_path}/images and"):
            check_options(options("--data", tmp_path, *words), trained)


def test_the_split_of_a_model(four_classes, tmp_path):
    path = stage(tmp_path / "run", None, "folder_fcn8s", data=four_classes) / "best.keras"
    examples, origin = open_split_of_model(options(), path, {"": 4})
    assert (len(examples), origin["recipe"]) == (3, "folder_fcn8s")
    with pytest.raises(ValueError, match="The model has 5 classes, the data set 4"):
        open_split_of_model(options(), path, {"": 5})
    for written in ({"decisions": [1]}, {}):
        (tmp_path / "run" / "recipe.json").write_text(json.dumps(written))
        with pytest.raises(ValueError, match=f"There is no recipe.json beside {path}: say --data DIR"):
            open_split_of_model(options(), path, {"": 4})


def test_the_images_held_out_with_their_near_duplicates_are_scored(four_classes):
    """As `fcn-train` wrote down which images go together."""
    folder = four_classes / "val"
    overrides = {"held_out": 0.4, "held_out_by": "together", "together": [["0", "1"]]}
    trained = {"recipe": "folder_fcn32s", "data": str(folder), "overrides": {**overrides, "classes": 4}}
    parts = [set(open_split(options("--split", split), trained)[0].ids) for split in ("train", "val")]
    assert sorted(map(sorted, parts)) == [["0", "1"], ["2"]]
