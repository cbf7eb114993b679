"""Find out what the workdir holds, and choose what is trained: recipes, overrides, and what they start from."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..recipes import catalogue as recipes
from ..recipes.overrides import Overrides
from ..recipes.readers import has_hha
from ..recipes.recipe import describe
from ..workdir.stage import Stage
from .extension import extended, go_on_from, take_recorded_weights, train_on
from .planning import Planner
from .quick import recipe_of
from .start_weights import StartWeights, start_weights


@dataclass(frozen=True)
class Prepared:
    """What is trained.

    Attributes:
        arguments: of the command line.
        chain: recipes of the stages.
        overrides: that make them.
        weights: `StartWeights`.
        reasons: of the plan, by what they are about; empty where nothing was planned.
        expected: what the stages are planned to take, `Expected` by name, where that was measured.
    """

    arguments: argparse.Namespace
    chain: list
    overrides: Overrides
    weights: StartWeights
    reasons: Mapping = field(default_factory=dict)
    expected: Mapping | None = None

    def decisions(self, recipe):
        """What decides the result of a stage, written down and compared when a run is continued."""
        data, weights = self.arguments.data, self.arguments.weights
        return {
            "recipe": recipe.name,
            "overrides": self.overrides.as_json(),
            "settings": describe(recipe),
            "data": str(data.resolve()) if data else None,
            "weights": str(weights.resolve()) if weights else None,
            "weights_preprocessing": self.weights.preprocessing,
        }


def prepare(arguments, overrides, devices, reporter, same, began):
    """Prepare a run.

    Args:
        arguments: of the command line.
        overrides: `Overrides` that it makes.
        devices: of `devices.open_devices`.
        reporter: `Reporter`.
        same: `SameRun`.
        began: when the command began, by `time.monotonic`.

    Returns:
        `Prepared`.

    Raises:
        ValueError: if the workdir holds another run or one of other data, or there is nothing that can be trained.
    """
    same.look_at_settings([recipe.name for recipe in _may_be_trained(arguments, overrides)])
    if arguments.recipe:
        take_recorded_weights(arguments, recipes.chain(arguments.recipe, overrides))
        made = _made(arguments, arguments.recipe, _longer(arguments, arguments.recipe, overrides), overrides)
        anew = same.look(made.chain, made.decisions)
        return _made(arguments, arguments.recipe, overrides, overrides) if anew else made
    planner = _planner(arguments, overrides, devices, reporter, same, began)
    take_recorded_weights(arguments, recipes.chain(planner.recipe))
    begun = planner.begun_overrides()
    if begun is not None:
        made = _made(arguments, planner.recipe, _longer(arguments, planner.recipe, begun), overrides)
        if same.look(made.chain, made.decisions):
            planner = Planner(arguments, overrides, devices, reporter, began)
    weights = _weights(arguments, planner.recipe, overrides)
    name, chosen = planner.plan(weights, goes_on_changed=same.goes_on_changed)
    chosen = _longer(arguments, name, chosen)
    made = Prepared(arguments, recipes.chain(name, chosen), chosen, weights, planner.reasons, planner.expected)
    if begun is None and same.look(made.chain, made.decisions):
        return replace(made, weights=_weights(arguments, name, overrides))
    return made


def _planner(arguments, overrides, devices, reporter, same, began):
    """Make the planner. A run in minutes that is to be trained for longer is set aside before."""
    made = Planner(arguments, overrides, devices, reporter, began)
    if made.begun is None:
        if arguments.extend and arguments.minutes:
            raise ValueError(
                f"{arguments.workdir} holds no run in minutes that could be trained for longer. Leave --extend out."
            )
        return made
    finished = Stage(arguments.workdir / made.recipe).finished()
    if arguments.extend and arguments.minutes and (finished or made.begun.minutes != arguments.minutes):
        train_on(arguments, made.recipe, same)
        return Planner(arguments, overrides, devices, reporter, began)
    go_on_from(arguments, made.recipe)
    return made


def _longer(arguments, name, chosen):
    """Return the overrides, by which a run goes on to more steps where that was asked for."""
    return extended(chosen, name, arguments.workdir) if arguments.extend and not arguments.minutes else chosen


def _may_be_trained(arguments, overrides):
    """List the recipes of all stages that may come of the command."""
    if arguments.recipe:
        return recipes.chain(arguments.recipe, overrides)
    model = arguments.model or "fcn8s"
    names = (recipe_of(model, hha=has_hha(arguments.data)), f"folder_{model}")
    return [recipe for name in names for recipe in recipes.chain(name)]


def _made(arguments, name, chosen, given):
    weights = _weights(arguments, name, given)
    return Prepared(arguments, recipes.chain(name, chosen), chosen, weights)


def _weights(arguments, name, given):
    return start_weights(
        arguments.workdir,
        name,
        width=given.width,
        given=arguments.weights,
        preprocessing=arguments.weights_preprocessing,
    )
