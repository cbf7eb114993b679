"""Tiny nets under the watchdog, and the batches that they see."""

from functools import partial

import keras
import numpy as np

import fcn_keras as fcn
from training.recipes.recipe import Recipe
from training.train.compiling import compile_model
from training.train.watchdog import Watchdog

NAMES = ("sky", "ground", "wall")
STEPS = 25
SAFE = Recipe(
    name="tiny",
    model=fcn.FCN32s,
    data=None,
    steps=4 * STEPS,
    steps_per_epoch=STEPS,
    optimizer=partial(fcn.CaffeSGD, momentum=0.9, weight_decay=0.0),
    learning_rate=1e-2,
)


class Saved(keras.callbacks.Callback):
    """Stands where `Checkpoint` does, and keeps what it would write."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())


def net(heads=("",), bias=0.0, dtype="float32"):
    """Build a net of two convolutions whose scores are all equal at the start but for the first class's `bias`."""
    keras.utils.set_random_seed(0)
    convolution = partial(keras.layers.Conv2D, dtype=dtype)
    x = inputs = keras.Input((None, None, 3))
    x = convolution(4, 3, padding="same", activation="relu", name="conv")(x)
    start = {"kernel_initializer": "zeros", "bias_initializer": keras.initializers.Constant(np.array([bias, 0.0, 0.0]))}
    scores = {head: convolution(3, 1, name=f"score_{head}", **start)(x) for head in heads}
    return keras.Model(inputs, scores[""] if heads == ("",) else scores)


def pixels(classes=(0, 1, 2), *, size=(6, 8), heads=("",)):
    """Draw a batch of one image whose colours tell its classes, a tenth of it void."""
    rng = np.random.default_rng(0)
    label = rng.choice(np.array(classes), (1, *size))
    image = np.eye(3, dtype="float32")[label] + rng.normal(0, 0.01, (1, *size, 3)).astype("float32")
    label = np.where(rng.random(label.shape) < 0.1, 255, label).astype("int32")
    return image, label if heads == ("",) else dict.fromkeys(heads, label)


def forever(*batches):
    while True:
        yield from batches


def run(recipe, model, train=None, val=None, *, heads=("",), first=0, callbacks=(), **options):
    """Fit as `training.fit` does, with the watchdog before what saves."""
    counts = 3 if heads == ("",) else dict.fromkeys(heads, 3)
    compile_model(model, recipe, counts)
    saved, train, val = Saved(), train or [pixels(heads=heads)], val or [pixels(heads=heads)]
    try:
        model.fit(
            forever(*train),
            steps_per_epoch=recipe.steps_per_epoch,
            epochs=recipe.steps // recipe.steps_per_epoch,
            initial_epoch=first,
            validation_data=forever(*val),
            validation_steps=len(val),
            callbacks=[*callbacks, Watchdog(recipe, counts, dict.fromkeys(heads, NAMES), **options), saved],
            verbose=0,
        )
    finally:
        assert all(np.isfinite(x).all() for weights in saved.weights for x in weights)
    return saved.weights
