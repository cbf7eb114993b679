"""The data sets of a run: opened once for all its stages, read once, listed, and watched while it trains."""

from ..recipes.recipe import describe
from ..workdir.data_changes import changes, sentence
from ..workdir.data_list import list_data


class OpenedData:
    """Open the data of recipes. Stages that read the same have the same examples, whatever is added meanwhile.

    Args:
        directory: of the data, or None where it is drawn.
        reporter: `Reporter`.
        verified: whether every file was read before.
    """

    def __init__(self, directory, reporter, *, verified):
        self.directory = directory
        self.reporter = reporter
        self.verified = verified
        self._splits, self._listed, self._read = {}, {}, set()

    def examples(self, recipe):
        """Return `{"train": examples, "val": examples}` of a recipe."""
        key = _key(recipe)
        if key not in self._splits:
            train, val = (recipe.data(self.directory, split) for split in recipe.splits)
            self._splits[key] = {"train": train, "val": val}
        return self._splits[key]

    def read(self, recipe):
        """Read every file of a recipe's splits once, unless that was done."""
        train, val = self.examples(recipe).values()
        if self.verified or _key(recipe) in self._read or not hasattr(train, "verify"):
            return
        count = len(train) + len(val)
        self.reporter.report("reading", f"Reading the {count} images and masks of {self.directory} once.", images=count)
        train.verify()
        val.verify()
        self._read.add(_key(recipe))

    def listed(self, recipe, known=None):
        """Return the `DataList` of a recipe's data as it was when this was first asked.

        Args:
            known: `DataList` of before, whose unchanged files are not read again.
        """
        key = _key(recipe)
        if key not in self._listed:
            self._listed[key] = list_data(self.examples(recipe), known)
        return self._listed[key]

    def require_unchanged(self, recipe, stage):
        """Make sure that no file was changed since it was listed.

        Raises:
            ValueError: if one was; of a run that is going on, which ends then with its last checkpoint.
        """
        before = self.listed(recipe)
        now = list_data(self.examples(recipe), before)
        if said := changes(before, now):
            raise ValueError(
                f"{self.directory} changed while {stage.folder} was trained on it: {sentence(said)}. What was trained "
                "since the last checkpoint is dropped. Give the same command with --if-changed go-on, which goes on "
                "from there with the data as it is, or --if-changed anew."
            )
        self._listed[_key(recipe)] = now


def _key(recipe):
    return (*recipe.splits, describe(recipe)["data"])
