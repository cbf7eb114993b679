"""A run goes on, or is finished, with its own data and files only; what differs is said, and what can be done."""

import json
import os
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from tests.attacks.kills import arrays, rows
from tests.training.stops import stop_at
from tests.training.train.own_photos import CLASSES, contents, draw, lay_out, run, use_folder_recipe, write_photos
from tests.training.workdir.tiny_recipe import NAME
from training.report import command as report
from training.workdir.checkpoint import read_record

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(autouse=True)
def recipe(monkeypatch):
    use_folder_recipe(monkeypatch)


@pytest.fixture(scope="module")
def templates(eagerly, tmp_path_factory):
    """A run that was stopped after 3 of its 4 batches, one of another seed, and one that is finished."""
    made = {}
    for name, options, stop in (("stopped", (), 3), ("other", ("--seed", 9), 3), ("finished", (), None)):
        folder = made[name] = tmp_path_factory.mktemp(name)
        write_photos(folder / "photos")
        with pytest.MonkeyPatch.context() as patch:
            use_folder_recipe(patch)
            if stop:
                stop_at(patch, "on_train_batch_end", stop)
            assert run(folder, *options) == (143 if stop else 0)
    return made


@pytest.fixture
def stopped(templates, tmp_path):
    return lay_out(templates["stopped"], tmp_path)


@pytest.fixture
def finished(templates, tmp_path):
    return lay_out(templates["finished"], tmp_path)


def relabel(path):
    Image.fromarray((np.asarray(Image.open(path)) + 1) % len(CLASSES)).save(path)


def rename(photos):
    for kind in ("images", "labels"):
        (photos / "train" / kind / "2.png").rename(photos / "train" / kind / "a.png")


def remove(photos):
    for kind in ("images", "labels"):
        (photos / "train" / kind / "1.png").unlink()


def same_size_and_time(photos):
    """Replace a mask by one of as many bytes, and give it the old time."""
    path = photos / "train" / "labels" / "0.png"
    before, data = path.stat(), bytearray(path.read_bytes())
    data[-1] ^= 1  # of the checksum of the last chunk, which Pillow does not look at
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = {
    "train: 1 image more (7)": lambda photos: draw(photos, [7]),
    "train: 1 image fewer (1)": remove,
    "train: 1 renamed (2 to a)": rename,
    "train: 2 images changed (0, 1)": lambda photos: [
        shutil.copy(photos / "val" / "images" / f"{4 + i}.png", photos / "train" / "images" / f"{i}.png")
        for i in range(2)
    ],
    "train: 4 masks changed (0, 1, 2 and 1 more)": lambda photos: [
        relabel(path) for path in (photos / "train" / "labels").iterdir()
    ],
    "val: 1 image more (8)": lambda photos: draw(photos, [8], "val"),
    "val: 2 masks changed (4, 5)": lambda photos: [relabel(path) for path in (photos / "val" / "labels").iterdir()],
    "train: 1 mask changed (0)": same_size_and_time,
    "classes: the order is sky, ground, post, was ground, post, sky": lambda photos: (
        photos / "classes.txt"
    ).write_text("sky\nground\npost\n"),
    "classes: post is now pole": lambda photos: (photos / "classes.txt").write_text("ground\npole\nsky\n"),
}


@pytest.mark.parametrize("said", CHANGES)
def test_other_data_is_said_and_nothing_is_touched(stopped, capsys, said):
    CHANGES[said](stopped / "photos")
    before = contents(stopped / "runs")
    assert run(stopped) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f": {said}. " in line
    assert "--if-changed anew" in line
    assert ("--if-changed go-on" in line) == ("order" not in said)
    assert contents(stopped / "runs") == before


def test_what_is_touched_but_equal_is_the_same(stopped, templates, capsys):
    for path in (stopped / "photos").rglob("*.png"):
        os.utime(path, (-1000, 4e9))  # before 1970, and long from now
    assert run(stopped) == 0
    assert capsys.readouterr().err == ""
    ours, theirs = stopped / "runs" / NAME, templates["finished"] / "runs" / NAME
    assert rows(ours / "log.csv") == rows(theirs / "log.csv")
    ours, theirs = arrays(ours / "last.keras"), arrays(theirs / "last.keras")
    assert all(ours[name].tobytes() == theirs[name].tobytes() for name in theirs)


def test_data_that_was_moved_is_the_same(stopped, templates, capsys):
    photos, moved = stopped / "photos", stopped / "pictures"
    photos.rename(moved)
    assert run(stopped, "--data", moved) == 0  # which overrules the one before
    assert capsys.readouterr().err == ""
    stage, whole = stopped / "runs" / NAME, templates["finished"] / "runs" / NAME
    assert rows(stage / "log.csv") == rows(whole / "log.csv")
    assert arrays(stage / "last.keras").keys() == arrays(whole / "last.keras").keys()
    assert json.loads((stage / "recipe.json").read_text())["decisions"]["data"] == str(moved)
    moved.rename(photos)
    assert run(stopped) == 0  # finished, too
    assert json.loads((stage / "recipe.json").read_text())["decisions"]["data"] == str(photos)


