"""Fit one stage: the stream of batches, what is logged, what is kept."""

import keras

import fcn_keras as fcn

from .callbacks import Checkpoint, Overlays, Position, Reseed, Validate, batches_seen, mean_iu
from .inputs import modality_of, pixels_of
from .solvers import PIXELS

PICTURES = 4  # overlays written after every epoch


def fit(recipe, stage, model, splits, devices, *, verbose):
    """Fit a compiled model from its own step count on, to the recipe's last step.

    Args:
        splits: data sets `"train"` and `"val"`.
        devices: what the model was built on, of `devices.open_devices`. Of several processes only the leading one
            writes.
        verbose: as for `keras.Model.fit`.

    Returns:
        The log's rows, all epochs of the stage: dicts of floats, with `val_mean_iu` over the heads. None in the
        processes that do not lead.
    """
    done = int(keras.ops.convert_to_numpy(batches_seen(model.optimizer)))
    first = done // recipe.steps_per_epoch
    scored = spaced(splits["val"], recipe.validation_images)
    callbacks = [Reseed(recipe.seed), Position()]
    copy, validation = None, fcn.batches(scored, modality=modality_of(model))
    if devices.count > 1 or _compiles_every_size(model):
        copy = _copy(recipe, model, splits["train"].num_classes, devices)
        callbacks.insert(0, Validate(copy, _share(scored, model, devices), devices))
        validation = None
    if devices.lead:
        best = max((mean_iu(_numbers(row)) for row in stage.history(first)), default=None)
        callbacks += [
            keras.callbacks.CSVLogger(stage.log, append=True),
            keras.callbacks.TensorBoard(stage.tensorboard, write_graph=False),
            _overlays(stage, model, scored, devices, copy),
            Checkpoint(stage, best, devices),
        ]
    model.fit(
        devices.feed(_stream(recipe, model, splits["train"], done), recipe),
        steps_per_epoch=recipe.steps_per_epoch,
        initial_epoch=first,
        epochs=recipe.steps // recipe.steps_per_epoch,
        validation_data=validation,
        callbacks=callbacks,
        shuffle=False,  # the stream is shuffled already
        verbose=verbose if devices.lead else 0,
    )
    if not devices.lead:
        return None
    rows = [_numbers(row) for row in stage.history(recipe.steps)]
    return [{**row, "epoch": int(row["epoch"]), "val_mean_iu": mean_iu(row)} for row in rows]


def compile_model(model, recipe, num_classes):
    """Compile a model as the recipe says: loss and metrics by head, rate, optimizer.

    Raises:
        ValueError: if the class weights are not those of `num_classes`.
    """
    if recipe.class_weights is not None and len(recipe.class_weights) != num_classes:
        raise ValueError(f"There are {len(recipe.class_weights)} class weights for {num_classes} classes.")
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
    # XLA compiles anew for every size: only worth it where sizes are few. JAX has nothing else.
    jit = "auto" if recipe.batch_size > 1 or keras.backend.backend() == "jax" else False
    model.compile(_optimizer(recipe, rate), losses, metrics=metrics, jit_compile=jit)


def _optimizer(recipe, rate):
    options = {}
    if recipe.accumulate is not None:
        options["gradient_accumulation_steps"] = recipe.accumulate if recipe.accumulate > 1 else None
    optimizer = recipe.optimizer(rate, **options)
    if recipe.dtype_policy != "mixed_float16":
        return optimizer
    # A sum's gradients are some PIXELS times as large as a mean's: from Keras's own start, every halving of the scale
    # on the way to where float16 holds them would cost a batch.
    scale = 2.0**15 / (PIXELS if recipe.reduction == "sum" else 1)
    return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=scale)


def _compiles_every_size(model):
    """Whether TensorFlow would compile the model anew for every size of the validation images."""
    return keras.backend.backend() == "tensorflow" and model.jit_compile


def _copy(recipe, model, num_classes, devices):
    """Copy a model to one device of this process, to score and to predict with."""
    with devices.apart():
        copy = model.__class__.from_config(model.get_config())
        compile_model(copy, recipe, num_classes)
        if keras.backend.backend() == "tensorflow":
            copy.jit_compile = False
    return copy


def _share(scored, model, devices):
    """Return the batches of the validation images that this process scores.

    Raises:
        ValueError: if there are fewer images than processes.
    """
    if len(scored) < devices.shares:
        raise ValueError(
            f"Every process scores some of the validation images. Received: {len(scored)} for {devices.shares}."
        )
    mine = Part(scored, range(devices.share, len(scored), devices.shares))
    return fcn.batches(mine, modality=modality_of(model))


def class_names(examples):
    """Return the class names of the only head, or of the first."""
    names = examples.class_names
    return next(iter(names.values())) if isinstance(names, dict) else names


def _stream(recipe, model, examples, done):
    modality = modality_of(model)
    return fcn.batches(
        examples,
        batch_size=recipe.batch_size,
        training=True,
        augment=recipe.augment,
        buckets=recipe.buckets,
        seed=recipe.seed,
        modality=modality,
        mean=_mean(model, modality),
        start=done,
        replacement=recipe.replacement,
        cache=recipe.cache,
    )


def _overlays(stage, model, scored, devices, copy):
    pictured = [scored[i] for i in range(0, len(scored), -(-len(scored) // PICTURES))]
    return Overlays(
        [pixels_of(example, modality_of(model)) for example in pictured],
        pictured,
        stage.tensorboard / "overlays",
        background=0 if class_names(scored)[0] == "background" else None,
        devices=devices,
        copy=copy,
    )


def _mean(model, modality):
    """The colour that the model subtracts, to pad with; None for HHA, which has its own."""
    if modality == "hha":
        return None
    name = "preprocesscolor" if modality == "rgb_hha" else "preprocess"
    return model.get_layer(name).mean


class Part:
    """Some examples of a data set."""

    def __init__(self, examples, indices):
        self.examples, self.indices = examples, indices
        self.class_names = examples.class_names

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.examples[self.indices[index]]


def spaced(examples, count):
    """Return at most `count` examples of a data set, evenly spaced; all of them for None."""
    return Part(examples, range(0, len(examples), 1 if count is None else max(1, -(-len(examples) // count))))


def _numbers(row):
    return {key: float(value) for key, value in row.items()}
