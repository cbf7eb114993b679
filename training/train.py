"""`fcn-train`: train a recipe, and the recipes it starts from, in a workdir that a later call continues."""

import argparse
import contextlib
import sys
import time
from pathlib import Path

from . import command

DESCRIPTION = """Train a recipe. The recipe it starts from is trained first when its result is not in the workdir.
Running the same command again continues where the last run stopped."""


def main(argv=None):
    return command.run("fcn-train", _train, _parser().parse_args(argv))


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
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser


def _train(arguments):
    from . import recipes

    names = ("classes", "ignore_label", "steps", "steps_per_epoch", "batch_size", "learning_rate", "seed")
    overrides = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if "classes" in overrides:
        overrides["classes"] = recipes.classes_of(overrides["classes"])
    chain = [recipes.find(arguments.recipe, overrides)]
    while chain[0].init_from:
        chain.insert(0, recipes.find(chain[0].init_from, overrides))
    run = _Run(arguments, overrides)
    for recipe in chain:
        run.train(recipe)


class _Run:
    """One call of the command: the options that all its stages share."""

    def __init__(self, arguments, overrides):
        self.data = arguments.data
        self.workdir = arguments.workdir
        self.weights = arguments.weights
        self.preprocessing = arguments.weights_preprocessing
        self.overrides = overrides
        self.verbose = 0 if arguments.quiet else "auto"
        self.verified = False

    def train(self, recipe):
        from .stage import Stage, write_json

        stage = Stage(self.workdir / recipe.name)
        splits = self.examples(recipe)
        stage.open(self.decisions(recipe), _names(splits["train"]))
        if stage.finished():
            print(f"{recipe.name}: finished before, {stage.best}")
            return
        with _policy(recipe.dtype_policy):
            started = time.monotonic()
            model = self.model(recipe, stage, splits["train"])
            history = self.fit(recipe, stage, model, splits)
        best = max(history, key=lambda row: row["val_mean_iu"])
        seconds = round(time.monotonic() - started, 1)
        write_json(stage.summary, {"recipe": recipe.name, "best": best, "last": history[-1], "seconds": seconds})
        print(f"{recipe.name}: mean IU {best['val_mean_iu']:.4f} after epoch {best['epoch'] + 1}, {stage.best}")

    def decisions(self, recipe):
        """What decides the result, written down and compared when a run is continued."""
        return {
            "recipe": recipe.name,
            "overrides": self.overrides,
            "data": str(self.data.resolve()) if self.data else None,
            "weights": str(self.weights.resolve()) if self.weights else None,
            "weights_preprocessing": self.preprocessing,
        }

    def examples(self, recipe):
        """Open both splits, and read every file once before the first stage trains."""
        if self.data is not None and not self.data.is_dir():
            raise ValueError(f"--data {self.data} is not a folder.")
        splits = {split: recipe.data(self.data, split) for split in ("train", "val")}
        if not self.verified:
            for split in splits.values():
                if hasattr(split, "verify"):
                    split.verify()
            self.verified = True
        return splits

    def model(self, recipe, stage, examples):
        """Continue the last checkpoint, or build the model from what the recipe starts with."""
        import keras

        import fcn_keras as fcn

        from .stage import Stage

        if stage.last.exists():
            return _load(stage.last)
        keras.utils.set_random_seed(recipe.seed)
        model = recipe.model(examples.num_classes, **recipe.model_options)
        if recipe.init_from:
            before = Stage(self.workdir / recipe.init_from)
            fcn.transplant(_load(before.best), model)
        elif recipe.imagenet:
            print(fcn.load_imagenet(model, self.weights, preprocessing=self.preprocessing))
        for layer in model.layers:
            if recipe.frozen and layer.name.startswith(recipe.frozen):
                layer.trainable = False
        _compile(model, recipe, examples.num_classes)
        return model

    def fit(self, recipe, stage, model, splits):
        """Fit from the model's own step count on; return the log's rows as numbers."""
        import keras

        import fcn_keras as fcn

        from .callbacks import Checkpoint, Overlays, Reseed, mean_iu
        from .inputs import modality_of, pixels_of

        done = int(model.optimizer.iterations)
        first, epochs = done // recipe.steps_per_epoch, -(-recipe.steps // recipe.steps_per_epoch)
        rows = [_numbers(row) for row in stage.history(first)]
        modality = modality_of(model)
        train = fcn.batches(
            splits["train"],
            batch_size=recipe.batch_size,
            training=True,
            augment=recipe.augment,
            buckets=recipe.buckets,
            seed=recipe.seed,
            modality=modality,
            mean=_mean(model, modality),
            start=done,
            replacement=recipe.replacement,
        )
        scored = _spaced(splits["val"], recipe.validation_images)
        pictured = [scored[i] for i in range(0, len(scored), -(-len(scored) // 4))]
        callbacks = [
            keras.callbacks.CSVLogger(stage.log, append=True),
            keras.callbacks.TensorBoard(stage.tensorboard, write_graph=False),
            Reseed(recipe.seed),
            Overlays(
                [pixels_of(x, modality) for x in pictured],
                pictured,
                stage.tensorboard / "overlays",
                background=0 if _names(splits["val"])[0] == "background" else None,
            ),
            Checkpoint(stage, max((mean_iu(row) for row in rows), default=None)),
        ]
        model.fit(
            train,
            steps_per_epoch=recipe.steps_per_epoch,
            initial_epoch=first,
            epochs=epochs,
            validation_data=fcn.batches(scored, modality=modality),
            callbacks=callbacks,
            shuffle=False,  # the stream is shuffled already
            verbose=self.verbose,
        )
        rows = [_numbers(row) for row in stage.history(epochs)]
        return [{**row, "epoch": int(row["epoch"]), "val_mean_iu": mean_iu(row)} for row in rows]


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
    import keras

    try:
        return keras.saving.load_model(path)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} cannot be read ({error}). Remove it to train that stage anew.") from None


def _compile(model, recipe, num_classes):
    import keras

    import fcn_keras as fcn

    rate = recipe.learning_rate
    if recipe.final_learning_rate != 1:
        rate = keras.optimizers.schedules.CosineDecay(rate, recipe.steps, alpha=recipe.final_learning_rate)

    def loss():
        return fcn.PixelCrossentropy(class_weights=recipe.class_weights, reduction=recipe.reduction)

    if isinstance(num_classes, dict):
        losses = {head: loss() for head in num_classes}
        metrics = {head: [fcn.ConfusionMatrix(count, name=head)] for head, count in num_classes.items()}
    else:
        losses, metrics = loss(), [fcn.ConfusionMatrix(num_classes)]
    model.compile(
        recipe.optimizer(rate),
        losses,
        metrics=metrics,
        # XLA compiles anew for every size: only worth it where sizes are few.
        jit_compile="auto" if recipe.batch_size > 1 else False,
    )


def _mean(model, modality):
    """The colour that the model subtracts, to pad with; None for HHA, which has its own."""
    if modality == "hha":
        return None
    name = "preprocesscolor" if modality == "rgb_hha" else "preprocess"
    return model.get_layer(name).mean


class _spaced:
    """At most `count` examples of a data set, evenly spaced."""

    def __init__(self, examples, count):
        step = 1 if count is None else max(1, -(-len(examples) // count))
        self.examples, self.indices = examples, range(0, len(examples), step)

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.examples[self.indices[index]]


def _names(examples):
    """The class names to write down: of the only head, or of the first."""
    names = examples.class_names
    return next(iter(names.values())) if isinstance(names, dict) else names


def _numbers(row):
    return {key: float(value) for key, value in row.items()}


if __name__ == "__main__":
    sys.exit(main())
