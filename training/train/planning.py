"""Plan a run on one's own folder: look it over, and choose by minutes or by steps."""

import functools
import time
from dataclasses import replace

import keras

from fcn_keras_console import Progress
from fcn_keras_console.workdir import decisions_beside

from ..doctor.examination import examination
from ..recipes import catalogue
from ..recipes.readers import folder, folder_with_hha, has_hha
from ..workdir.stage import Stage
from . import quick
from .budget import MINUTES
from .detail import choose_detail
from .devices import is_processor
from .plan import MODELS, chosen_precision, overrides_from, plan

BRIEF = 3  # minutes, of which it would take too many to measure half precision: the machine's kind decides then
LITTLE = 5  # minutes, of which measuring larger pictures would take too many,
SMALL = 256  # pixels of a side that is measured then


class Planner:
    """The plan of one call of the command.

    Args:
        arguments: of the command line.
        given: `Overrides` that it makes.
        devices: of `devices.open_devices`.
        reporter: `Reporter`.
        began: when the command began, by `time.monotonic`.

    Attributes:
        recipe: name of the recipe that is planned.
        reasons: what was chosen and why, by what it is about.
        expected: what the stages are planned to take, `Expected` by name, where that was measured.
    """

    def __init__(self, arguments, given, devices, reporter, began):
        self.arguments = arguments
        self.given = given
        self.devices = devices
        self.reporter = reporter
        self.began = began
        self.model = arguments.model or "fcn8s"
        self.hha = has_hha(arguments.data)
        quick_recipe = quick.recipe_of(self.model, hha=self.hha)
        self.reasons, self.expected = {}, {}
        self.begun = quick.begun(arguments.workdir, quick_recipe, arguments.data, arguments.minutes, given.most_pixels)
        self.by_steps = None if self.begun else _begun(arguments.workdir)
        # Both of these were planned by steps alone, and go on so.
        by_steps = self.by_steps is not None and ("held_out" in self.by_steps or given.dtype_policy is not None)
        processor = not by_steps and devices.count == 1 and is_processor()
        self.by_minutes = quick.suits(given, arguments.minutes, processor=processor) or self.begun is not None
        self.recipe = quick_recipe if self.by_minutes else f"folder_{self.model}"

    def begun_overrides(self):
        """Return the overrides of the run that was begun in the workdir, with those given now; None if none was."""
        if self.begun is not None:
            changed = self.given.given() | ({"minutes": self.arguments.minutes} if self.arguments.minutes else {})
            return replace(self.begun, **changed)
        if self.by_minutes or self.by_steps is None:
            return None
        begun = replace(overrides_from(self.by_steps), **self.given.given())
        return begun if self.given.steps is None else replace(begun, stages={})  # which were planned without

    def plan(self, weights, goes_on_changed=False):
        """Look the folder over, and return the recipe's name and the overrides that are planned for it.

        A run that was planned in minutes goes on as it was planned: nothing is measured again.

        Args:
            weights: `StartWeights`.
            goes_on_changed: whether a run goes on with other data than it was planned for, and keeps its plan.
        """
        examined = self.examined()
        begun = self.begun_overrides()
        if self.begun is not None or (goes_on_changed and (begun.steps or self.recipe in begun.stages)):
            return self.recipe, begun
        ids = {
            split: [examined.layout.pairs[index].key for index in indices]
            for split, indices in examined.layout.splits.items()
        }
        chosen = self.in_minutes(examined, ids) if self.by_minutes else self.in_steps(examined, ids, weights)
        self.reasons, self.expected = dict(chosen.reasons), chosen.expected
        self.reporter.plan(self.arguments.data, chosen)
        if chosen.warning:
            self.reporter.warn(f"fcn-train: {chosen.warning}")
        return chosen.recipe, chosen.overrides

    def examined(self):
        """Look the folder over, as `fcn-doctor` does."""
        with Progress("Looking it over", "pairs", quiet=self.reporter.quiet) as progress:
            return examination(self.arguments.data, **self.reading(), progress=progress)

    def detail(self, sizes, held_out):
        """Choose how small the images may become, from the masks to train on."""
        split = (self.given.splits or ("train",))[0]
        reading = held_out | self.reading()

        def open_folder(most_pixels):
            return folder(self.arguments.data, split, most_pixels=most_pixels, **reading)

        with Progress("Looking at the masks' detail", "masks", quiet=self.reporter.quiet) as progress:
            return choose_detail(open_folder, sizes, progress)

    def measured(self, batch_size, num_classes, size):
        """Measure the machine, with a word: on a busy one it takes minutes."""
        from .measurement import measure

        minutes = self.arguments.minutes or MINUTES
        if minutes < LITTLE:
            size = tuple(min(side, SMALL) for side in size)
        sentence = "Measuring the machine, which takes twenty seconds on one that does nothing else."
        self.reporter.report("measuring", sentence)
        brief = minutes < BRIEF
        policy = chosen_precision(self.given)[0] if brief or self.given.dtype_policy else None
        stages = [replace(recipe, batch_size=batch_size) for recipe in catalogue.chain(self.recipe)]
        with Progress("Measuring", "parts", quiet=self.reporter.quiet, logged=True, every=3) as shown:

            def progress(what, done, total):
                shown.title = f"Measuring {what}"
                shown(done, total)

            return measure(stages, num_classes, size, brief=brief, policy=policy, progress=progress)

    def reading(self):
        """Return how the masks are read, as it was given."""
        given = self.given.given()
        return {name: given[name] for name in ("classes", "ignore_label") if name in given}

    def require_hha(self, splits):
        """Refuse a split without HHA images; the doctor has read those that are there."""
        for split in splits:
            folder_with_hha(self.arguments.data, None if split == "all" else split, **self.reading())

    def in_steps(self, examined, ids, weights):
        made = plan(
            examined.report,
            ids,
            self.model,
            self.given,
            near_duplicates=examined.near_duplicates,
            begun=self.by_steps,
            pretrained=weights.is_network,
            devices=self.devices.count,
            pads=keras.backend.backend() == "jax",
        )
        left = (("depth", f"the HHA images of {self.arguments.data} are left out: --minutes trains on them"),)
        return replace(made, reasons=made.reasons + left) if self.hha else made

    def in_minutes(self, examined, ids):
        if self.hha and not examined.report.errors:
            self.require_hha([split for split in self.given.splits or ("train", "val", "all") if split in ids])
        return quick.quick_plan(
            examined.report,
            ids,
            self.recipe,
            self.given,
            minutes=self.arguments.minutes or MINUTES,
            spent=time.monotonic() - self.began,
            workdir=self.arguments.workdir,
            measure=self.measured,
            detail=functools.partial(self.detail, examined.report.sizes),
            near_duplicates=examined.near_duplicates,
        )


def _begun(workdir):
    """Return the overrides of a run by steps, None if none was begun in the workdir."""
    for model in MODELS:
        stage = Stage(workdir / f"folder_{model}")
        overrides = decisions_beside(stage.best).get("overrides", {}) if stage.begun() else {}
        if "learning_rate" in overrides:  # it was planned
            return overrides
    return None
