"""`fcn-train`: train a recipe, and the recipes it starts from, in a workdir that a later call continues."""

import argparse
import contextlib
import functools
import sys
import time
from pathlib import Path

from . import command
from .interruption import Signals
from .workdir import alone

DESCRIPTION = """Train a recipe. The recipe it starts from is trained first when its result is not in the workdir.
Running the same command again continues where the last run stopped."""


def main(argv=None):
    arguments = _parser().parse_args(argv)
    with Signals() as signals:
        return command.run("fcn-train", functools.partial(_train, signals), arguments)


def _parser():
    parser = argparse.ArgumentParser(prog="fcn-train", description=DESCRIPTION)
    parser.add_argument("recipe", help="its name; folder_fcn32s, folder_fcn16s, folder_fcn8s are for your own images")
    parser.add_argument("--data", type=Path, help="folder of the data set")
    parser.add_argument("--workdir", type=Path, required=True, help="folder for everything that is written")
    parser.add_argument("--classes", help="your own folder's class file, or number of classes (default: classes.txt)")
    parser.add_argument("--ignore-label", type=int, help="your own folder's void id besides 255")
    parser.add_argument("--weights", type=Path, help="VGG16 weights, .h5 or .npz (default: downloaded from Keras)")
    parser.add_argument(
        "--weights-preprocessing",
        default="caffe",
        choices=("caffe", "torch"),
        help="pixels the weights expect: BGR minus mean (default), or RGB/255 minus mean over std",
    )
    parser.add_argument("--steps", type=int, help="updates of every stage")
    parser.add_argument("--steps-per-epoch", type=int, help="updates between two checkpoints")
    parser.add_argument("--batch-size", type=int, help="examples in a batch, of all devices and hosts together")
    parser.add_argument("--accumulate", type=int, metavar="N", help="average the gradients of N batches for one update")
    parser.add_argument(
        "--buckets", nargs="+", metavar="HxW", help="sizes to pad batches to, such as 512x512; fcn-doctor names some"
    )
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--dtype-policy", help="Keras's, such as mixed_bfloat16 (default: float32)")
    parser.add_argument("--class-weights", type=Path, metavar="FILE", help="doctor.json of fcn-doctor, or a JSON list")
    parser.add_argument("--splits", nargs=2, metavar=("TRAIN", "VAL"), help="splits to train and to validate on")
    parser.add_argument("--width", type=float, help="factor on all channels of the net, such as 0.125; from scratch")
    parser.add_argument("--devices", metavar="N", help="number of this machine's devices to train on, or all")
    parser.add_argument("--coordinator", metavar="HOST:PORT", help="several hosts: where process 0 is reached")
    parser.add_argument("--processes", type=int, metavar="N", help="several hosts: how many processes train together")
    parser.add_argument("--process", type=int, metavar="I", help="several hosts: which of them this is, from 0 on")
    parser.add_argument(
        "--checkpoint-minutes",
        type=_minutes,
        default=15,
        metavar="M",
        help="how often to save within an epoch (default: 15)",
    )
    parser.add_argument("--no-watchdog", action="store_true", help="do not say what looks wrong with the training")
    parser.add_argument("--stand-in", action="store_true", help="drawn scenes of the same kind instead of the data set")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser


def _minutes(text):
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1
    if not minutes >= 0:
        raise argparse.ArgumentTypeError(f"a number of minutes from 0 on is expected. Received: {text}")
    return minutes


def _train(signals, arguments):
    from .devices import open_devices, repeat_bits

    together = {name: getattr(arguments, name) for name in ("devices", "coordinator", "processes", "process")}
    repeat_bits()
    devices = open_devices(**together)  # before anything computes
    from . import recipes

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
        overrides["classes"] = recipes.classes_of(overrides["classes"])
    if "buckets" in overrides:
        overrides["buckets"] = recipes.buckets_of(overrides["buckets"])
    if arguments.class_weights is not None:
        overrides["class_weights"] = recipes.weights_of(arguments.class_weights)
    if arguments.stand_in:
        overrides["stand_in"] = True
    chain = recipes.chain(arguments.recipe, overrides)
    for recipe in chain:
        devices.check(recipe)
    run = _Run(arguments, overrides, devices, signals)
    with alone(arguments.workdir) if devices.lead else contextlib.nullcontext():
        for recipe in chain:
            run.train(recipe)


