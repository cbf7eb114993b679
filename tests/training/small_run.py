"""One process of `fcn-train` on tiny recipes, for the tests that need several processes, or several devices in one.

python small_run.py '{"devices": 2, "stop": null}' RECIPE --workdir DIR ...
"""

import json
import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

TINY = (((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 4)


def scenes(directory, split):
    """Draw scenes of one size, with more void the higher their number, so that devices have unlike shares of it."""
    from fcn_keras.datasets.synthetic import Synthetic

    class Voided(Synthetic):
        def __getitem__(self, index):
            example = super().__getitem__(index)
            label = example["label"].copy()
            label[: index * label.shape[0] // len(self)] = 255
            return {**example, "label": label}

    return Voided(6, seed={"train": 1, "val": 2}[split], height=32, width=32)


def recipes_by_name():
    """Build the recipes: one of the mean loss, and a finer net of the sum that starts from it."""
    from fcn_keras.models import FCN16s, FCN32s
    from fcn_keras.optimizers import CaffeSGD
    from training.recipes.recipe import Recipe

    coarse = Recipe(
        name="tiny_fcn32s",
        model=FCN32s,
        model_options={"channels": TINY, "dropout": 0.0},
        data=scenes,
        steps=4,
        steps_per_epoch=2,
        optimizer=partial(CaffeSGD, momentum=0.9),
        learning_rate=1e-2,
        batch_size=2,
        validation_images=3,
    )
    dropped = replace(coarse, name="tiny_dropout", model_options={**coarse.model_options, "dropout": 0.5}, accumulate=2)
    fine = replace(coarse, name="tiny_fcn16s", model=FCN16s, init_from=coarse.name, reduction="sum", learning_rate=1e-5)
    return {recipe.name: recipe for recipe in (coarse, dropped, fine)}


def stop_after_an_epoch():
    """Interrupt every `fit` behind the first epoch's checkpoint, in all processes alike."""
    import keras

    fit = keras.Model.fit

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    def stopped(model, *arguments, callbacks, **options):
        return fit(model, *arguments, callbacks=[*callbacks, Stop()], **options)

    keras.Model.fit = stopped
    return partial(setattr, keras.Model, "fit", fit)


def stop_amid_an_epoch():
    """Send this process SIGTERM after every stage's first batch."""
    from training.train.callbacks import Checkpoint

    end = Checkpoint.on_train_batch_end

    def stopped(self, batch, logs=None):
        os.kill(os.getpid(), signal.SIGTERM)
        end(self, batch, logs)

    Checkpoint.on_train_batch_end = stopped
    return partial(setattr, Checkpoint, "on_train_batch_end", end)


STOPS = {"epoch": (stop_after_an_epoch, 130), "batch": (stop_amid_an_epoch, 143)}


def main(options, *arguments):
    options = json.loads(options)
    if options["devices"] > 1:
        import tensorflow as tf

        processor = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * options["devices"]
        )
    from training.recipes import catalogue as recipes
    from training.train import command as train

    recipes.RECIPES.update(recipes_by_name())
    if options["stop"]:
        stop, code = STOPS[options["stop"]]
        undo = stop()
        if train.main([*arguments]) != code:
            return 1
        undo()
    return train.main([*arguments])


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main(*sys.argv[1:]))
