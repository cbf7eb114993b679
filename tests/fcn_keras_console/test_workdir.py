"""What `fcn-train` leaves, by name, and the model that a path means."""

import json

import pytest

from fcn_keras_console.workdir import (
    StageFiles,
    class_names_in,
    decisions_beside,
    find_model,
    palette_in,
    palette_text,
)


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
    assert stage.palette_of("") == tmp_path / "palette.txt"
    assert stage.palette_of("geo") == tmp_path / "palette_geo.txt"


def test_a_stage_or_a_file_is_a_model(runs):
    best = runs / "folder_fcn32s" / "best.keras"
    assert find_model(runs / "folder_fcn32s") == best
    assert find_model(str(best)) == best


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("photos", r"photos holds no best\.keras\. It holds images, and no model\. Name a stage's folder"),
        ("folder_fcn32", r"folder_fcn32 is missing\. .* Did you mean .*folder_fcn32s\?"),
        ("empty", r"empty holds no best\.keras\. Name a stage's folder or a \.keras file\."),
        ("outer", r"outer holds no best\.keras\. .* Did you mean .*outer/runs\?"),
        ("missing", r"missing is missing\. Name a \.keras file, or the folder of a stage"),
        ("a.caffemodel", r"a\.caffemodel is not a \.keras file\. Turn a \.caffemodel into one with fcn-import-weights"),
    ],
)
def test_what_is_no_model(path, message, runs):
    (runs / "empty").mkdir()
    (runs / "photos" / "images").mkdir(parents=True)
    (runs / "a.caffemodel").touch()
    (runs / "outer" / "runs" / "folder_fcn8s").mkdir(parents=True)
    (runs / "outer" / "runs" / "folder_fcn8s" / "best.keras").touch()
    with pytest.raises(ValueError, match=message):
        find_model(runs / path)


def workdir(folder, **stages):
    """Make stages of `(finished, init_from, data)`."""
    for name, (finished, source, data) in stages.items():
        (folder / name).mkdir()
        (folder / name / "best.keras").touch()
        decisions = {"data": data, "settings": {"init_from": source}}
        (folder / name / "recipe.json").write_text(json.dumps({"decisions": decisions}))
        if finished:
            (folder / name / "summary.json").touch()
    return folder


QUICK = {"quick_fcn8s_head": (True, None, "photos"), "quick_fcn8s": (True, "quick_fcn8s_head", "photos")}
STAGED = {
    "folder_fcn32s": (True, None, "photos"),
    "folder_fcn16s": (True, "folder_fcn32s", "photos"),
    "folder_fcn8s": (False, "folder_fcn16s", "photos"),
}


@pytest.mark.parametrize(
    ("stages", "chosen", "said"),
    [
        (QUICK, "quick_fcn8s", "the finest finished stage of quick_fcn8s, quick_fcn8s_head"),
        (STAGED, "folder_fcn16s", "the finest finished stage of folder_fcn16s, folder_fcn32s, folder_fcn8s"),
        ({"a_fcn8s_head": STAGED["folder_fcn8s"]}, "a_fcn8s_head", "its only stage, which is not finished"),
        ({"quick_fcn32s": QUICK["quick_fcn8s_head"]}, "quick_fcn32s", "its only finished stage"),
        (STAGED | QUICK, "quick_fcn8s", "the finest finished stage of "),
        (
            {
                "rgb": STAGED["folder_fcn32s"],
                "hha": STAGED["folder_fcn32s"],
                "both": (True, {"": "rgb", "x": "hha"}, 0),
            },
            "both",
            "the finest finished stage of both, hha, rgb",
        ),
    ],
)
def test_a_workdir_is_its_finest_finished_stage(stages, chosen, said, tmp_path, caplog):
    assert find_model(workdir(tmp_path, **stages)) == tmp_path / chosen / "best.keras"
    assert f"{tmp_path}: taking {chosen}, {said}" in caplog.text


def test_a_net_that_was_finished_before_comes_before_one_that_is_not(tmp_path, caplog):
    for number in (2, 10):  # the newest is 10
        (tmp_path / f"before_{number}").mkdir()
        workdir(tmp_path / f"before_{number}", **QUICK)
    (tmp_path / "before_11").mkdir()  # in which nothing was finished
    workdir(tmp_path / "before_11", quick_fcn8s=(False, None, "photos"))
    before = tmp_path / "before_10" / "quick_fcn8s" / "best.keras"
    assert find_model(tmp_path) == before
    assert f"{tmp_path}: taking before_10/quick_fcn8s, which was finished before; now no stage has" in caplog.text
    workdir(tmp_path, quick_fcn8s_head=(False, None, "photos"))
    assert find_model(tmp_path) == before
    assert "taking before_10/quick_fcn8s, which was finished before; now quick_fcn8s_head not finished" in caplog.text
    (tmp_path / "quick_fcn8s_head" / "summary.json").touch()
    assert find_model(tmp_path) == tmp_path / "quick_fcn8s_head" / "best.keras"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            {"folder_fcn8s": (True, None, "photos")},
            r"holds several nets as fine as each other\. Name one: .*folder_fcn8s, ",
        ),
        (
            {"camvid_fcn32s": (True, None, "camvid")},
            r"holds nets of several data sets\. Name one: .*camvid_fcn32s, .*quick",
        ),
    ],
)
def test_a_workdir_of_several_runs_is_refused(other, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        find_model(workdir(tmp_path, **QUICK, **other))


def test_a_folder_without_records_goes_by_its_names(runs, caplog):
    assert find_model(runs) == runs / "folder_fcn16s" / "best.keras"


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


def test_colors_of_classes_are_a_line_each(tmp_path):
    colors = [(0, 153, 255), (255, 221, 0)]
    (tmp_path / "palette.txt").write_text(palette_text(colors))
    assert (tmp_path / "palette.txt").read_text() == "0 153 255\n255 221 0\n"
    assert palette_in(tmp_path / "palette.txt", 2) == colors
    with pytest.raises(ValueError, match=r"palette\.txt holds 2 colours for 3 classes\. Give each class one"):
        palette_in(tmp_path / "palette.txt", 3)


@pytest.mark.parametrize("line", ["0 153", "red", "0 153 256", "0,153,255", ""])
def test_what_is_no_color(tmp_path, line):
    (tmp_path / "palette.txt").write_text(f"1 2 3\n{line}\n")
    with pytest.raises(ValueError, match=rf"palette\.txt:2 is no colour: '{line}'\. Expected `R G B`, 0\.\.255"):
        palette_in(tmp_path / "palette.txt", 2)
