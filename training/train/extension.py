"""Train a run for longer than it was begun for.

By steps, its last stage goes on from its last checkpoint. In minutes, a run is planned that starts from its best net.
"""

from dataclasses import replace
from pathlib import Path

from fcn_keras_console.workdir import KEPT, decisions_beside

from ..recipes import catalogue
from ..recipes.overrides import Overrides
from ..workdir.run_record import settings_of
from ..workdir.stage import Stage

LONGER = ("steps", "patience")  # what of a stage's decisions is another one where it is trained for longer


def was_extended(stage):
    """Tell whether a stage's optimizer may have been made for fewer steps than the stage has now."""
    return bool(settings_of(stage).get("extended"))


def extended(overrides, name, workdir):
    """Return the overrides by which the run in a workdir is trained for longer.

    Stages that are finished stay as they are, but the last one. The others have as many steps as are asked for, in
    whole epochs of those that they have already.

    Args:
        overrides: `Overrides` of now.
        name: of the recipe.
        workdir: of the run.

    Raises:
        ValueError: if there is no run, it cannot go on, or it has more steps than are asked for.
    """
    chain = catalogue.chain(name, overrides)
    if not any(Stage(workdir / recipe.name).begun() for recipe in chain):
        raise ValueError(f"{workdir} holds no run of {name} that could be trained for longer. Leave --extend out.")
    stages = {}
    for recipe in chain:
        lasting = _lasting(overrides, recipe, Stage(workdir / recipe.name), last=recipe is chain[-1])
        stages[recipe.name] = replace(overrides.stages.get(recipe.name, Overrides()), **lasting)
    return replace(overrides, steps=None, steps_per_epoch=None, patience=None, stages=stages)


def _lasting(overrides, recipe, stage, *, last):
    """Return the steps, the steps of an epoch and the patience of a stage."""
    names = ("steps", "steps_per_epoch", "patience")
    if not stage.begun():
        return {name: getattr(recipe, name) for name in names}
    there = {name: settings_of(stage)["decisions"]["settings"].get(name) for name in names}
    if stage.finished() and not last:
        return there
    if not stage.started():
        raise ValueError(f"{stage.last}, from which {recipe.name} would go on, was removed. Leave --extend out.")
    steps = there["steps"] if overrides.steps is None else overrides.steps
    epoch = overrides.steps_per_epoch or there["steps_per_epoch"]
    if steps < there["steps"] and there["steps"] - steps >= epoch:
        raise ValueError(
            f"{recipe.name} has {there['steps']} steps in {stage.folder}, and --steps {steps} is fewer. With --extend, "
            "--steps is all steps of the stage, those that it has included."
        )
    patience = overrides.patience or there["patience"]
    return {"steps": max(there["steps"], -(-steps // epoch) * epoch), "steps_per_epoch": epoch, "patience": patience}


def train_on(arguments, name, same):
    """Set the run in minutes of a workdir aside, and let the one that is planned now start from its best net.

    Args:
        arguments: of the command line; its weights become that net.
        name: of the recipe.
        same: `SameRun`.
    """
    stages = [Stage(arguments.workdir / recipe.name) for recipe in catalogue.chain(name)]
    best = [stage.best for stage in stages if stage.best.exists()]
    kept = same.set_aside([stage.folder.name for stage in stages])
    if best:
        arguments.weights = kept / best[-1].relative_to(arguments.workdir)
        arguments.weights_preprocessing = None


def first_weights(decisions):
    """Return the file that a run started from, and its preprocessing; None for what there is not.

    Of one that `train_on` began it is the file of the first run before, which the user named.

    Args:
        decisions: of a stage.
    """
    while (weights := decisions.get("weights")) and Path(weights).parent.parent.name.startswith(KEPT):
        decisions = decisions_beside(Path(weights))
    return weights, decisions.get("weights_preprocessing") if weights else None


def take_recorded_weights(arguments, chain):
    """Take the weights that a begun run started from where none are given: going on reads them no more.

    Args:
        arguments: of the command line; its weights may change.
        chain: recipes of the run.
    """
    if arguments.weights is not None or arguments.if_changed == "anew":
        return
    stages = [Stage(arguments.workdir / recipe.name) for recipe in chain]
    decided = [decisions_beside(stage.best) for stage in stages if stage.begun()]
    recorded = next((each for each in decided if each.get("weights")), None)
    if recorded is not None:
        arguments.weights = Path(recorded["weights"])
        arguments.weights_preprocessing = arguments.weights_preprocessing or recorded.get("weights_preprocessing")


def go_on_from(arguments, name):
    """Take the weights that a run in minutes, which was begun by `train_on`, started from.

    The command that goes on with it gives none, or those of the run before.

    Args:
        arguments: of the command line; its weights may change.
        name: of the recipe.
    """
    decided = [decisions_beside(Stage(arguments.workdir / recipe.name).best) for recipe in catalogue.chain(name)]
    begun_from = next((each for each in decided if each.get("weights")), {})
    weights, (first, _) = begun_from.get("weights"), first_weights(begun_from)
    given = arguments.weights and str(arguments.weights.resolve())
    if weights != first and given in (None, first):
        arguments.weights, arguments.weights_preprocessing = Path(weights), None
