"""`fcn-train`: train a recipe, and the recipes it starts from, in a workdir that a later call continues."""

import contextlib
import functools
import importlib.util
import time

from fcn_keras_console import Progress, run
from fcn_keras_console.options import classes_of

from ..workdir.lock import alone
from .options import buckets_of, weights_of
from .options import parser as _parser
from .reporter import Voice
from .signals import Signals


def main(argv=None):
    arguments = _parser().parse_args(argv)
    with Signals() as signals:
        return run("fcn-train", functools.partial(_train, signals), arguments, tensorflow=True)


def _train(signals, arguments):
    from .devices import open_devices, repeat_bits

    if importlib.util.find_spec("tensorboard") is None:  # TensorFlow says so only when the first epoch ends
        raise ImportError('TensorBoard, which takes the curves, is missing: pip install "tensorboard>=2.20,<3"')
    together = {name: getattr(arguments, name) for name in ("devices", "coordinator", "processes", "process")}
    repeat_bits()
    devices = open_devices(**together)  # before anything computes
    from ..recipes import catalogue as recipes

    names = (
        "classes",
        "ignore_label",
        "steps",
        "steps_per_epoch",
        "batch_size",
        "accumulate",
        "buckets",
        "learning_rate",
        "seed",
        "dtype_policy",
        "splits",
        "width",
    )
    overrides = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if "classes" in overrides:
        overrides["classes"] = classes_of(overrides["classes"])
    if "buckets" in overrides:
        overrides["buckets"] = buckets_of(overrides["buckets"])
    if arguments.class_weights is not None:
        overrides["class_weights"] = weights_of(arguments.class_weights)
    if arguments.stand_in:
        overrides["stand_in"] = True
    say = Voice(lead=devices.lead, as_json=arguments.json, quiet=arguments.quiet, logged=arguments.verbose)
    name, overrides = _chosen(arguments, overrides, devices, say)
    chain = recipes.chain(name, overrides)
    for recipe in chain:
        devices.check(recipe)
    run = _Run(arguments, overrides, devices, signals, say)
    with alone(arguments.workdir) if devices.lead else contextlib.nullcontext():
        for recipe in chain:
            run.train(recipe)


def _chosen(arguments, overrides, devices, say):
    """Return the recipe's name and the overrides: as given, or planned for one's own folder."""
    if arguments.recipe is not None:
        if arguments.model is not None:
            raise ValueError(f"--model goes without a recipe. Leave it or {arguments.recipe} out.")
        return arguments.recipe, overrides
    if arguments.data is None:
        raise ValueError("Name your own folder with --data DIR, or a recipe: fcn-train --help shows both.")
    import keras

    from ..doctor.examination import examine
    from .plan import plan

    reading = {key: overrides[key] for key in ("classes", "ignore_label") if key in overrides}
    with Progress("Looking it over", "pairs", quiet=say.quiet) as progress:
        report = examine(arguments.data, **reading, progress=progress)
    pads = keras.backend.backend() == "jax"
    found = plan(report, arguments.model or "fcn8s", overrides, devices=devices.count, pads=pads)
    say.plan(arguments.data, found)
    return found.recipe, found.overrides


