"""`fcn-train`: train a recipe, and the recipes it starts from, in a workdir that a later call continues."""

import contextlib
import functools
import importlib.util
import shutil
import sys
import time

from fcn_keras_console import Interrupted, require_tensorflow, run, start_tensorflow
from fcn_keras_console.disk_errors import naming
from fcn_keras_console.files import write_json
from fcn_keras_console.next_step import next_lines, say_next
from fcn_keras_console.words import percent

from ..workdir.checkpoint import Position, verify
from ..workdir.lock import alone
from ..workdir.run_record import RunRecord, sealed
from ..workdir.stage import Stage
from .options import build_parser, check_options, overrides_of, require_training
from .reporter import Reporter
from .signals import Signals


def main(argv=None):
    arguments = build_parser().parse_args(argv)
    arguments.words = sys.argv[1:] if argv is None else list(argv)
    with Signals() as signals:
        return run("fcn-train", functools.partial(_stoppable, signals), arguments)


def _stoppable(signals, arguments):
    """Train; a signal that stops it leaves the command that goes on, which is the same one."""
    try:
        return _train(signals, arguments)
    except Interrupted as stopped:
        if not arguments.process:  # of several, the one that leads
            stopped.below = next_lines(arguments, "fcn-train", *arguments.words)
        raise


def _train(signals, arguments):
    began = time.monotonic()
    check_options(arguments)
    overrides = overrides_of(arguments)
    require_tensorflow()
    if importlib.util.find_spec("tensorboard") is None:  # TensorFlow says so only when the first epoch ends
        raise ImportError('TensorBoard, which takes the curves, is missing: pip install "tensorboard>=2.20,<3"')
    start_tensorflow()
    import keras

    from .devices import open_devices, repeat_bits

    require_training(keras.backend.backend())
    together = {name: getattr(arguments, name) for name in ("devices", "coordinator", "processes", "process")}
    repeat_bits()
    devices = open_devices(**together)  # before anything computes
    from ..recipes.overrides import Overrides
    from .opened_data import OpenedData
    from .preparation import prepare
    from .same_run import SameRun

    reporter = Reporter(lead=devices.lead, as_json=arguments.json, quiet=arguments.quiet, logged=arguments.verbose)
    signals.say = reporter.tell_signal
    name, overrides = arguments.recipe, Overrides(**overrides)
    opened = OpenedData(arguments.data, reporter, verified=name is None)
    same = SameRun(arguments.workdir, opened, devices, reporter, arguments)
    with alone(arguments.workdir) if devices.lead else contextlib.nullcontext():
        prepared = prepare(arguments, overrides, devices, reporter, same, began)
        training = _Training(prepared, devices, signals, reporter, opened, same)
        for recipe in prepared.chain:
            devices.check(recipe)
        with reporter.showing(prepared.chain, prepared.expected):
            for recipe in prepared.chain:
                training.train(recipe)
            training.clear()
        if devices.lead:
            say_next(arguments, "fcn-evaluate", Stage(arguments.workdir / prepared.chain[-1].name).folder)


