"""What a run left behind: its stages, coarse to fine, with their logs and timings."""

import contextlib
import math
import re
import statistics
from dataclasses import dataclass
from pathlib import Path

from fcn_keras_console.files import read_json
from fcn_keras_console.given import require_directory
from fcn_keras_console.workdir import find_model

from ..workdir.run_record import comparable
from ..workdir.stage import Stage
from ..workdir.timings import read_table, read_timings

LARGEST = 1e30  # a loss beyond is on its way to infinity
RAW = "raw_val_"  # what the log's columns of the weights that were not averaged begin with


@dataclass(frozen=True)
class Trained:
    """One stage of a run.

    Attributes:
        stage: its folder.
        settings: recipe.json, an empty dict where there is none.
        rows: of the log, floats by column, an epoch each.
        timings: as `read_timings` gives them.
        summary: summary.json, an empty dict where the stage is not finished.
    """

    stage: Stage
    settings: dict
    rows: list
    timings: dict
    summary: dict

    @property
    def name(self):
        return self.stage.folder.name

    @property
    def decisions(self):
        """What decided the result, as `Stage.open` wrote it."""
        return _dict(self.settings.get("decisions"))

    @property
    def recipe(self):
        """What was decided about the training, by the names of `Recipe`'s fields."""
        return _dict(self.decisions.get("settings"))

    @property
    def plan(self):
        """Sentences of what was planned, by what they are about; an empty dict where nothing was."""
        return _dict(self.settings.get("plan"))

    @property
    def frozen(self):
        """What the names of the layers that stood still begin with."""
        return _texts(self.recipe.get("frozen"))

    @property
    def views(self):
        """Views whose feature maps were kept, without their mirror images, or None where images were trained on."""
        return _positive(self.recipe.get("views"))

    @property
    def kept_maps(self):
        """Names of the layers whose feature maps were kept."""
        return _texts(self.recipe.get("kept_maps"))

    @property
    def sources(self):
        """Folders of the stages it starts from, where they are beside it."""
        start = self.recipe.get("init_from")
        names = list(start.values()) if isinstance(start, dict) else [start]
        beside = {folder.name: folder for folder in self.stage.folder.parent.iterdir() if folder.is_dir()}
        return [beside[name] for name in names if isinstance(name, str) and name in beside]

    @property
    def batches(self):
        """Batches of an epoch."""
        return _positive(self.recipe.get("steps_per_epoch"))

    @property
    def epochs(self):
        """Epochs that were planned, or None."""
        steps = _positive(self.recipe.get("steps"))
        return steps // self.batches if steps and self.batches else None

    @property
    def best(self):
        """Number of the epoch whose weights were kept, from 0 on, or None; of several heads by the mean over them."""
        means = [_mean([row.get(f"val_{prefix}_mean_iu") for prefix in self.prefixes.values()]) for row in self.rows]
        means = comparable(means, [change for change in self.changes if _rescored(change)])
        known = [epoch for epoch, value in enumerate(means) if value > -math.inf]
        return max(known, key=means.__getitem__) if known else None

    @property
    def kept(self):
        """Name of the stage before whose model was kept, since no epoch was better; None where an epoch's was."""
        name = self.summary.get("kept")
        return name if isinstance(name, str) else None

    @property
    def changes(self):
        """How the data changed while it was trained, as `RunRecord.changes` has it."""
        changes = _dict(self.settings.get("run")).get("changes")
        return [change for change in changes if isinstance(change, dict)] if isinstance(changes, list) else []

    @property
    def prefixes(self):
        """What the log's columns of metrics begin with, by head; the only head of most models is `""`."""
        columns = [name for row in self.rows[:1] for name in row]
        prefixes = [match[1] for name in columns if (match := re.fullmatch(r"val_(.+)_mean_iu", name))]
        return {"": prefixes[0]} if len(prefixes) == 1 else {head: head for head in prefixes}

    @property
    def scored_raw(self):
        """Whether the raw weights were scored beside the averaged ones."""
        return any(column.startswith(RAW) for row in self.rows[:1] for column in row)

    def points(self, column):
        """Return `(epochs trained, value)` of a column where it is a number that can be drawn."""
        return [(i + 1, row[column]) for i, row in enumerate(self.rows) if abs(row.get(column, math.nan)) < LARGEST]

    @property
    def without_loss(self):
        """The numbers of the epochs, from 1 on, whose loss cannot be drawn."""
        logged = [column for column in ("loss", "val_loss") if any(column in row for row in self.rows)]
        drawn = [{epoch for epoch, _ in self.points(column)} for column in logged]
        return [epoch for epoch in range(1, len(self.rows) + 1) if any(epoch not in epochs for epochs in drawn)]

    def images_per_second(self):
        """Return the median over the epochs of the images trained on in a second, or None."""
        size = _positive(self.recipe.get("batch_size"))
        rates = [x["batches"] / x["training"] for x in self.timings.values() if x["training"] and x["batches"]]
        return size * statistics.median(rates) if size and rates else None

    def seconds(self, what):
        """Return the seconds of all epochs' `"training"` or `"validation"`, or None."""
        return sum(row[what] for row in self.timings.values()) if self.timings else None

    @property
    def took(self):
        """Seconds of the whole stage, with feature maps, checkpoints and compilation; None where nothing tells.

        Of a stage that was stopped, those since it went on, or those of all epochs if they are more; of one that is not
        finished, those of its epochs.
        """
        epochs = sum(row["training"] + row["validation"] for row in self.timings.values())
        known = [epochs, _number(self.summary.get("seconds"))]
        return max((seconds for seconds in known if 0 < seconds < math.inf), default=None)


