"""What is read beside a model: class names by head, as training reads and writes them."""

import json

import pytest

from fcn_keras.datasets.classes import ClassTable
from serving.export.provenance import colors_beside, names_beside, provenance_of, read_names
from training.workdir.stage import Stage
from training.workdir.trained_model import class_names_beside

README = "# my classes\n\nroad 128 64 128\nvoid 0 0 0\ntraffic light 255 0 10  # rare\n"
STRANGE = ("# my class", "zone 1 2 3", "a #b", "void", "plain")  # in a class file: comments, a colour, no class


@pytest.fixture
def stage(tmp_path):
    """Return a function that writes names as `fcn-train` does, and gives the path of the model beside them."""

    def written(names):
        Stage(tmp_path / "net").open({}, names)
        return tmp_path / "net" / "best.keras"

    return written


def test_class_files_are_read_as_for_training(tmp_path):
    path = tmp_path / "names"
    path.write_text(README)
    assert read_names(path) == ClassTable(path).names == ("road", "traffic light")
    (tmp_path / "classes.txt").write_text(README)  # and no recipe.json: it is not fcn-train's list
    assert names_beside(tmp_path / "net.keras", {"": 2}) == {"": ("road", "traffic light")}
    path.write_text("\n".join(f"c{index}" for index in range(300)))
    assert len(read_names(path)) == 300  # more than masks of 8 bits hold


def test_what_training_writes_is_read_name_by_name(stage):
    path = stage({"": STRANGE})
    assert names_beside(path, {"": 5}) == {"": STRANGE}
    assert read_names(path.parent / "classes.txt") == STRANGE
    assert class_names_beside(path) == STRANGE


def test_class_names_go_to_the_heads_that_they_fit(stage, tmp_path):
    names = {"sem": ("a", "b"), "geo": ("x", "y", "z")}
    path = stage(names)
    assert names_beside(path, {"sem": 2, "geo": 3}) == names
    assert names_beside(path, {"sem": 2, "geo": 4}) == {"sem": ("a", "b")}
    assert names_beside(path, {"sem": 5, "geo": 4}) == {}
    assert names_beside(path, {"one": 2, "other": 3}) == {"one": ("a", "b")}  # the only head of two classes
    assert names_beside(path, {"one": 2, "other": 2}) == {}
    assert names_beside(path, {"": 2}) == {"": ("a", "b")}
    assert names_beside(tmp_path / "net.keras", {"": 2}) == {}


def test_colours_are_those_beside_the_model(tmp_path):
    """As the class file has them; `palette.txt`, which training writes and anybody may edit, comes first."""
    (tmp_path / "classes.txt").write_text(README)
    names = names_beside(tmp_path / "net.keras", {"": 2})
    colors = colors_beside(tmp_path / "net.keras", names)
    assert colors[""].tolist() == [[128, 64, 128], [255, 0, 10]]
    (tmp_path / "palette.txt").write_text("1 2 3\n4 5 6\n")
    assert colors_beside(tmp_path / "net.keras", names)[""].tolist() == [[1, 2, 3], [4, 5, 6]]
    (tmp_path / "palette.txt").write_text("1 2 3\n")
    with pytest.raises(ValueError, match="holds 1 colours for 2 classes"):
        colors_beside(tmp_path / "net.keras", names)
    assert colors_beside(tmp_path / "elsewhere" / "net.keras", names) == {}


def test_a_model_that_was_kept_from_the_stage_before_is_told_by_its_recipe(tmp_path):
    for name, steps in {"head": 50, "whole": 30}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "best.keras").write_bytes(b"one net")
        (tmp_path / name / "recipe.json").write_text(json.dumps({"decisions": {"settings": {"steps": steps}}}))
    for kept, steps in {"head": 50, "gone": 30, "../head": 30, "..": 30, 7: 30}.items():
        (tmp_path / "whole" / "summary.json").write_text(json.dumps({"kept": kept}))
        facts = provenance_of(tmp_path / "whole" / "best.keras").facts
        assert facts["recipe"]["settings"]["steps"] == steps


def test_the_places_of_this_machine_are_not_published(tmp_path):
    decisions = {
        "data": str(tmp_path / "photos"),
        "weights": "/home/me/vgg.npz",
        "overrides": {"classes": "/home/me/c.txt"},
    }
    (tmp_path / "best.keras").write_bytes(b"a net")
    (tmp_path / "recipe.json").write_text(json.dumps({"decisions": decisions}))
    (tmp_path / "metrics.json").write_text(json.dumps({"mean_iu": 0.5, "model": str(tmp_path / "best.keras")}))
    provenance = provenance_of(tmp_path / "best.keras", tmp_path / "metrics.json")
    assert provenance.facts["recipe"] == {"data": "photos", "weights": "vgg.npz", "overrides": {"classes": "c.txt"}}
    assert provenance.facts["metrics"]["model"] == "best.keras"
    assert provenance.data == decisions["data"]  # for the command that comes next
    assert json.loads((tmp_path / "recipe.json").read_text())["decisions"] == decisions  # which resuming needs


def test_that_few_images_validated_is_told_with_the_score(tmp_path):
    (tmp_path / "best.keras").write_bytes(b"a net")
    (tmp_path / "summary.json").write_text('{"best": {"val_mean_iu": 0.5}}')
    (tmp_path / "recipe.json").write_text('{"plan": {"rough": "mean IU on 1 image is rough"}}')
    training = provenance_of(tmp_path / "best.keras").facts["training"]
    assert training == {"best": {"val_mean_iu": 0.5}, "rough": "mean IU on 1 image is rough"}