def test_data_elsewhere_that_is_not_the_same_is_told_with_both_folders(stopped, capsys):
    (stopped / "photos").rename(stopped / "pictures")
    draw(stopped / "pictures", [9])
    before = contents(stopped / "runs")
    assert run(stopped, "--data", stopped / "pictures") == 2
    said = capsys.readouterr().err
    assert f"{stopped / 'pictures'} is not what it was for {stopped / 'runs' / NAME}" in said
    assert (
        f"(trained on {stopped / 'photos'}: for other data choose another --workdir): train: 1 image more (9)" in said
    )
    assert contents(stopped / "runs") == before


def test_a_finished_run_tells_other_data_and_how_to_train_on(finished, capsys):
    relabel(finished / "photos" / "train" / "labels" / "3.png")
    assert run(finished) == 2
    line = capsys.readouterr().err
    assert "train: 1 mask changed (3). That run is finished." in line
    command = line.split("another workdir: fcn-train ")[1].split()
    assert command[command.index("--workdir") + 1] == str(finished / "runs_2")
    assert command.count("--workdir") == 1
    assert command[command.index("--weights") + 1] == str(finished / "runs" / NAME / "best.keras")
    assert run(finished, "--if-changed", "go-on") == 2
    assert "finished before" not in capsys.readouterr().out


def test_anew_keeps_what_was_there(finished, capsys):
    relabel(finished / "photos" / "train" / "labels" / "3.png")
    before = contents(finished / "runs" / NAME)
    assert run(finished, "--if-changed", "anew") == 0
    assert "of before is kept in" in capsys.readouterr().out
    assert contents(finished / "runs" / "before_1" / NAME) == before
    assert run(finished) == 0
    assert "finished before" in capsys.readouterr().out
    relabel(finished / "photos" / "train" / "labels" / "3.png")
    assert run(finished, "--if-changed", "anew") == 0
    assert sorted(path.name for path in (finished / "runs").iterdir() if path.is_dir()) == [
        "before_1",
        "before_2",
        NAME,
    ]


def test_going_on_with_other_validation_masks_scores_the_best_anew(stopped, capsys):
    stage = stopped / "runs" / NAME
    for path in (stopped / "photos" / "val" / "labels").iterdir():
        relabel(path)
    logged = float(rows(stage / "log.csv")[0]["val_confusion_mean_iu"])
    assert run(stopped, "--if-changed", "go-on") == 0
    assert "the data changed after batch 3: val: 2 masks changed (4, 5); best.keras" in capsys.readouterr().out
    (change,) = json.loads((stage / "recipe.json").read_text())["run"]["changes"]
    assert (change["after_batch"], change["what"]) == (3, {"val": "2 masks changed (4, 5)"})
    again = change["rescored"]
    assert (again["epochs"], again["best"]) == (1, 0)
    assert again["mean_iu"] != pytest.approx(logged, abs=1e-6)
    last = float(rows(stage / "log.csv")[1]["val_confusion_mean_iu"])
    summary = json.loads((stage / "summary.json").read_text())
    assert summary["best"]["val_mean_iu"] == max(last, again["mean_iu"])
    kept = read_record(stage / "best.keras")[0].batches // 2 - 1
    assert kept == (1 if last > again["mean_iu"] else 0) == summary["best"]["epoch"]
    assert run(stopped) == 0  # the new data is that of the run now
    assert report.main([str(stopped / "runs"), "--quiet"]) == 0


def test_going_on_with_other_classes_is_for_new_names_alone(stopped, capsys):
    (stopped / "photos" / "classes.txt").write_text("sky\nground\npost\n")
    assert run(stopped, "--if-changed", "go-on") == 2
    assert "would mean another class" in capsys.readouterr().err
    (stopped / "photos" / "classes.txt").write_text("ground\npole\nsky\n")
    assert run(stopped, "--if-changed", "go-on") == 0
    assert (stopped / "runs" / NAME / "classes.txt").read_text() == "ground\npole\nsky\n"


def of_other(name):
    return lambda stage, other: shutil.copy(other / name, stage / name)


def edit_log(stage, other):
    log = stage / "log.csv"
    log.write_text(log.read_text().replace("\n0,0.", "\n0,1.", 1))


