"""Compile a model as its recipe says: loss, metrics, learning rate, optimizer."""

import inspect
from functools import partial

import keras

import fcn_keras as fcn

from ..recipes.loss import loss_of
from ..recipes.solvers import PIXELS


def freeze(model, recipe):
    """Keep the layers from learning that the recipe says, and return the model."""
    for layer in model.layers:
        if recipe.frozen and layer.name.startswith(tuple(recipe.frozen)):
            layer.trainable = False
    return model


def compile_model(model, recipe, num_classes, optimizer=None):
    """Compile a model as the recipe says: loss and metrics by head, rate, optimizer.

    Args:
        optimizer: that of the model of which this one is a part; None for a new one.

    Raises:
        ValueError: if the class weights are not those of `num_classes`, or a learning rate is for layers that are not
            there.
    """
    if recipe.class_weights is not None and len(recipe.class_weights) != num_classes:
        raise ValueError(f"There are {len(recipe.class_weights)} class weights for {num_classes} classes.")
    _require_layers(model, recipe)
    if isinstance(num_classes, dict):
        loss = {head: loss_of(recipe) for head in num_classes}
        metrics = {head: [fcn.ConfusionMatrix(count, name=head)] for head, count in num_classes.items()}
    else:
        loss, metrics = loss_of(recipe), [fcn.ConfusionMatrix(num_classes)]
    # XLA compiles anew for every size: only worth it where sizes are few. JAX has nothing else.
    jit = "auto" if recipe.batch_size > 1 or keras.backend.backend() == "jax" else False
    if optimizer is None:
        optimizer = _scaled(recipe, optimizer_of(recipe, rate_of(recipe)))
    model.compile(optimizer, loss, metrics=metrics, jit_compile=jit)


def _require_layers(model, recipe):
    for prefix in recipe.rate_factors:
        if not any(layer.name.startswith(prefix) for layer in model.layers):
            raise ValueError(
                f"`rate_factors` has {prefix!r}, and no layer of {recipe.name} has a name that begins so. There are: "
                f"{', '.join(layer.name for layer in model.layers if layer.weights)}."
            )


def rate_of(recipe):
    """Make the recipe's learning rate: a number, or its schedule by batch."""
    rate, last = recipe.learning_rate, recipe.final_learning_rate
    if recipe.warm_up:
        # The first batch learns too: at the rate of one step of the line.
        return keras.optimizers.schedules.CosineDecay(
            rate / recipe.warm_up,
            recipe.steps - recipe.warm_up,
            alpha=last,
            warmup_target=rate,
            warmup_steps=recipe.warm_up,
        )
    return rate if last == 1 else keras.optimizers.schedules.CosineDecay(rate, recipe.steps, alpha=last)


def renew_rate(model, recipe):
    """Let a model that was compiled for fewer steps go on along the recipe's learning rate; a constant one stays."""
    rate = rate_of(recipe)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # float16 wraps it
        optimizer.learning_rate = rate


def optimizer_of(recipe, rate):
    """Make the recipe's optimizer, at a rate, without what float16 adds.

    Raises:
        ValueError: if the recipe wants rates by layer of an optimizer that has none.
    """
    options = {}
    if recipe.accumulate is not None:
        options["gradient_accumulation_steps"] = recipe.accumulate if recipe.accumulate > 1 else None
    if recipe.clip is not None:
        options["global_clipnorm"] = recipe.clip
    if recipe.ema is not None:
        options |= {"use_ema": True, "ema_momentum": recipe.ema}
    if recipe.rate_factors:
        options["rate_factors"] = dict(recipe.rate_factors)
        made_by = recipe.optimizer.func if isinstance(recipe.optimizer, partial) else recipe.optimizer
        if "rate_factors" not in inspect.signature(made_by).parameters:
            raise ValueError(f"{recipe.name}: {made_by.__name__} has no rates by layer. Take --optimizer adamw.")
    return recipe.optimizer(rate, **options)


def _scaled(recipe, optimizer):
    if recipe.dtype_policy != "mixed_float16":
        return optimizer
    # A sum's gradients are some PIXELS times as large as a mean's: from Keras's own start, every halving of the scale
    # on the way to where float16 holds them would cost a batch.
    scale = 2.0**15 / (PIXELS if recipe.reduction == "sum" else 1)
    return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=scale)
