"""Fit one stage: the stream of batches, what is logged, what is kept."""

import keras

import fcn_keras as fcn

from .callbacks import Checkpoint, Overlays, Reseed, mean_iu
from .inputs import modality_of, pixels_of

PICTURES = 4  # overlays written after every epoch


def fit(recipe, stage, model, splits, *, verbose):
    """Fit a compiled model from its own step count on, to the recipe's last step.

    Args:
        splits: data sets `"train"` and `"val"`.
        verbose: as for `keras.Model.fit`.

    Returns:
        The log's rows, all epochs of the stage: dicts of floats, with `val_mean_iu` over the heads.
    """
    done = _batches_seen(model.optimizer)
    first = done // recipe.steps_per_epoch
    earlier = [_numbers(row) for row in stage.history(first)]
    scored = Spaced(splits["val"], recipe.validation_images)
    model.fit(
        _stream(recipe, model, splits["train"], done),
        steps_per_epoch=recipe.steps_per_epoch,
        initial_epoch=first,
        epochs=recipe.steps // recipe.steps_per_epoch,
        validation_data=fcn.batches(scored, modality=modality_of(model)),
        callbacks=[
            keras.callbacks.CSVLogger(stage.log, append=True),
            keras.callbacks.TensorBoard(stage.tensorboard, write_graph=False),
            Reseed(recipe.seed),
            _overlays(stage, model, scored),
            Checkpoint(stage, max((mean_iu(row) for row in earlier), default=None)),
        ],
        shuffle=False,  # the stream is shuffled already
        verbose=verbose,
    )
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
    # XLA compiles anew for every size: only worth it where sizes are few.
    jit = "auto" if recipe.batch_size > 1 else False
    model.compile(recipe.optimizer(rate), losses, metrics=metrics, jit_compile=jit)


def _batches_seen(optimizer):
    """Return the number of batches trained on; `iterations` counts updates, fewer where gradients accumulate."""
    return next(int(variable) for variable in optimizer.variables if variable.name == "iteration")


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


def _overlays(stage, model, scored):
    pictured = [scored[i] for i in range(0, len(scored), -(-len(scored) // PICTURES))]
    return Overlays(
        [pixels_of(example, modality_of(model)) for example in pictured],
        pictured,
        stage.tensorboard / "overlays",
        background=0 if class_names(scored)[0] == "background" else None,
    )


def _mean(model, modality):
    """The colour that the model subtracts, to pad with; None for HHA, which has its own."""
    if modality == "hha":
        return None
    name = "preprocesscolor" if modality == "rgb_hha" else "preprocess"
    return model.get_layer(name).mean


class Spaced:
    """At most `count` examples of a data set, evenly spaced; all of them for None."""

    def __init__(self, examples, count):
        step = 1 if count is None else max(1, -(-len(examples) // count))
        self.examples, self.indices = examples, range(0, len(examples), step)
        self.class_names = examples.class_names

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.examples[self.indices[index]]


def _numbers(row):
    return {key: float(value) for key, value in row.items()}
