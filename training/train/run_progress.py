"""Where a run stands, and how long the rest of it takes."""

import collections
import contextlib
import time
from typing import NamedTuple

from fcn_keras_console.words import duration

RECENT = 100  # steps, and
RECENT_ENDS = 3  # ends of epochs, whose mean is what the next ones are expected to take
FORWARD = 1 / 3  # of a step is its forward part: what an image costs in validation before that was measured


class Expected(NamedTuple):
    """Seconds that a stage is planned to take, where that was measured beforehand.

    Attributes:
        before: what comes before its first step, such as feature maps.
        step: one step.
        end: the end of an epoch.
    """

    before: float
    step: float
    end: float


class Phase:
    """Work that is counted, such as computing feature maps, and that is no training.

    Attributes:
        done: how much of `total` is done.
        began: when, by the run's clock.
    """

    def __init__(self, name, total, began):
        self.name, self.total, self.began = name, total, began
        self.done = 0

    def advance(self, count=1):
        """Count what was done."""
        self.done += count


class StageProgress:
    """Where one stage stands.

    Attributes:
        number: of the stage in its run, from 1 on.
        expected: its `Expected`, or None.
        steps, epochs: planned.
        done, ended: how many steps are done, and how many epochs with their validation.
        scored: validation images scored since the last step, of `validation_images`.
        loss: mean of the epoch so far, or None.
        mean_ious: on the validation split, of every epoch that ended.
    """

    def __init__(self, recipe, number, expected):
        self.name, self.number, self.expected = recipe.name, number, expected
        self.steps, self.epochs, self.batch_size = recipe.steps, recipe.epochs, recipe.batch_size
        self.steps_per_epoch = recipe.steps_per_epoch
        self.done = self.ended = self.scored = self.validation_images = 0
        self.loss = None
        self.mean_ious = []

    @property
    def ending(self):
        """Whether all steps of an epoch are done, and its validation is not."""
        return self.done == (self.ended + 1) * self.steps_per_epoch

    @property
    def batch(self):
        """How many batches of the epoch are done; of the last one, where all epochs ended."""
        return self.done - min(self.ended, self.epochs - 1) * self.steps_per_epoch

    @property
    def best(self):
        """Number from 0 on of the epoch with the highest mean IU, the first of equals; None before the first."""
        return self.mean_ious.index(max(self.mean_ious)) if self.mean_ious else None


