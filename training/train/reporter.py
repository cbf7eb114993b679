"""What `fcn-train` reports: sentences and Keras's bar, or a JSON object a line for machines."""

import json
import sys


class Reporter:
    """Report what a run does, on stdout, in the process that leads.

    Args:
        lead: whether this process is the one.
        as_json: one JSON object a line, `{"event": ...}`, and nothing else.
        quiet: no bar.
        logged: whether every batch is logged.

    Attributes:
        verbose: as for `keras.Model.fit`: off a terminal, and where batches are logged, one line an epoch instead of a
            bar.
    """

    def __init__(self, *, lead, as_json=False, quiet=False, logged=False):
        self.lead, self.as_json = lead, as_json
        self.quiet = quiet or as_json
        self.verbose = 0 if self.quiet else 1 if sys.stdout.isatty() and not logged else 2

    def report(self, event, sentence, **facts):
        """Print a sentence, or with `as_json` the event and its facts, JSON-able."""
        if self.lead:
            print(json.dumps({"event": event, **facts}) if self.as_json else sentence, flush=True)

    def warn(self, sentence):
        """Print a sentence on stderr."""
        if self.lead:
            print(sentence, file=sys.stderr, flush=True)

    def plan(self, directory, plan):
        """Show what was chosen, and why, before it starts."""
        width = max(len(what) for what, _ in plan.reasons)
        lines = [f"  {what:<{width}}  {why}" for what, why in plan.reasons]
        title = f"{directory}: chosen from what is there; the options of fcn-train overrule it"
        facts = {"recipe": plan.recipe, "overrides": plan.overrides.as_json(), "reasons": dict(plan.reasons)}
        self.report("plan", "\n".join([title, *lines]), **facts)

    def callbacks(self, recipe):
        """Return what `fit` calls to report every epoch, none where Keras's own lines do."""
        import keras

        from .callbacks import flat

        def epoch(number, logs):
            logs = {name: float(value) for name, value in flat(logs)}
            self.report("epoch", "", stage=recipe.name, epoch=number, **logs)

        return [keras.callbacks.LambdaCallback(on_epoch_end=epoch)] if self.as_json else []
