"""The stage before, where it trained the same network: of the two, the better model is kept."""

from dataclasses import dataclass
from pathlib import Path

from fcn_keras_console.files import read_json

from ..recipes.recipe import describe
from ..workdir.stage import Stage

# What two stages share whose scores can be compared: the network, and the images that it is scored on.
SHARED = ("model", "model_options", "data", "splits", "validation_images", "dtype_policy")


@dataclass(frozen=True)
class Predecessor:
    """What the stage before has reached.

    Attributes:
        name: of its recipe.
        row: of its best epoch in its log, with `val_mean_iu`.
        best: its best model.
    """

    name: str
    row: dict
    best: Path

    @property
    def mean_iu(self):
        return self.row["val_mean_iu"]


def predecessor(recipe, chain, workdir):
    """Find the stage that a recipe goes on from with the same network and the same validation images.

    Its scores are those of the weights that the recipe starts from: they need not be scored again.

    Args:
        recipe: of the stage.
        chain: all recipes of the run.
        workdir: where the stage before is finished.

    Returns:
        `Predecessor`; None where there is none, or it has another network or other images.
    """
    before = [source for source in chain if recipe.sources == {"": source.name}]
    if not before or _shared(before[0]) != _shared(recipe):
        return None
    stage = Stage(workdir / before[0].name)
    return Predecessor(before[0].name, read_json(stage.summary)["best"], stage.best)


def _shared(recipe):
    described = describe(recipe)
    return {name: described[name] for name in SHARED}
