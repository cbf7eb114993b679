"""Which run a stage's folder holds, and which data it was trained and scored on: `run` in its recipe.json."""

import hashlib
import json
import math
import uuid
from dataclasses import asdict, dataclass, field, replace

from fcn_keras_console.files import read_json, write_json


@dataclass(frozen=True)
class RunRecord:
    """What tells a run from every other one.

    Attributes:
        id: random, made when the stage is opened.
        data: digests of its data, `DataList.digests`.
        starts_from: ids of the runs that its weights come from, by their stages' names; None of one that has none.
        changes: dicts, one for every time that it went on with other data: `after_batch`; `what` changed, sentences as
            `data_changes.changes` gives them; `data`, the digests before; and `rescored`, where the validation images
            or their masks changed: `epochs` that were scored before, the `best` of them from 0 on (None where the
            stage before is the best), and `logs`, what the best net scores on the new ones.
        unrecorded: batches that an earlier version trained, which recorded no data.
    """

    id: str
    data: dict
    starts_from: dict = field(default_factory=dict)
    changes: tuple = ()
    unrecorded: int = 0

    @classmethod
    def new(cls, listed, starts_from=None, unrecorded=0):
        """Make the record of a run that begins, or begins to be recorded, with the data of a `DataList`."""
        return cls(uuid.uuid4().hex, listed.digests, dict(starts_from or {}), (), unrecorded)

    @classmethod
    def of(cls, stage):
        """Read the record in a stage's recipe.json; None where there is none, as of earlier versions.

        Raises:
            ValueError: if it is none of ours.
        """
        value = settings_of(stage).get("run")
        if value is None:
            return None
        try:
            made = cls(**{**value, "changes": tuple(value["changes"])})
            known = [made.data, *(change["data"] for change in made.changes)]
            sound = isinstance(made.id, str) and all(isinstance(data, dict) for data in (*known, made.starts_from))
            sound = sound and isinstance(made.unrecorded, int) and all(map(_is_sound, made.changes))
        except (TypeError, KeyError, AttributeError):
            sound = False
        if not sound:
            raise ValueError(f"{stage.settings} holds no record of a run.")
        return made

    def as_json(self):
        return {**asdict(self), "changes": list(self.changes)}

    def save(self, stage):
        """Put it into a stage's recipe.json."""
        write_json(stage.settings, {**settings_of(stage), "run": self.as_json()})

    def changed(self, listed, change):
        """Return the record of the run that goes on with other data; `change` as one of `changes`, without `data`."""
        return replace(self, data=listed.digests, changes=(*self.changes, {**change, "data": self.data}))

    def knows(self, data):
        """Tell whether these are digests of data that it was trained on at some time."""
        return data in (self.data, *(change["data"] for change in self.changes))

    def origin(self, rows, *, best=False):
        """Return what a model of this run carries: the run, the data, a digest of the log, and whether it is a best."""
        return {"run": self.id, "data": self.data, "log": digest_of_rows(rows), "best": best}


def _is_sound(change):
    """Tell whether one of `changes` says what `comparable` reads."""
    rescored = change.get("rescored", {"epochs": 0, "best": None, "mean_iu": 0})
    counts = rescored["epochs"], rescored["best"] or 0
    return all(isinstance(count, int) for count in counts) and isinstance(rescored["mean_iu"], int | float)


def settings_of(stage):
    """Return what a stage's recipe.json holds; an empty dict where there is none, or it is damaged."""
    try:
        return read_json(stage.settings)
    except (OSError, ValueError):
        return {}


def sealed(summary):
    """Return a summary with a digest of what it says, which tells when it is edited."""
    said = {name: value for name, value in summary.items() if name != "digest"}
    return {**said, "digest": hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]}


def digest_of_rows(rows):
    """Return a digest of the rows of a log, dicts of text by column."""
    return hashlib.sha256(json.dumps([list(row.items()) for row in rows]).encode()).hexdigest()[:32]


def comparable(scores, changes):
    """Return scores by epoch of which all are of the data that the run has now: others are minus infinity.

    So are scores that are missing or no numbers, which earlier versions logged.

    Args:
        scores: validation mean IU by epoch, as the log has them; None where it has none.
        changes: of a `RunRecord`, with `rescored["mean_iu"]`.
    """
    scores = [score if score is not None and math.isfinite(score) else -math.inf for score in scores]
    for rescored in (change["rescored"] for change in changes if "rescored" in change):
        epochs = min(rescored["epochs"], len(scores))
        scores[:epochs] = [-math.inf] * epochs
        if rescored["best"] is not None and rescored["best"] < epochs:
            scores[rescored["best"]] = rescored["mean_iu"]
    return scores