class _Training:
    """One call of the command: what all its stages share."""

    def __init__(self, prepared, devices, signals, reporter, opened, same):
        self.arguments = prepared.arguments
        self.chain = prepared.chain
        self.weights = prepared.weights
        self.reasons = prepared.reasons
        self.decisions = prepared.decisions
        self.devices = devices
        self.signals = signals
        self.reporter = reporter
        self.opened = opened
        self.same = same

    def train(self, recipe):
        from fcn_keras.interface import heads_of
        from fcn_keras.scaled_inference import remember_photographs

        from ..scoring.class_colors import colors_of
        from .fit import fit
        from .measurement import dtype_policy
        from .photographs import trained_photographs
        from .watchdog import learning_rate_advice

        arguments, reporter = self.arguments, self.reporter
        stage = Stage(arguments.workdir / recipe.name)
        reporter.begin(recipe)
        splits = self.opened.examples(recipe)
        self.opened.read(recipe)
        self.agree(recipe, stage, splits)
        self.same.go_on(recipe)
        self.devices.agree({"what it goes on with": recipe.name})  # the leading process may have written it down
        stage.require_same(self.decisions(recipe))
        if stage.finished():
            sentence = f"{recipe.name}: finished before, {stage.best}"
            reporter.report("finished", sentence, stage=recipe.name, best=str(stage.best))
            return
        if not arguments.no_watchdog and (advice := learning_rate_advice(recipe)):
            reporter.warn(f"fcn-train: watchdog: {advice}")
        before = self.to_beat(recipe)
        with naming(stage.folder), dtype_policy(recipe.dtype_policy):
            started = time.monotonic()
            model, position = self.model(recipe, stage, splits["train"])
            remember_photographs(model, trained_photographs(recipe, splits["train"]))
            if self.devices.lead:
                stage.open(
                    self.decisions(recipe),
                    heads_of(splits["train"].class_names),
                    self.reasons,
                    colors=colors_of(splits["train"]),
                    listed=self.opened.listed(recipe),
                    starts_from={name: self.run_of(name) for name in recipe.sources.values()},
                )
                stage.promote_better(position.batches)
            history = fit(
                recipe,
                stage,
                model,
                splits,
                self.devices,
                position,
                signals=self.signals,
                minutes=arguments.checkpoint_minutes,
                watched=not arguments.no_watchdog,
                logged=arguments.verbose,
                before=before,
                maps=self.maps(recipe),
                unchanged=functools.partial(self.opened.require_unchanged, recipe, stage)
                if self.devices.lead
                else None,
                callbacks=[*self.followed(recipe, stage, position, splits["val"]), *self.logs(stage)],
            )
        if self.devices.lead:
            self.close(recipe, stage, history, before, time.monotonic() - started)
        self.devices.agree({"the end of a stage": recipe.name})  # the others read what the leading process wrote

    def to_beat(self, recipe):
        """Find and report the stage whose model is kept if this one makes none that is better."""
        from .predecessor import predecessor

        before = predecessor(recipe, self.chain, self.arguments.workdir)
        if before:
            sentence = f"{recipe.name}: to beat: mean IU {percent(before.mean_iu)} % of {before.name}"
            self.reporter.report("to beat", sentence, stage=recipe.name, before=before.name, mean_iu=before.mean_iu)
        return before

    def maps(self, recipe):
        """Return where the feature maps of frozen layers are kept, and what decides them besides the recipe."""
        decided = self.decisions(recipe)
        names = ("weights", "weights_preprocessing")
        return {
            "folder": self.arguments.workdir / "maps",
            "decided_by": {name: decided[name] for name in names} | {"content": self.opened.listed(recipe).digests},
            "phase": self.reporter.phase,
        }

    def clear(self):
        """Remove the feature maps, once no stage needs them any more."""
        if self.devices.lead:
            shutil.rmtree(self.arguments.workdir / "maps", ignore_errors=True)

    def followed(self, recipe, stage, position, examples):
        """Return what `fit` calls to report a stage, which goes on from `position`."""
        from .fit import scores_before
        from .sources import spaced

        if not self.devices.lead:
            return []
        return self.reporter.callbacks(
            done=position.batches,
            mean_ious=scores_before(recipe, stage, position),
            validation_images=len(spaced(examples, recipe.validation_images)),
        )

    def close(self, recipe, stage, history, before, seconds):
        """Write down that a stage is finished, and how well."""
        best = max(history, key=lambda row: row["val_mean_iu"])
        summary = {
            "recipe": recipe.name,
            "run": stage.run.id,
            "best": best,
            "last": history[-1],
            "seconds": round(seconds, 1),
        }
        reached = f"mean IU {percent(best['val_mean_iu'])} % after epoch {best['epoch'] + 1}"
        sentence = f"{recipe.name}: {reached}, {stage.best}"
        facts = {"mean_iu": best["val_mean_iu"], "epoch": best["epoch"], "seconds": summary["seconds"]}
        if before and before.mean_iu >= best["val_mean_iu"]:
            summary |= {"best": before.row, "kept": before.name}
            sentence = f"{recipe.name}: {reached} does not beat {percent(before.mean_iu)} % of {before.name}"
            sentence += f", whose model is kept, {stage.best}"
            facts |= {"mean_iu": before.mean_iu, "epoch": before.row["epoch"], "kept": before.name}
        if len(history) < recipe.epochs:
            summary["ended"] = facts["ended"] = f"{recipe.patience} epochs were no better"
            sentence += f"; ended after epoch {len(history)} of {recipe.epochs}: {summary['ended']}"
        write_json(stage.summary, sealed(summary))
        self.reporter.report("finished", sentence, stage=recipe.name, best=str(stage.best), **facts)

    def logs(self, stage):
        """Return what `fit` calls to log a stage elsewhere than in its folder."""
        if self.arguments.log is None or not self.devices.lead:
            return []
        from .mlflow_log import MLflowLog

        return [MLflowLog(stage)]

    def agree(self, recipe, stage, splits):
        """Make sure that all processes are about to do the same; before the leading one writes anything."""
        from ..recipes.recipe import describe

        sizes = {name: len(split) for name, split in splits.items()}
        self.devices.agree({"the recipe": describe(recipe), "the number of images": sizes})
        self.devices.agree({"the data": self.opened.listed(recipe).digests})
        # Looked at only now that every process is here: the leading one may have been writing still.
        self.devices.agree({"what the workdir holds": [stage.finished(), stage.started()]})

    def run_of(self, name):
        """Return the id of the run of a stage, None where it has none."""
        record = RunRecord.of(Stage(self.arguments.workdir / name))
        return record and record.id

    def model(self, recipe, stage, examples):
        """Continue the last checkpoint, or build the model from what the recipe starts with.

        Returns:
            the model, and the `Position` where it stands.
        """
        import keras

        from .compiling import renew_rate
        from .extension import was_extended

        keras.utils.set_random_seed(recipe.seed)
        with self.devices.scope():
            if not stage.started():
                return self.start(recipe, examples), Position()
            path, position, complaint = stage.checkpoint()
            if complaint:
                self.reporter.warn(f"{complaint} Going on from {path}.")
            sentence = f"{recipe.name}: going on after batch {position.batches} of {recipe.steps}"
            facts = {"batches": position.batches, "steps": recipe.steps}
            self.reporter.report("going on", sentence, stage=recipe.name, **facts)
            model = _load(path)
            if was_extended(stage):
                renew_rate(model, recipe)
            return model, position

    def start(self, recipe, examples):
        """Build a stage's model, give it what it starts with, and compile it."""
        import fcn_keras as fcn

        from .compiling import compile_model, freeze

        model = recipe.model(examples.num_classes, **recipe.model_options)
        for suffix, source in recipe.sources.items():
            fcn.transplant(_load(Stage(self.arguments.workdir / source).best), model, suffix=suffix)
        weights = self.weights
        if not recipe.sources and (recipe.imagenet or weights.path):
            loaded = fcn.load_imagenet(model, weights.path, preprocessing=weights.preprocessing)
            self.reporter.report("weights", str(loaded), stage=recipe.name, told=str(loaded))
        freeze(model, recipe)
        compile_model(model, recipe, examples.num_classes)
        model.optimizer.build(model.trainable_variables)  # or TensorFlow traces the first step twice
        own = str(weights.path) if weights.is_network else "ImageNet weights" if recipe.imagenet else "random weights"
        origin = " and ".join(recipe.sources.values()) or own
        sentence = f"{recipe.name}: {recipe.steps} steps, starting from {origin}"
        self.reporter.report("training", sentence, stage=recipe.name, steps=recipe.steps, start=origin)
        return model


def _load(path):
    from fcn_keras import keras_files

    try:
        verify(path)
        return keras_files.load_model(path, compile=True)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read ({error}). Remove it to train that stage anew.") from None
