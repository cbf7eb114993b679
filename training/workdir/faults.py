"""What in a stage's folder was not written by the run that its recipe.json names, or was changed since."""

import math

from fcn_keras_console.files import read_json

from .checkpoint import read_record, verify
from .run_record import RunRecord, comparable, digest_of_rows, sealed, settings_of


def settings_fault(stage):
    """Say what is wrong with a stage's recipe.json; None if nothing is."""
    if not stage.settings.is_file():
        return f"{stage.settings}, which says what was trained there, is lost"
    try:
        RunRecord.of(stage)
        decisions = settings_of(stage).get("decisions")
        sound = isinstance(decisions, dict) and isinstance(decisions.get("settings", {}), dict)
    except ValueError:
        sound = False
    return None if sound else f"{stage.settings}, which says what was trained there, is damaged"


def faults(stage, steps, score):
    """Say what is wrong with the other files of a stage.

    Args:
        stage: `Stage` whose recipe.json is sound.
        steps: batches of an epoch.
        score: function from a row of the log, floats by column, to its mean IU.

    Returns:
        list of sentences without a full stop, empty if nothing is wrong.
    """
    record = RunRecord.of(stage)
    found = [_model_fault(path, record) for path in (stage.last, stage.previous, stage.best, stage.better)]
    found += [_source_fault(stage, record)] if record is not None else []
    found = [fault for fault in found if fault]
    if found:
        return found
    found = [_summary_fault(stage, record), _log_fault(stage, record, steps), _best_fault(stage, record, steps, score)]
    return [fault for fault in found if fault][:1]


def _model_fault(path, record):
    """Say whether a model is another run's. One that cannot be read is told where it is read as a whole."""
    position, origin = read_record(path)
    if position is None:
        return None
    if record is None:
        return f"{path} is of a run that recipe.json does not name" if origin else None
    if origin is None:
        return None if position.batches <= record.unrecorded else f"{path} is of another run than recipe.json"
    best = path.name in ("best.keras", "better.keras")
    if origin["best"] != best:
        return f"{path} is not {'the best net' if best else 'a checkpoint'}, but a copy of another file"
    if origin["run"] != record.id:
        adopted = best and origin["run"] in record.starts_from.values()
        return None if adopted else f"{path} is of another run than recipe.json"
    return None if record.knows(origin["data"]) else f"{path} was trained on other data than recipe.json names"


def _source_fault(stage, record):
    for name, run in record.starts_from.items():
        source = type(stage)(stage.folder.parent / name)
        if run is None:
            continue
        try:
            known = RunRecord.of(source)
        except ValueError:
            known = None
        if known is None or known.id != run:
            return f"{stage.folder} was started from another run of {name} than the one in {stage.folder.parent}"
    return None


def _summary_fault(stage, record):
    if not stage.summary.exists() or record is None:
        return None
    try:
        summary = read_json(stage.summary)
    except ValueError:
        return f"{stage.summary} is damaged"
    if summary.get("run", record.id) != record.id:
        return f"{stage.summary} is of another run than recipe.json"
    return None if summary == sealed(summary) else f"{stage.summary} was edited"


def _log_fault(stage, record, steps):
    position, origin = _newest(stage)
    if position is None:
        return None
    closed, rows = position.closed(steps), stage.rows()
    if len(rows) < closed:
        return f"{stage.log} has {len(rows)} rows, and {closed} epochs were trained"
    if stage.finished() and len(rows) > closed:
        return f"{stage.log} has {len(rows)} rows, and {closed} epochs were trained"
    if origin and digest_of_rows(rows[:closed]) != origin["log"]:
        return f"{stage.log} is not what the run logged"
    return None


def _best_fault(stage, record, steps, score):
    """Say whether the best model is not that of the best epoch in the log."""
    position, origin = _newest(stage)
    if position is None:
        return None
    closed = position.closed(steps)
    pending, _ = read_record(stage.better)
    if pending is not None and pending.batches <= position.batches:
        return None  # it becomes the best
    if not stage.best.exists():
        return f"{stage.best} is lost" if closed else None
    try:
        verify(stage.best)
    except ValueError as error:
        return str(error).rstrip(".")
    batches, of = read_record(stage.best)
    if record is None or origin is None or of is None or of["run"] != record.id or batches is None:
        return None
    try:
        rows = [{name: float(value) for name, value in row.items()} for row in stage.rows()[:closed]]
    except ValueError:
        return f"{stage.log} is not what the run logged"
    scores = comparable([score(row) for row in rows], record.changes)
    if not scores or not all(math.isfinite(x) or x == -math.inf for x in scores):
        return None
    best = scores.index(max(scores))
    if max(scores) == -math.inf or batches.batches == (best + 1) * steps:
        return None
    return f"{stage.best} is of epoch {batches.batches // steps}, and epoch {best + 1} is the best in {stage.log}"


def _newest(stage):
    """Return the position and the origin of the newest checkpoint that says them."""
    for path in (stage.last, stage.previous):
        position, origin = read_record(path)
        if position is not None:
            return position, origin
    return None, None