class _Run:
    """One call of the command: the options that all its stages share."""

    def __init__(self, arguments, overrides, devices, signals, say):
        self.data = arguments.data
        self.workdir = arguments.workdir
        self.weights = arguments.weights
        self.preprocessing = arguments.weights_preprocessing
        self.overrides = overrides
        self.devices = devices
        self.signals = signals
        self.minutes = arguments.checkpoint_minutes
        self.watched = not arguments.no_watchdog
        self.logged = arguments.verbose
        self.say = say
        self.verified = set()

    def train(self, recipe):
        from fcn_keras.interface import heads_of

        from ..workdir.stage import Stage
        from .fit import fit
        from .watchdog import rate_advice

        stage = Stage(self.workdir / recipe.name)
        splits = self.examples(recipe)
        stage.require_same(self.decisions(recipe))
        self.agree(recipe, stage, splits)
        if stage.finished():
            self.say(
                "finished", f"{recipe.name}: finished before, {stage.best}", stage=recipe.name, best=str(stage.best)
            )
            return
        if self.watched and (advice := rate_advice(recipe)):
            self.say.warn(f"fcn-train: watchdog: {advice}")
        with _policy(recipe.dtype_policy):
            started = time.monotonic()
            model, position = self.model(recipe, stage, splits["train"])
            if self.devices.lead:
                stage.open(self.decisions(recipe), heads_of(splits["train"].class_names))
                stage.settle(position.batches)
            options = {"signals": self.signals, "minutes": self.minutes, "watched": self.watched}
            options |= {"logged": self.logged, "verbose": self.say.verbose, "callbacks": self.say.callbacks(recipe)}
            history = fit(recipe, stage, model, splits, self.devices, position, **options)
        if self.devices.lead:
            self.close(recipe, stage, history, time.monotonic() - started)
        self.devices.agree({"the end of a stage": recipe.name})  # the others read what the leading process wrote

    def close(self, recipe, stage, history, seconds):
        """Write down that a stage is finished, and how well."""
        from fcn_keras_console.files import write_json

        best = max(history, key=lambda row: row["val_mean_iu"])
        summary = {"recipe": recipe.name, "best": best, "last": history[-1], "seconds": round(seconds, 1)}
        write_json(stage.summary, summary)
        sentence = f"{recipe.name}: mean IU {best['val_mean_iu']:.4f} after epoch {best['epoch'] + 1}, {stage.best}"
        facts = {"mean_iu": best["val_mean_iu"], "epoch": best["epoch"], "seconds": summary["seconds"]}
        self.say("finished", sentence, stage=recipe.name, best=str(stage.best), **facts)

    def agree(self, recipe, stage, splits):
        """Make sure that all processes are about to do the same; before the leading one writes anything."""
        from ..recipes.recipe import describe

        sizes = {name: len(split) for name, split in splits.items()}
        self.devices.agree({"the recipe": describe(recipe), "the number of images": sizes})
        # Looked at only now that every process is here: the leading one may have been writing still.
        self.devices.agree({"what the workdir holds": [stage.finished(), stage.started()]})

    def decisions(self, recipe):
        """What decides the result, written down and compared when a run is continued."""
        from ..recipes.recipe import describe

        return {
            "recipe": recipe.name,
            "overrides": self.overrides,
            "settings": describe(recipe),
            "data": str(self.data.resolve()) if self.data else None,
            "weights": str(self.weights.resolve()) if self.weights else None,
            "weights_preprocessing": self.preprocessing,
        }

    def examples(self, recipe):
        """Open both splits, and read every file once before the first stage trains."""
        from ..recipes.recipe import describe

        if self.data is not None and not self.data.is_dir():
            raise ValueError(f"--data {self.data} is not a folder.")
        train, val = (recipe.data(self.data, split) for split in recipe.splits)
        splits = {"train": train, "val": val}
        read = (*recipe.splits, describe(recipe)["data"])
        if read not in self.verified and hasattr(train, "verify"):
            count = len(train) + len(val)
            self.say("reading", f"Reading the {count} images and masks of {self.data} once.", images=count)
            train.verify()
            val.verify()
        self.verified.add(read)
        return splits

    def model(self, recipe, stage, examples):
        """Continue the last checkpoint, or build the model from what the recipe starts with.

        Returns:
            the model, and the `Position` where it stands.
        """
        import keras

        from ..workdir.checkpoint import Position

        keras.utils.set_random_seed(recipe.seed)
        with self.devices.scope():
            if not stage.started():
                return self.start(recipe, examples), Position()
            path, position, complaint = stage.checkpoint()
            if complaint:
                self.say.warn(f"{complaint} Going on from {path}.")
            sentence = f"{recipe.name}: going on after batch {position.batches} of {recipe.steps}"
            self.say("going on", sentence, stage=recipe.name, batches=position.batches, steps=recipe.steps)
            return _load(path), position

    def start(self, recipe, examples):
        """Build a stage's model, give it what it starts with, and compile it."""
        import fcn_keras as fcn

        from ..workdir.stage import Stage
        from .fit import compile_model

        model = recipe.model(examples.num_classes, **recipe.model_options)
        for suffix, source in recipe.sources.items():
            fcn.transplant(_load(Stage(self.workdir / source).best), model, suffix=suffix)
        if recipe.imagenet and not recipe.sources:
            loaded = fcn.load_imagenet(model, self.weights, preprocessing=self.preprocessing)
            self.say("weights", str(loaded), stage=recipe.name, told=str(loaded))
        for layer in model.layers:
            if recipe.frozen and layer.name.startswith(recipe.frozen):
                layer.trainable = False
        compile_model(model, recipe, examples.num_classes)
        model.optimizer.build(model.trainable_variables)  # or TensorFlow traces the first step twice
        origin = " and ".join(recipe.sources.values()) or ("ImageNet weights" if recipe.imagenet else "random weights")
        sentence = f"{recipe.name}: {recipe.steps} steps, starting from {origin}"
        self.say("training", sentence, stage=recipe.name, steps=recipe.steps, start=origin)
        return model


@contextlib.contextmanager
def _policy(name):
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _load(path):
    from fcn_keras import keras_files

    from ..workdir.checkpoint import verify

    try:
        verify(path)
        return keras_files.load_model(path, compile=True)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read ({error}). Remove it to train that stage anew.") from None