OTHER_RUN = "last.keras is of another run than"
FILES = {
    "last.keras is of another run": of_other("last.keras"),
    "best.keras is of another run": of_other("best.keras"),
    "previous.keras is of another run": of_other("previous.keras"),
    OTHER_RUN: of_other("recipe.json"),
    "recipe.json, which says what was trained there, is lost": lambda stage, _: (stage / "recipe.json").unlink(),
    "recipe.json, which says what was trained there, is damaged": lambda stage, _: (stage / "recipe.json").write_text(
        '{"decisions": {"recipe"'
    ),
    "log.csv has 0 rows, and 1 epochs were trained": lambda stage, _: (stage / "log.csv").unlink(),
    "log.csv is not what the run logged": edit_log,
    "best.keras is lost": lambda stage, _: (stage / "best.keras").unlink(),
    "classes.txt names other classes": lambda stage, _: (stage / "classes.txt").write_text("a\nb\nc\n"),
}


@pytest.mark.parametrize("said", FILES)
def test_files_of_another_run_are_told(stopped, templates, capsys, said):
    stage = stopped / "runs" / NAME
    FILES[said](stage, templates["other"] / "runs" / NAME)
    if said == OTHER_RUN:  # but for the run itself, its decisions are the same
        held = json.loads((templates["stopped"] / "runs" / NAME / "recipe.json").read_text())
        run_there = json.loads((stage / "recipe.json").read_text())["run"]
        held["decisions"]["data"] = str(stopped / "photos")
        (stage / "recipe.json").write_text(json.dumps({**held, "run": run_there}))
    before = contents(stage)
    for option in ((), ("--if-changed", "go-on")):
        assert run(stopped, *option) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
        assert "Restore it from a copy, or give --if-changed anew" in line
        assert contents(stage) == before
    if "recipe.json" in said:
        assert run(stopped, "--if-changed", "anew") == 0
        assert contents(stopped / "runs" / "before_1" / NAME) == before


def test_a_lost_class_file_is_written_anew(stopped, capsys):
    classes = stopped / "runs" / NAME / "classes.txt"
    names = classes.read_text()
    classes.unlink()
    assert run(stopped) == 0
    assert "classes.txt was lost, and is written anew" in capsys.readouterr().err
    assert classes.read_text() == names


def test_a_lost_list_is_made_anew(stopped, capsys):
    listed = stopped / "runs" / NAME / "data.json"
    for text in (None, '{"classes": 3, "train": []}', "["):
        listed.unlink()
        if text:
            listed.write_text(text)
        assert run(stopped, "--steps", 8) == 2  # another run by its steps: only looked at
        assert "steps" in capsys.readouterr().err
        if text is None:
            listed.write_text("")
    mask = stopped / "photos" / "val" / "labels" / "4.png"
    content = mask.read_bytes()
    relabel(mask)
    assert run(stopped) == 2
    assert "val: not the images or masks of before" in capsys.readouterr().err
    mask.write_bytes(content)
    assert run(stopped) == 0
    assert json.loads(listed.read_text())["val"]["ids"] == ["4", "5"]


def test_a_run_of_an_earlier_version_goes_on_and_is_recorded(stopped, capsys):
    stage = stopped / "runs" / NAME
    held = json.loads((stage / "recipe.json").read_text())
    del held["run"]
    (stage / "recipe.json").write_text(json.dumps(held))
    (stage / "data.json").unlink()
    for name in ("last", "previous", "best"):
        forget_origin(stage / f"{name}.keras")
    assert run(stopped) == 0
    assert "begun by a version that did not record its data" in capsys.readouterr().err
    assert json.loads((stage / "recipe.json").read_text())["run"]["unrecorded"] == 3
    assert run(stopped) == 0
    assert capsys.readouterr().err == ""
    relabel(stopped / "photos" / "val" / "labels" / "4.png")
    assert run(stopped) == 2


def forget_origin(path):
    import zipfile

    from training.workdir.checkpoint import MEMBER

    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    record = json.loads(members[MEMBER])
    del record["origin"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, MEMBER: json.dumps(record)}.items():
            archive.writestr(name, content)


def test_data_that_changes_while_it_trains_ends_the_run_at_its_last_checkpoint(tmp_path, capsys, monkeypatch):
    write_photos(tmp_path / "photos")
    end = keras.callbacks.CallbackList.on_epoch_end

    def changing(self, epoch, logs=None):
        if epoch == 1:
            relabel(tmp_path / "photos" / "train" / "labels" / "0.png")
        end(self, epoch, logs)

    monkeypatch.setattr(keras.callbacks.CallbackList, "on_epoch_end", changing)
    assert run(tmp_path) == 2
    line = capsys.readouterr().err
    assert "changed while" in line
    assert "train: 1 mask changed (0)" in line
    assert read_record(tmp_path / "runs" / NAME / "last.keras")[0].batches == 2
    monkeypatch.undo()
    with pytest.MonkeyPatch.context() as patch:
        use_folder_recipe(patch)
        assert run(tmp_path) == 2
        assert run(tmp_path, "--if-changed", "go-on") == 0
    (change,) = json.loads((tmp_path / "runs" / NAME / "recipe.json").read_text())["run"]["changes"]
    assert change["after_batch"] == 2
    assert "rescored" not in change
