"""One recipe's folder: the newest whole checkpoint, the best of a finished epoch, and which run the folder holds."""

import json

import pytest

from training.workdir import stage as module
from training.workdir.checkpoint import Position
from training.workdir.stage import Stage


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """A stage whose models are files that hold nothing but their position."""

    def verify(path):
        text = path.read_text()
        if text == "damaged":
            raise ValueError(f"{path} is damaged")
        return Position(int(text)) if text else None

    def save_model(model, path, position=None, origin=None, *, older=None):
        if older and path.exists():
            path.rename(older)
        path.write_text(str(position.batches))

    monkeypatch.setattr(module, "verify", verify)
    monkeypatch.setattr(module, "save_model", save_model)
    return Stage(tmp_path)


def test_what_older_versions_left_is_removed_and_told(stage, caplog):
    (stage.folder / "next.keras").write_text("half")
    stage.open({}, {"": ("sky",)})
    assert not (stage.folder / "next.keras").exists()
    assert caplog.messages == [f"{stage.folder / 'next.keras'} removed (0.0 MB): a process left it that was killed"]


def test_a_checkpoint_is_kept_until_the_next_but_one(stage):
    for batches in (2, 4, 6):
        stage.save(None, Position(batches))
    assert (stage.last.read_text(), stage.previous.read_text()) == ("6", "4")
    assert stage.checkpoint() == (stage.last, Position(6), None)
    assert sorted(path.name for path in stage.folder.iterdir()) == ["last.keras", "previous.keras"]


def test_the_one_before_a_damaged_or_missing_checkpoint(stage):
    stage.last.write_text("damaged")
    stage.previous.write_text("4")
    path, position, complaint = stage.checkpoint()
    assert (path, position) == (stage.previous, Position(4))
    assert complaint == f"{stage.last} is damaged"
    stage.last.unlink()
    assert stage.checkpoint() == (stage.previous, Position(4), None)
    stage.previous.write_text("")
    with pytest.raises(ValueError, match=r"previous\.keras holds no position.* remove .* to train that stage anew"):
        stage.checkpoint()


@pytest.mark.parametrize(("better", "best"), [("4", "4"), ("6", "old"), ("damaged", "old")])
def test_a_better_model_becomes_the_best_when_its_epoch_is_saved(stage, better, best):
    stage.best.write_text("old")
    stage.better.write_text(better)
    stage.promote_better(4)
    assert stage.best.read_text() == best
    assert not stage.better.exists()


def test_the_best_of_another_stage_is_copied(stage, tmp_path):
    other = tmp_path / "other" / "best.keras"
    other.parent.mkdir()
    other.write_bytes(b"weights")
    stage.adopt(other)
    assert stage.best.read_bytes() == other.read_bytes() == b"weights"
    with pytest.raises(OSError, match="gone"):
        stage.adopt(tmp_path / "gone.keras")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.keras", "other"]


def test_a_folder_holds_one_run(stage):
    decisions = {"overrides": {"steps": 4}, "settings": {"steps": 4, "buckets": ((8, 8),)}, "data": None}
    stage.open(decisions, {"sem": ("sky", "sea"), "geo": ("flat",)})
    other = {**decisions, "settings": {**decisions["settings"], "steps": 8}}
    stage.require_same(other)  # nothing was trained yet
    stage.last.write_text("2")
    assert stage.begun()
    stage.require_same(decisions)  # JSON has lists for tuples
    with pytest.raises(
        ValueError, match=r"holds a run of other options: steps: 4 there, 8 now\. Choose another --workdir"
    ):
        stage.require_same(other)
    assert stage.classes.read_text() == stage.classes_of("sem").read_text() == "sky\nsea\n"
    assert stage.classes_of("geo").read_text() == "flat\n"
    held = json.loads(stage.settings.read_text())
    assert sorted(held) == ["command", "decisions", "machine", "versions"]


def test_the_colors_of_classes_lie_beside_their_names(stage):
    names, colors = {"sem": ("sky", "sea"), "geo": ("flat",)}, {"sem": [(0, 1, 2), (3, 4, 255)], "geo": [(9, 9, 9)]}
    stage.open({}, names, colors=colors)
    assert stage.palette.read_text() == stage.palette_of("sem").read_text() == "0 1 2\n3 4 255\n"
    stage.palette_of("sem").write_text("5 5 5\n6 6 6\n")  # by hand
    stage.palette_of("geo").unlink()
    stage.write_colors(colors, lost=True)
    assert stage.palette_of("sem").read_text() == "5 5 5\n6 6 6\n"
    assert stage.palette_of("geo").read_text() == "9 9 9\n"


def test_the_log_is_cut_behind_the_last_whole_epoch(stage):
    stage.log.write_text("epoch,loss\n0,0.5\n1,0.25\n2,0.")
    assert stage.history(2) == [{"epoch": "0", "loss": "0.5"}, {"epoch": "1", "loss": "0.25"}]
    assert stage.log.read_text().splitlines() == ["epoch,loss", "0,0.5", "1,0.25"]
    assert len(stage.history(1)) == 1


def test_half_a_header_is_written_anew(stage):
    assert stage.history(3) == []
    stage.log.write_text("epoch,lo")
    assert stage.history(0) == []
    assert not stage.log.exists()
