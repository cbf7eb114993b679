"""Score a stage's best net anew, where the images or masks to validate on are others than when it became the best."""

import fcn_keras as fcn
from fcn_keras import keras_files
from fcn_keras.interface import modality_of

from ..workdir.checkpoint import read_record
from .callbacks import flat, mean_iu
from .compiling import compile_model
from .finite_validation import require_figures, require_sums
from .sources import spaced


def rescored(recipe, stage, examples, run, epochs):
    """Score a stage's best net.

    Args:
        recipe: of the stage.
        stage: `Stage`, of which an epoch is closed.
        examples: data set to validate on.
        run: id of the run.
        epochs: that are closed.

    Returns:
        what `RunRecord.changes` keeps: `epochs` in the log, of which `best` is the net's or None, its `mean_iu`, and
        `logs` by column of the log.

    Raises:
        ValueError: if a figure is no number, or a sum overflows on the way to it.
    """
    model = keras_files.load_model(stage.best)
    compile_model(model, recipe, examples.num_classes)
    scored, modality = spaced(examples, recipe.validation_images), modality_of(model)
    results = model.evaluate(fcn.batches(scored, modality=modality), verbose=0, return_dict=True)
    logs = {f"val_{name}": float(value) for name, value in flat(results)}
    require_figures(model, logs, stage.best)
    require_sums(model, scored, modality, stage.best)
    position, origin = read_record(stage.best)
    own = origin is None or origin["run"] == run
    best = position.batches // recipe.steps_per_epoch - 1 if own and position is not None else None
    return {"epochs": epochs, "best": best, "mean_iu": mean_iu(logs), "logs": logs}
