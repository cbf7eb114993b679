"""Log to MLflow, in a database in the workdir: what was decided, and the scores of every epoch."""

import logging
import os
import uuid

import keras

from fcn_keras_console.files import read_json, write_text

from ..workdir.timings import read_table
from .callbacks import flat

EXPERIMENT = "fcn-train"
TAG = "fcn_keras.run"
LONGEST = 6000  # characters of a parameter, MLflow's own limit


class MLflowLog(keras.callbacks.Callback):
    """Log a stage as one run of MLflow, however often it is stopped and continued.

    It stands behind what saves. An epoch that a killed run did not log is read from the stage's log when the run goes
    on, and one that it logged is not logged twice.

    Args:
        stage: the `Stage`, whose folder is there when training begins.
    """

    def __init__(self, stage):
        super().__init__()
        self.stage = stage
        self.client = None

    def on_train_begin(self, logs=None):
        if self.client is None:
            self.client = open_client(self.stage.folder.parent)
            self.run = self._run()
            for row in read_table(self.stage.log) if self.stage.log.exists() else []:
                self._log(int(row.pop("epoch")), row)
        self.client.update_run(self.run, status="RUNNING")

    def on_epoch_end(self, epoch, logs=None):
        self._log(epoch, dict(flat(logs)))

    def on_train_end(self, logs=None):
        self.client.set_terminated(self.run)

    def _run(self):
        """Find the stage's run by the name that lies in its folder, or create it; return MLflow's id."""
        if not self.stage.mlflow.exists():
            write_text(self.stage.mlflow, uuid.uuid4().hex)
        name = self.stage.mlflow.read_text(encoding="utf-8").strip()
        known = self.client.get_experiment_by_name(EXPERIMENT)
        place = (self.stage.folder.parent / "mlflow").resolve().as_uri()  # else MLflow makes a folder where one stands
        experiment = known.experiment_id if known else self.client.create_experiment(EXPERIMENT, place)
        found = self.client.search_runs([experiment], f"tags.`{TAG}` = '{name}'")
        if found:
            return found[0].info.run_id
        run = self.client.create_run(experiment, run_name=self.stage.folder.name, tags={TAG: name}).info.run_id
        for key, value in read_json(self.stage.settings)["decisions"]["settings"].items():
            self.client.log_param(run, key, str(value)[:LONGEST])
        return run

    def _log(self, epoch, row):
        for key, value in row.items():
            if epoch not in [metric.step for metric in self.client.get_metric_history(self.run, key)]:
                self.client.log_metric(self.run, key, float(value), step=epoch)


def open_client(workdir):
    """Open the database of a workdir; MLflow calls nobody, and does not say what it does to its tables."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    for name in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{(workdir / 'mlflow.db').resolve()}")
