"""What `fcn-train` says: sentences and Keras's bar, or a JSON object a line for machines."""

import json
import sys


class Voice:
    """Say what a run does, on stdout, in the process that leads.

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

    def __call__(self, event, sentence, **facts):
        """Say a sentence, or with `as_json` the event and its facts, JSON-able."""
        if not self.lead:
            return
        print(json.dumps({"event": event, **facts}) if self.as_json else sentence, flush=True)

    def warn(self, sentence):
        """Say a sentence on stderr."""
        if self.lead:
            print(sentence, file=sys.stderr, flush=True)

    def plan(self, directory, plan):
        """Show what was chosen, and why, before it starts."""
        width = max(len(what) for what, _ in plan.told)
        lines = [f"  {what:<{width}}  {why}" for what, why in plan.told]
        title = f"{directory}: chosen from what is there; the options of fcn-train overrule it"
        facts = {"recipe": plan.recipe, "overrides": plan.overrides, "reasons": dict(plan.told)}
        self("plan", "\n".join([title, *lines]), **facts)

    def callbacks(self, recipe):
        """Return what `fit` calls to say it, none where Keras's own lines do."""
        import keras

        from .callbacks import flat

        def epoch(number, logs):
            logs = {name: float(value) for name, value in flat(logs)}
            self("epoch", "", stage=recipe.name, epoch=number, **logs)

        return [keras.callbacks.LambdaCallback(on_epoch_end=epoch)] if self.as_json else []
