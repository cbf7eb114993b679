"""What a stage's folder holds, beside what is trained now."""

from dataclasses import dataclass, field

from ..workdir.data_changes import changes
from ..workdir.data_list import DataList
from ..workdir.run_record import RunRecord
from ..workdir.stage import Stage

LOST = "not the images or masks of before (which ones, the lost data.json would tell)"


@dataclass(frozen=True)
class Found:
    """What a stage's folder holds.

    Attributes:
        recipe, stage: which.
        record: `RunRecord`; None of a run of a version before there was one.
        known, listed: `DataList` of then, or None, and of now.
        said: what differs, as `changes` gives it.
        faults: sentences on its files.
        moved: the folders that the data lay in and lies in, if these are two.
        options: what else differs, as `option_changes` gives it; then nothing of the data was looked at.
        longer: what it is trained for longer by, likewise.
        decided: what `Stage.changed_options` took.
    """

    recipe: object
    stage: Stage
    record: RunRecord | None = None
    known: DataList | None = None
    listed: DataList | None = None
    said: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)
    moved: tuple = ()
    options: dict = field(default_factory=dict)
    longer: dict = field(default_factory=dict)
    decided: dict = field(default_factory=dict)

    @property
    def same(self):
        return not (self.said or self.faults or self.options)


def with_followers(chain, wrong):
    """List the names of stages where something differs, and of those that start from them."""
    names = {one.recipe.name for one in wrong}
    for recipe in chain:
        if names.intersection(recipe.sources.values()):
            names.add(recipe.name)
    return [recipe.name for recipe in chain if recipe.name in names]


def data_changes(record, known, listed):
    """Say what differs from the data of a record."""
    if listed.digests == record.data:
        return {}
    if known is not None and known.digests == record.data:
        return changes(known, listed)
    return {name: LOST for name, digest in listed.digests.items() if record.data.get(name) != digest}


def class_files(stage, listed):
    """Say which files of class names hold others than the data."""
    expected = stage.class_files(listed.classes["names"])
    for path, text in expected.items():
        if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text:
            return [f"{path} names other classes than the data, and removing it writes it anew"]
    return []