class RunProgress:
    """Count what a run does, and estimate the rest from what that took.

    A step's time is from the end of the step before: it includes waiting for the batch and checkpoints within an epoch.
    An epoch's end is validation, checkpoint and pictures. The first step of a stage, which compiles, does not count.
    Before a stage was measured, it is taken to be as fast as expected, or else as the last that was measured.

    Args:
        recipes: of the stages, in order.
        clock: returns seconds.
        expected: `Expected` by the names of stages; none is needed.

    Attributes:
        stage: the `StageProgress` of the current stage; None before the first.
        phase: the `Phase` that runs, or None.
        step_seconds: what a step of the current stage takes; None before one was measured.
    """

    def __init__(self, recipes, clock=time.monotonic, expected=None):
        self.stages = [
            StageProgress(recipe, i, (expected or {}).get(recipe.name)) for i, recipe in enumerate(recipes, 1)
        ]
        self.clock = clock
        self.stage = self.phase = self.step_seconds = self._end_seconds = None
        self._last_step = self._last_end = None  # of the stages so far

    def begin(self, name):
        """Begin a stage; those before it are over."""
        self.stage = next(stage for stage in self.stages if stage.name == name)
        self._steps, self._ends = collections.deque(maxlen=RECENT), collections.deque(maxlen=RECENT_ENDS)
        self.step_seconds = self._end_seconds = None
        self._first, self._trains, self._mark = True, False, self.clock()

    def go_on(self, done, mean_ious, validation_images):
        """Say where the current stage stands before it trains.

        Args:
            done: its steps that were done before, in earlier runs.
            mean_ious: of its epochs that ended before.
            validation_images: how many are scored after an epoch.
        """
        self.stage.done, self.stage.ended, self.stage.mean_ious = done, len(mean_ious), list(mean_ious)
        self.stage.validation_images = validation_images

    def begin_epoch(self):
        self._trains, self._mark, self.stage.scored = True, self.clock(), 0

    def step(self, loss):
        """Count a step; `loss` is the mean of the epoch so far."""
        now = self.clock()
        if not self._first:
            self._steps.append(now - self._mark)
            self.step_seconds = self._last_step = sum(self._steps) / len(self._steps)
        self._first = False
        self._mark = now
        self.stage.done += 1
        self.stage.loss = loss

    def score(self):
        """Count a validation image."""
        self.stage.scored += 1

    def end_epoch(self, loss, mean_iu):
        now = self.clock()
        self._ends.append(now - self._mark)
        self._end_seconds = self._last_end = sum(self._ends) / len(self._ends)
        self._mark = now
        self.stage.loss, self.stage.scored = loss, 0
        self.stage.mean_ious.append(mean_iu)
        self.stage.ended += 1

    @contextlib.contextmanager
    def counting(self, name, total):
        """Count work that is no training; `with progress.counting(...) as phase: ...; phase.advance()`."""
        self.phase = Phase(name, total, self.clock())
        try:
            yield self.phase
        finally:
            self.phase = None

    @property
    def measured(self):
        """How many steps of the stage were measured, of the last `RECENT`."""
        return len(self._steps)

    @property
    def is_over(self):
        """Whether the last epoch of the last stage ended: what comes then is short, and not counted."""
        return self.stage is self.stages[-1] and self.stage.ended == self.stage.epochs

    def phase_left(self):
        """Return the seconds that the phase still takes: 0.0 if there is none, None before its first part is done."""
        phase = self.phase
        if phase is None:
            return 0.0
        if not phase.done:
            return None
        return (self.clock() - phase.began) * max(0, phase.total - phase.done) / phase.done

    def stage_left(self):
        """Return the seconds that the stage still takes, its phases included; None before they can be told."""
        stage, before = self.stage, self._before()
        step = self._step(stage)
        if before is None or step is None:
            return None
        end = self._end(stage)
        left = (stage.steps - stage.done) * step + (stage.epochs - stage.ended) * end
        if self._trains and self.phase is None and left:  # what runs now is done in part
            left -= min(self.clock() - self._mark, end if stage.ending else step)
        return before + max(0.0, left)

    def run_left(self):
        """Return the seconds that this stage and those after it still take; None before they can be told."""
        left = self.stage_left()
        for stage in self.stages[self.stage.number :]:
            step = self._step(stage)
            if left is None or step is None:
                return None
            before = stage.expected.before if stage.expected else 0.0
            left += before + stage.steps * step + stage.epochs * self._end(stage)
        return left

    def _before(self):
        """Return the seconds until the stage trains, or goes on to; None if that cannot be told."""
        phase, expected = self.phase_left(), self.stage.expected
        if self._trains or expected is None:
            return phase
        return max(phase or 0.0, expected.before - (self.clock() - self._mark))

    def _step(self, stage):
        """Return the seconds that a step takes, None if none was measured or expected."""
        measured = self.step_seconds  # read once: a display draws from another thread
        if stage is self.stage and measured is not None:
            return measured
        return stage.expected.step if stage.expected else self._last_step

    def _end(self, stage):
        """Return the seconds that the end of an epoch takes: measured, or from its part that is done, or guessed."""
        now, measured, scored = self.stage, self._end_seconds, stage.scored
        if stage is now and measured is not None:
            return measured
        if stage is now and stage.ending and scored:
            return (self.clock() - self._mark) * max(1, stage.validation_images / scored)
        if stage.expected:
            return stage.expected.end
        if self._last_end is not None:
            return self._last_end
        if stage is not now:  # which images it validates on is not known yet: as many as this one
            return self._end(now)
        return self._step(stage) * FORWARD * stage.validation_images / stage.batch_size


def step_duration(seconds):
    """Write a step's seconds as `23 ms` or `1.31 s`."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.1 else f"{seconds:.3g} s"


def rounded(seconds):
    """Write seconds that are left in whole ones, or in minutes."""
    return f"{seconds:.0f} s" if seconds < 119.5 else duration(max(120, seconds))
