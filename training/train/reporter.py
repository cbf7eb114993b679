"""What `fcn-train` reports: sentences and a display, a line an epoch, or a JSON object a line for machines."""

import contextlib
import json
import sys
import time

from fcn_keras_console.printing import drawn_on
from fcn_keras_console.words import percent

from .run_progress import RunProgress, rounded, step_duration

CORRECTED = 10  # steps after which the time of the whole run is told,
WORTH_TELLING = 60  # if it is so many seconds


class Reporter:
    """Report what a run does, on stdout, in the process that leads.

    Args:
        lead: whether this process is the one.
        as_json: one JSON object a line, `{"event": ...}`, and nothing else.
        quiet: sentences only.
        logged: whether every batch is logged.
        console: rich's, of a terminal; None for stdout's.
        clock: returns seconds.

    Attributes:
        live: whether a `Display` shows the run: on a terminal, unless batches are logged. Elsewhere an epoch is a line.
        progress: the `RunProgress` while `showing` runs.
    """

    def __init__(self, *, lead, as_json=False, quiet=False, logged=False, console=None, clock=time.monotonic):
        self.lead, self.as_json = lead, as_json
        self.quiet = quiet or as_json
        self.clock = clock
        self.console = None if self.quiet or logged or not lead else console or _terminal()
        self.progress = self._display = None
        self._corrected = False

    @property
    def live(self):
        return self.console is not None

    def report(self, event, sentence, **facts):
        """Print a sentence, or with `as_json` the event and its facts, JSON-able."""
        if self.lead:
            print(json.dumps({"event": event, **facts}) if self.as_json else sentence, flush=True)

    def warn(self, sentence):
        """Print a sentence on stderr."""
        if self.lead:
            print(sentence, file=sys.stderr, flush=True)

    def tell_signal(self, sentence):
        """Print a sentence on stderr from a signal's handler, also amid another print."""
        if self._display is None:
            print(sentence, file=sys.stderr, flush=True)
        else:
            self._display.waiting.append(sentence)

    def plan(self, directory, plan):
        """Show what was chosen, and why, before it starts."""
        width = max(len(what) for what, _ in plan.reasons)
        lines = [f"  {what:<{width}}  {why}" for what, why in plan.reasons]
        title = f"{directory}: chosen from what is there; the options of fcn-train overrule it"
        facts = {"recipe": plan.recipe, "overrides": plan.overrides.as_json(), "reasons": dict(plan.reasons)}
        self.report("plan", "\n".join([title, *lines]), **facts)

    @contextlib.contextmanager
    def showing(self, recipes, expected=None):
        """Show the run of these recipes while the body runs.

        Args:
            expected: what their stages are planned to take, `run_progress.Expected` by name, where it was measured.
        """
        self.progress = RunProgress(recipes, self.clock, expected)
        if not self.live:
            yield
            return
        from .display import Display

        with Display(self.progress, self.console) as display:
            self._display = display
            try:
                yield
            finally:
                self._display = None

    def begin(self, recipe):
        """Show that a recipe's stage begins, and that those before it are over."""
        self.progress.begin(recipe.name)

    @contextlib.contextmanager
    def phase(self, name, total):
        """Show work of a stage that is no training, and count it in the time that is left.

        Args:
            name: what is done, such as `"computing the feature maps of 160 images"`.
            total: how much of it there is.

        Yields:
            a function that is called with how much was done since its last call, by default 1.
        """
        if not (self.live or self.quiet):
            print(f"{self.progress.stage.name}: {name}", flush=True)
        with self.progress.counting(name, total) as phase:
            yield phase.advance

    def callbacks(self, *, done, mean_ious, validation_images):
        """Return what `fit` calls to follow a stage from where it stands.

        Args:
            done: steps that were done before.
            mean_ious: on the validation split, of the epochs that ended before.
            validation_images: how many are scored after an epoch.
        """
        import keras

        progress = self.progress
        progress.go_on(done, mean_ious, validation_images)
        return [
            keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: progress.begin_epoch(),
                on_train_batch_end=lambda batch, logs: self._step(logs),
                on_test_batch_end=lambda batch, logs: progress.score(),
                on_epoch_end=self._epoch,
            )
        ]

    def _step(self, logs):
        progress = self.progress
        progress.step(float(logs["loss"]))
        if self._corrected or progress.measured < CORRECTED:
            return
        self._corrected = True
        left = progress.run_left()
        if left >= WORTH_TELLING and not self.as_json:
            took = step_duration(progress.step_seconds)
            print(f"{progress.stage.name}: {took} a step, {rounded(left)} left of the whole run", flush=True)

    def _epoch(self, number, logs):
        from .callbacks import flat, mean_iu

        logs = {name: float(value) for name, value in flat(logs)}
        progress = self.progress
        progress.end_epoch(logs["loss"], mean_iu(logs))
        left = progress.run_left()
        if self.as_json:
            seconds = None if left is None else round(left, 1)
            self.report("epoch", "", stage=progress.stage.name, epoch=number, **logs, seconds_left=seconds)
        elif not (self.live or self.quiet):
            stage = progress.stage
            scores = f"loss {stage.loss:.4g}, mean IU {percent(stage.mean_ious[-1])} %"
            ends = "" if left is None or progress.is_over else f", {rounded(left)} left"
            print(f"{stage.name}: epoch {stage.ended} of {stage.epochs}, {scores}{ends}", flush=True)


def _terminal():
    """Return rich's console if stdout is a terminal that it can draw on, else None."""
    if not sys.stdout.isatty():
        return None
    from rich.console import Console

    console = Console(file=drawn_on(sys.stdout))
    return None if console.is_dumb_terminal or console.legacy_windows else console
