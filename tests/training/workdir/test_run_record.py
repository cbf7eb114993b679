"""Which run a folder holds, and which of its scores can be compared."""

import json
import math
from dataclasses import replace

import pytest

from training.workdir.data_list import DataList
from training.workdir.run_record import RunRecord, comparable, digest_of_rows, sealed, settings_of
from training.workdir.stage import Stage

LISTED, OTHER = DataList({}, {"names": {"": ["a"]}}), DataList({}, {"names": {"": ["b"]}})
LOW = float("-inf")


def test_a_record_comes_back(tmp_path):
    stage = Stage(tmp_path)
    assert RunRecord.of(stage) is None
    stage.settings.write_text('{"decisions": {"recipe": "r"}}')
    assert RunRecord.of(stage) is None
    record = RunRecord.new(LISTED, {"before": "1"})
    record.save(stage)
    assert RunRecord.of(stage) == record
    assert settings_of(stage)["decisions"] == {"recipe": "r"}
    assert record.id != RunRecord.new(LISTED).id


def test_data_of_before_is_known():
    record = RunRecord.new(LISTED).changed(OTHER, {"after_batch": 3, "what": {"classes": "a is now b"}})
    assert record.data == OTHER.digests
    assert record.knows(OTHER.digests)
    assert record.knows(LISTED.digests)
    assert not record.knows({"train": "x"})
    assert record.changes == ({"after_batch": 3, "what": {"classes": "a is now b"}, "data": LISTED.digests},)


WRONG = (
    3,
    {"id": "x"},
    {"id": 3, "data": {}, "changes": []},
    {"id": "x", "data": [], "changes": []},
    {"id": "x", "data": {}, "changes": [3]},
    {"id": "x", "data": {}, "changes": [], "unrecorded": "3"},
    {"id": "x", "data": {}, "changes": [{"data": {}, "rescored": {}}]},
    {"id": "x", "data": {}, "changes": [{"data": {}, "rescored": {"epochs": "1", "best": None, "mean_iu": 0.5}}]},
    {"id": "x", "data": {}, "changes": [], "more": 1},
)


@pytest.mark.parametrize("wrong", WRONG)
def test_no_record_of_ours(tmp_path, wrong):
    stage = Stage(tmp_path)
    stage.settings.write_text(json.dumps({"run": wrong}))
    with pytest.raises(ValueError, match="holds no record of a run"):
        RunRecord.of(stage)


def test_a_model_says_its_run_its_data_and_the_log():
    record = RunRecord.new(LISTED)
    rows = [{"epoch": "0", "loss": "1.5"}]
    assert record.origin(rows) == {"run": record.id, "data": record.data, "log": digest_of_rows(rows), "best": False}
    assert record.origin(rows, best=True)["best"] is True
    assert digest_of_rows(rows) != digest_of_rows([{"epoch": "0", "loss": "1.6"}])
    assert digest_of_rows([]) != digest_of_rows(rows)


def change(epochs, best, mean_iu):
    return {"rescored": {"epochs": epochs, "best": best, "mean_iu": mean_iu}}


@pytest.mark.parametrize(
    ("changes", "scores"),
    [
        ([], [0.1, 0.3, 0.2]),
        ([{"after_batch": 3}], [0.1, 0.3, 0.2]),
        ([change(2, 1, 0.15)], [LOW, 0.15, 0.2]),
        ([change(2, None, 0.15)], [LOW, LOW, 0.2]),
        ([change(2, 1, 0.15), change(3, 2, 0.4)], [LOW, LOW, 0.4]),
        ([change(5, 4, 0.15)], [LOW, LOW, LOW]),
    ],
)
def test_scores_of_other_images_do_not_count(changes, scores):
    assert comparable([0.1, 0.3, 0.2], changes) == scores


def test_scores_that_are_no_numbers_do_not_count():
    assert comparable([math.nan, 0.3, math.inf, None], []) == [LOW, 0.3, LOW, LOW]


def test_a_damaged_file_holds_nothing(tmp_path):
    stage = Stage(tmp_path)
    stage.settings.write_text("{")
    assert settings_of(stage) == {}
    assert RunRecord.of(stage) is None
    assert replace(RunRecord.new(LISTED), unrecorded=3).as_json()["unrecorded"] == 3


def test_an_edited_summary_is_told():
    summary = sealed({"recipe": "r", "best": {"val_mean_iu": 0.3}})
    assert sealed(summary) == summary
    assert sealed({**summary, "best": {"val_mean_iu": 0.4}}) != {**summary, "best": {"val_mean_iu": 0.4}}
