"""What `fcn-train` leaves, by name, and the model that a path means."""

import json

import pytest

from fcn_keras_console.workdir import StageFiles, class_names_in, decisions_beside, find_model


@pytest.fixture
def runs(tmp_path):
    for name in ("folder_fcn32s", "folder_fcn16s"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "best.keras").touch()
    return tmp_path


def test_names_of_a_stage(tmp_path):
    stage = StageFiles(str(tmp_path))
    assert (stage.best, stage.settings) == (tmp_path / "best.keras", tmp_path / "recipe.json")
    assert stage.classes_of("") == tmp_path / "classes.txt"
    assert stage.classes_of("geo") == tmp_path / "classes_geo.txt"


def test_a_stage_or_a_file_is_a_model(runs):
    best = runs / "folder_fcn32s" / "best.keras"
    assert find_model(runs / "folder_fcn32s") == best
    assert find_model(str(best)) == best


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", r"holds no best\.keras\. Choose one of its stages: folder_fcn16s, folder_fcn32s\."),
        ("empty", r"empty holds no best\.keras\. Name a stage's folder or a \.keras file\."),
        ("missing", r"missing is missing\. Name a \.keras file, or the folder of a stage"),
        ("a.caffemodel", r"a\.caffemodel is not a \.keras file\. Turn a \.caffemodel into one with fcn-import-weights"),
    ],
)
def test_what_is_no_model(path, message, runs):
    (runs / "empty").mkdir()
    (runs / "a.caffemodel").touch()
    with pytest.raises(ValueError, match=message):
        find_model(runs / path)


def test_decisions_of_a_model_are_beside_it(runs):
    model = runs / "folder_fcn32s" / "best.keras"
    assert decisions_beside(model) == {}
    (runs / "folder_fcn32s" / "recipe.json").write_text(json.dumps({"decisions": {"recipe": "folder_fcn32s"}}))
    assert decisions_beside(model) == {"recipe": "folder_fcn32s"}


def test_a_list_that_training_wrote_is_read_name_by_name(runs):
    path = runs / "folder_fcn32s" / "classes.txt"
    path.write_text("# one\nzone 1 2 3\n\ntwo\n", encoding="utf-8")
    assert class_names_in(path, lambda file: ("read", file.name)) == ("read", "classes.txt")
    (runs / "folder_fcn32s" / "recipe.json").write_text("{}")
    assert class_names_in(path, None) == ("# one", "zone 1 2 3", "two")
