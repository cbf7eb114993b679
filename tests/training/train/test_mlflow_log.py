"""What MLflow is told of a stage: against a client that keeps it in memory, and against the real one where it is."""

import json
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import pytest

from tests.attacks.kills import rows
from tests.training import small_run
from tests.training.stops import stop_at
from training.recipes import catalogue as recipes
from training.train import command as train
from training.train import mlflow_log
from training.train.mlflow_log import MLflowLog, open_client
from training.workdir.stage import Stage


class Kept:
    """What `MlflowClient` does, as far as it is used, in memory."""

    def __init__(self):
        self.experiments, self.runs, self.metrics = {}, {}, []

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id=name) if name in self.experiments else None

    def create_experiment(self, name, artifact_location):
        self.experiments[name] = artifact_location
        return name

    def search_runs(self, experiments, filter_string):
        tag, _, value = filter_string.removeprefix("tags.").partition(" = ")
        found = [i for i, run in self.runs.items() if run["tags"].get(tag.strip("`")) == value.strip("'")]
        return [SimpleNamespace(info=SimpleNamespace(run_id=i)) for i in found]

    def create_run(self, experiment, run_name, tags):
        number = f"run {len(self.runs)}"
        self.runs[number] = {"name": run_name, "tags": tags, "params": {}, "status": "RUNNING"}
        return SimpleNamespace(info=SimpleNamespace(run_id=number))

    def log_param(self, run, key, value):
        assert key not in self.runs[run]["params"]
        self.runs[run]["params"][key] = value

    def log_metric(self, run, key, value, step):
        self.metrics.append((run, key, step, value))

    def get_metric_history(self, run, key):
        return [SimpleNamespace(step=step) for r, k, step, _ in self.metrics if (r, k) == (run, key)]

    def update_run(self, run, status):
        self.runs[run]["status"] = status

    def set_terminated(self, run):
        self.runs[run]["status"] = "FINISHED"


@pytest.fixture
def client(monkeypatch):
    kept = Kept()
    monkeypatch.setattr(mlflow_log, "open_client", lambda workdir: kept)
    return kept


@pytest.fixture
def stage(tmp_path):
    """A stage whose run has begun."""
    begun = Stage(tmp_path / "folder_fcn32s")
    begun.folder.mkdir()
    settings = {"learning_rate": 0.5, "ema": None, "model_options": {"dropout": 0.5}, "data": "x" * 7000}
    begun.settings.write_text(json.dumps({"decisions": {"settings": settings}}))
    return begun


def epoch(callback, number, **logs):
    callback.on_epoch_end(number, logs)


def test_a_run_has_its_settings_and_a_value_for_every_epoch(client, stage):
    callback = MLflowLog(stage)
    callback.on_train_begin()
    epoch(callback, 0, loss=2.0, val_confusion={"confusion_mean_iu": 0.25})
    epoch(callback, 1, loss=1.0, val_confusion={"confusion_mean_iu": 0.5})
    ((number, run),) = client.runs.items()
    assert (run["name"], run["status"]) == ("folder_fcn32s", "RUNNING")
    assert run["params"] == {
        "learning_rate": "0.5",
        "ema": "None",
        "model_options": "{'dropout': 0.5}",
        "data": "x" * 6000,
    }
    assert client.metrics == [
        (number, "loss", 0, 2.0),
        (number, "confusion_mean_iu", 0, 0.25),
        (number, "loss", 1, 1.0),
        (number, "confusion_mean_iu", 1, 0.5),
    ]
    callback.on_train_end()
    assert run["status"] == "FINISHED"
    assert client.experiments == {"fcn-train": (stage.folder.parent / "mlflow").resolve().as_uri()}


def test_a_continued_run_is_the_same_and_catches_up(client, stage):
    """Killed after the second epoch's checkpoint and before MLflow heard of it, in the middle of its values."""
    first = MLflowLog(stage)
    first.on_train_begin()
    epoch(first, 0, loss=2.0, val_loss=3.0)
    epoch(first, 1, loss=1.0)
    stage.log.write_text("epoch,loss,val_loss\n0,2.0,3.0\n1,1.0,1.5\n")
    again = MLflowLog(stage)
    again.on_train_begin()
    again.on_train_begin()  # a run that goes on within an epoch calls `fit` twice
    assert len(client.runs) == 1
    assert [values[1:] for values in client.metrics[3:]] == [("val_loss", 1, 1.5)]


def test_a_stage_that_begins_anew_is_another_run(client, stage):
    MLflowLog(stage).on_train_begin()
    stage.mlflow.unlink()  # with its folder
    MLflowLog(stage).on_train_begin()
    assert len(client.runs) == 2


@pytest.mark.usefixtures("eagerly")
def test_the_command_logs_every_stage_and_goes_on(client, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    sys.modules["mlflow"].__spec__ = ModuleSpec("mlflow", None)
    recipe = recipes.replace(small_run.recipes_by_name()["tiny_fcn32s"], patience=1, steps=8)
    monkeypatch.setitem(recipes.RECIPES, recipe.name, recipe)
    arguments = [recipe.name, "--workdir", str(tmp_path), "--log", "mlflow", "--quiet", "--no-watchdog"]
    with monkeypatch.context() as patch:
        stop_at(patch, "on_epoch_end", 1)  # behind the first epoch's checkpoint, before it is logged
        assert train.main(arguments) == 143
    assert client.metrics == []
    assert train.main(arguments) == 0
    ((_, run),) = client.runs.items()
    assert (run["name"], run["status"], run["params"]["steps"]) == ("tiny_fcn32s", "FINISHED", "8")
    wanted = {}
    for row in rows(tmp_path / recipe.name / "log.csv"):
        number = int(row.pop("epoch"))
        wanted |= {(number, key): float(value) for key, value in row.items()}
    assert {(step, key): value for _, key, step, value in client.metrics} == wanted
    assert len(client.metrics) == len(wanted)


def test_mlflow_itself(stage):
    pytest.importorskip("mlflow")
    for number in range(2):
        callback = MLflowLog(stage)
        callback.on_train_begin()
        epoch(callback, number, loss=2.0 - number)
        callback.on_train_end()
    client = open_client(stage.folder.parent)
    known = client.get_experiment_by_name("fcn-train")
    (run,) = client.search_runs([known.experiment_id])
    assert (run.info.run_name, run.info.status) == ("folder_fcn32s", "FINISHED")
    assert run.data.params["learning_rate"] == "0.5"
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss")] == [(0, 2.0), (1, 1.0)]
    assert sorted(path.name for path in stage.folder.parent.iterdir()) == ["folder_fcn32s", "mlflow.db"]