class _Run:
    """One call of the command: the options that all its stages share."""

    def __init__(self, arguments, overrides, devices, signals):
        self.data = arguments.data
        self.workdir = arguments.workdir
        self.weights = arguments.weights
        self.preprocessing = arguments.weights_preprocessing
        self.overrides = overrides
        self.devices = devices
        self.signals = signals
        self.minutes = arguments.checkpoint_minutes
        self.watched = not arguments.no_watchdog
        # Off a terminal, one line an epoch instead of a bar.
        self.verbose = 0 if arguments.quiet else 1 if sys.stdout.isatty() else 2
        self.verified = set()

    def train(self, recipe):
        from .fit import fit
        from .inputs import heads_of
        from .stage import Stage
        from .watchdog import rate_advice

        stage = Stage(self.workdir / recipe.name)
        splits = self.examples(recipe)
        stage.require_same(self.decisions(recipe))
        self.agree(recipe, stage, splits)
        if stage.finished():
            self.say(f"{recipe.name}: finished before, {stage.best}")
            return
        if self.watched and (advice := rate_advice(recipe)):
            self.say(f"fcn-train: watchdog: {advice}", sys.stderr)
        with _policy(recipe.dtype_policy):
            started = time.monotonic()
            model, position = self.model(recipe, stage, splits["train"])
            if self.devices.lead:
                stage.open(self.decisions(recipe), heads_of(splits["train"].class_names))
                stage.settle(position.batches)
            options = {"signals": self.signals, "minutes": self.minutes, "watched": self.watched}
            history = fit(recipe, stage, model, splits, self.devices, position, **options, verbose=self.verbose)
        if self.devices.lead:
            self.close(recipe, stage, history, time.monotonic() - started)
        self.devices.agree({"the end of a stage": recipe.name})  # the others read what the leading process wrote

    def close(self, recipe, stage, history, seconds):
        """Write down that a stage is finished, and how well."""
        from .stage import write_json

        best = max(history, key=lambda row: row["val_mean_iu"])
        summary = {"recipe": recipe.name, "best": best, "last": history[-1], "seconds": round(seconds, 1)}
        write_json(stage.summary, summary)
        print(f"{recipe.name}: mean IU {best['val_mean_iu']:.4f} after epoch {best['epoch'] + 1}, {stage.best}")

    def agree(self, recipe, stage, splits):
        """Make sure that all processes are about to do the same; before the leading one writes anything."""
        from .recipe import describe

        sizes = {name: len(split) for name, split in splits.items()}
        self.devices.agree({"the recipe": describe(recipe), "the number of images": sizes})
        # Looked at only now that every process is here: the leading one may have been writing still.
        self.devices.agree({"what the workdir holds": [stage.finished(), stage.started()]})

    def say(self, message, stream=None):
        if self.devices.lead:
            print(message, file=stream or sys.stdout, flush=True)

    def decisions(self, recipe):
        """What decides the result, written down and compared when a run is continued."""
        from .recipe import describe

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
        from .recipe import describe

        if self.data is not None and not self.data.is_dir():
            raise ValueError(f"--data {self.data} is not a folder.")
        train, val = (recipe.data(self.data, split) for split in recipe.splits)
        splits = {"train": train, "val": val}
        read = (*recipe.splits, describe(recipe)["data"])
        if read not in self.verified and hasattr(train, "verify"):
            self.say(f"Reading the {len(train) + len(val)} images and masks of {self.data} once.")
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

        from .checkpoint import Position

        keras.utils.set_random_seed(recipe.seed)
        with self.devices.scope():
            if not stage.started():
                return self.start(recipe, examples), Position()
            path, position, complaint = stage.checkpoint()
            if complaint:
                self.say(f"{complaint} Going on from {path}.")
            self.say(f"{recipe.name}: going on after batch {position.batches} of {recipe.steps}")
            return _load(path), position

    def start(self, recipe, examples):
        """Build a stage's model, give it what it starts with, and compile it."""
        import fcn_keras as fcn

        from .fit import compile_model
        from .stage import Stage

        model = recipe.model(examples.num_classes, **recipe.model_options)
        for suffix, source in recipe.sources.items():
            fcn.transplant(_load(Stage(self.workdir / source).best), model, suffix=suffix)
        if recipe.imagenet and not recipe.sources:
            self.say(fcn.load_imagenet(model, self.weights, preprocessing=self.preprocessing))
        for layer in model.layers:
            if recipe.frozen and layer.name.startswith(recipe.frozen):
                layer.trainable = False
        compile_model(model, recipe, examples.num_classes)
        model.optimizer.build(model.trainable_variables)  # or TensorFlow traces the first step twice
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

    from .checkpoint import verify

    try:
        verify(path)
        return keras_files.load_model(path, compile=True)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read ({error}). Remove it to train that stage anew.") from None


if __name__ == "__main__":
    sys.exit(main())