def find_run(path):
    """Read the stages that led to the model a folder stands for, and those that go on from it.

    Args:
        path: a stage's folder, or a workdir. Of several runs in it that of the finest finished stage is taken, and
            said, as every command does.

    Returns:
        list of `Trained`, coarse to fine, the last one's `stage.best` being there.

    Raises:
        ValueError: if there is no such run, or several as fine as each other.
    """
    path = Path(path)
    require_directory(path, "", "Name the --workdir of fcn-train, or a stage's folder in it.")
    begun = [folder.name for folder in (path, *sorted(path.iterdir())) if Stage(folder).settings.is_file()]
    if Stage(path).best.is_file():
        return _chain(path.resolve())
    folders = sorted(folder.resolve() for folder in path.iterdir() if Stage(folder).best.is_file())
    chains = {folder: _chain(folder) for folder in folders}
    before = {trained.stage.folder for chain in chains.values() for trained in chain[:-1]}
    ends = [folder for folder in folders if folder not in before]
    if not ends:
        hint = "Train one: fcn-train RECIPE --workdir DIR."
        if begun:
            hint = f"{begun[0]} has finished no epoch yet: wait for its first, or go on with fcn-train."
        raise ValueError(f"{path} holds no trained models. {hint}")
    chosen = find_model(path).parent.resolve() if len(ends) > 1 else ends[0]
    return chains.get(chosen) or _chain(chosen)  # which may be one that was kept from before


def begun_after(run):
    """Name the stages that start from a run's last one, and have finished no epoch yet."""
    last, names = run[-1].stage.folder, []
    for folder in sorted(last.parent.iterdir()):
        if Stage(folder).settings.is_file() and not Stage(folder).best.is_file():
            with contextlib.suppress(ValueError):  # damaged, and not what is shown
                names += [folder.name] * (last in _read(folder).sources)
    return names


def _chain(last):
    """Read a stage after those it starts from, each once."""
    chain, begun = [], set()

    def visit(folder):
        begun.add(folder)
        trained = _read(folder)
        for source in trained.sources:
            if source not in begun:
                visit(source)
        chain.append(trained)

    visit(last)
    return chain


def _read(folder):
    stage = Stage(folder)
    settings, summary = (read_json(path) if path.is_file() else {} for path in (stage.settings, stage.summary))
    return Trained(stage, settings, _rows(stage.log), read_timings(stage.timings), summary)


def _rows(log):
    """Read a log; what is no number becomes NaN."""
    if not log.is_file():
        return []
    return [{name: _number(value) for name, value in row.items() if name} for row in read_table(log)]


def columns(quantity):
    """Name the log's columns of a quantity, such as `loss`: of training, and of both weights' validation."""
    return {"training": quantity, "raw": f"{RAW}{quantity}", "validation": f"val_{quantity}"}


def _number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _mean(values):
    return statistics.fmean(values) if values and all(v is not None and math.isfinite(v) for v in values) else None


def _positive(value):
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _rescored(change):
    """Tell whether a change says all that `comparable` needs."""
    again = _dict(change.get("rescored"))
    best, score = again.get("best"), again.get("mean_iu")
    numbers = isinstance(again.get("epochs"), int) and isinstance(best, int | None) and isinstance(score, float)
    return numbers and (best is None or best >= 0)


def _texts(value):
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _dict(value):
    return value if isinstance(value, dict) else {}
