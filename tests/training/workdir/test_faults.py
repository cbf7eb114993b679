"""Files of a stage that its run did not write, each by itself; `test_same_run.py` tries them with the command."""

import csv
import json
import zipfile

import pytest

from training.workdir.checkpoint import MEMBER
from training.workdir.data_list import DataList
from training.workdir.faults import faults, settings_fault
from training.workdir.run_record import RunRecord, sealed
from training.workdir.stage import Stage

STEPS = 2
LOG = [{"epoch": str(i), "score": score} for i, score in enumerate(("0.1", "0.3", "0.2"))]


def model(path, batches, origin, metrics=None):
    with zipfile.ZipFile(path, "w") as archive:
        record = {"sha256": {}, "position": {"batches": batches, "metrics": metrics}, "origin": origin}
        archive.writestr(MEMBER, json.dumps(record))


@pytest.fixture
def stage(tmp_path):
    """Three epochs of two batches, of which the second is the best."""
    stage = Stage(tmp_path / "runs" / "fine")
    stage.folder.mkdir(parents=True)
    record = RunRecord.new(DataList({}, {}), {"coarse": "7"})
    stage.settings.write_text(json.dumps({"decisions": {}, "run": record.as_json()}))
    source = Stage(stage.folder.parent / "coarse")
    source.folder.mkdir()
    source.settings.write_text(json.dumps({"run": {**record.as_json(), "id": "7"}}))
    log(stage, LOG)
    stage.run = record
    model(stage.last, 6, record.origin(LOG))
    model(stage.previous, 4, record.origin(LOG[:2]))
    model(stage.best, 4, record.origin(LOG[:2], best=True))
    return stage


def log(stage, rows):
    with stage.log.open("w", newline="") as file:
        writer = csv.DictWriter(file, ("epoch", "score"))
        writer.writeheader()
        writer.writerows(rows)


def found(stage):
    assert settings_fault(stage) is None
    return faults(stage, STEPS, lambda row: row["score"])


@pytest.mark.parametrize("decisions", [[], None, {"settings": None}, {"settings": [1]}])
def test_decisions_that_are_none(stage, decisions):
    stage.settings.write_text(json.dumps({"decisions": decisions}))
    assert settings_fault(stage) == f"{stage.settings}, which says what was trained there, is damaged"


def test_a_summary_without_its_digest_was_edited(stage):
    stage.summary.write_text(json.dumps({"best": {}}))
    assert found(stage) == [f"{stage.summary} was edited"]


def test_nothing_is_wrong(stage):
    assert found(stage) == []
    stage.previous.unlink()
    log(stage, [*LOG, {"epoch": "3", "score": "0.9"}])  # killed between its row and its checkpoint
    assert found(stage) == []
    model(stage.last, 6, stage.run.origin(LOG[:2]), [1.0])  # amid the validation of the third epoch
    assert found(stage) == []


def test_the_best_of_the_stage_before_is_adopted(stage):
    model(stage.best, 8, {**stage.run.origin([], best=True), "run": "7"})
    assert found(stage) == []


def test_a_better_model_is_on_its_way(stage):
    stage.best.unlink()
    model(stage.better, 4, stage.run.origin(LOG[:2], best=True))
    assert found(stage) == []


@pytest.mark.parametrize("name", ["last", "previous", "best", "better"])
def test_models_of_other_runs(stage, name):
    path, origin = getattr(stage, name), stage.run.origin(LOG, best=name.startswith("be"))
    model(path, 6, {**origin, "run": "8"})
    assert found(stage) == [f"{path} is of another run than recipe.json"]
    model(path, 6, None)
    assert found(stage) == [f"{path} is of another run than recipe.json"]
    model(path, 6, {**origin, "data": {"train": "x"}})
    assert found(stage) == [f"{path} was trained on other data than recipe.json names"]
    model(path, 6, {**origin, "best": not name.startswith("be")})
    assert f"{path} is not " in found(stage)[0]


def spoil_log(rows):
    return lambda stage: log(stage, rows)


SPOILT = {
    "log.csv has 2 rows, and 3 epochs were trained": spoil_log(LOG[:2]),
    "log.csv is not what the run logged": spoil_log([LOG[0], {"epoch": "1", "score": "0.4"}, LOG[2]]),
    "log.csv has 0 rows, and 3 epochs were trained": lambda stage: stage.log.write_bytes(b"\xff\xfe"),
    "best.keras is of epoch 1, and epoch 2 is the best in": lambda stage: model(
        stage.best, 2, stage.run.origin(LOG, best=True)
    ),
    "best.keras is lost": lambda stage: stage.best.unlink(),
    "summary.json is of another run": lambda stage: stage.summary.write_text('{"run": "9"}'),
    "summary.json was edited": lambda stage: stage.summary.write_text(
        json.dumps({**sealed({"run": stage.run.id}), "best": 1})
    ),
    "best.keras is damaged": lambda stage: stage.best.write_bytes(stage.best.read_bytes()[:50]),
    "summary.json is damaged": lambda stage: stage.summary.write_text("{"),
    "fine was started from another run of coarse": lambda stage: Stage(
        stage.folder.parent / "coarse"
    ).settings.unlink(),
}


@pytest.mark.parametrize("said", SPOILT)
def test_other_files(stage, said):
    SPOILT[said](stage)
    (fault,) = found(stage)
    assert said in fault


def test_more_rows_than_a_finished_run_has(stage):
    stage.summary.write_text(json.dumps(sealed({"run": stage.run.id})))
    assert found(stage) == []
    log(stage, [*LOG, {"epoch": "3", "score": "0.9"}])
    assert "log.csv has 4 rows, and 3 epochs were trained" in found(stage)[0]


SETTINGS = {
    None: "is lost",
    "{": "is damaged",
    '{"decisions": 3}': "is damaged",
    '{"decisions": {}, "run": 3}': "is damaged",
}


@pytest.mark.parametrize(("text", "said"), SETTINGS.items())
def test_the_settings(stage, text, said):
    stage.settings.unlink()
    if text is not None:
        stage.settings.write_text(text)
    assert settings_fault(stage).endswith(said)


def test_a_run_of_an_earlier_version(stage):
    stage.settings.write_text('{"decisions": {}}')
    assert "last.keras is of a run that recipe.json does not name" in found(stage)[0]
    for path, batches in ((stage.last, 6), (stage.previous, 4), (stage.best, 4)):
        model(path, batches, None)
    assert found(stage) == []
    log(stage, LOG[:1])
    assert "log.csv has 1 rows" in found(stage)[0]
    log(stage, LOG)
    record = RunRecord.new(DataList({}, {}), unrecorded=6)
    record.save(stage)
    assert found(stage) == []
    model(stage.last, 8, None)
    assert "last.keras is of another run" in found(stage)[0]
