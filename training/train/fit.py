"""Fit one stage: the stream of batches, what is logged, what is kept."""

import contextlib

import keras
import numpy as np

from fcn_keras.decoding import naming_undecodable
from fcn_keras.interface import heads_of, modality_of, pixels_of

from ..scoring.class_colors import colors_of
from ..workdir.run_record import comparable
from ..workdir.timing_callback import Timings
from .averaging import KeepRaw
from .callbacks import Batches, Checkpoint, Overlays, Reseed, Restore, Validate, flat, mean_iu
from .compiling import compile_model
from .finite_validation import FiniteValidation
from .patience import Patience
from .sources import Maps, Pixels, spaced
from .watchdog import Watchdog

PICTURES = 4  # overlays written after every epoch


def fit(
    recipe,
    stage,
    model,
    splits,
    devices,
    position,
    *,
    signals,
    minutes,
    watched,
    logged,
    before=None,
    maps=None,
    unchanged=None,
    callbacks=(),
):
    """Fit a compiled model from where it stands to the recipe's last step, or until its patience runs out.

    Args:
        splits: data sets `"train"` and `"val"`.
        devices: what the model was built on, of `devices.open_devices`. Of several processes only the leading one
            writes.
        position: the `Position` where the model stands.
        signals: `Signals`, which end the run at a place that it can be continued from.
        minutes: between two checkpoints within an epoch.
        watched: whether to say what looks wrong, as `Watchdog` does.
        logged: whether to log every batch.
        before: the `Predecessor`, whose model is the best until an epoch is better; or None.
        maps: arguments of `Maps` by name, for a recipe with `views`.
        unchanged: None, or called before anything is saved; raises a `ValueError` if the data has changed meanwhile.
        callbacks: Keras's, called after all others.

    Returns:
        The log's rows, all epochs of the stage: dicts of floats, with `val_mean_iu` over the heads. None in the
        processes that do not lead.
    """
    scored = spaced(splits["val"], recipe.validation_images)
    others, callbacks = callbacks, []
    source = (Maps if recipe.views else Pixels)(
        recipe, model, splits["train"], scored, **(maps if recipe.views else {})
    )
    if recipe.views and unchanged:  # the maps are made, and the data is not read any more
        source.require(unchanged)
        unchanged = None
    model = source.model
    copy, validation = None, source.validation()
    if devices.count > 1 or _compiles_every_size(model) or recipe.ema is not None:
        copy, validation = _copy(recipe, model, splits["train"].num_classes, devices), None
        options = {"averaged": recipe.ema is not None, "raw": recipe.raw_scores, "followers": callbacks}
        callbacks.append(Validate(copy, source.validation(devices), devices, **options))
    scores = scores_before(recipe, stage, position) if devices.lead else []
    if watched:
        num_classes, names = splits["train"].num_classes, heads_of(splits["train"].class_names)
        callbacks.append(Watchdog(recipe, num_classes, names, copy, lead=devices.lead))
    modality = modality_of(source.network)
    callbacks.append(FiniteValidation(recipe, scored, modality, devices, copy=copy, whole=source.whole))
    if devices.lead:
        callbacks += [
            Timings(stage.timings),
            keras.callbacks.CSVLogger(stage.log, append=True),
            keras.callbacks.TensorBoard(stage.tensorboard, write_graph=False),
            _overlays(stage, source, devices, copy),
        ]
        saving = {"position": position, "steps": recipe.steps_per_epoch, "signals": signals, "minutes": minutes}
        saving |= {"averaged": copy if recipe.ema is not None else None, "whole": source.whole}
        to_beat = [*scores, before.mean_iu] if before else scores
        saving |= {"start": before.best if before else None, "unchanged": unchanged}
        callbacks.append(Checkpoint(stage, max(to_beat, default=None), devices, **saving))
    if logged and devices.lead:
        indices = source.indices(position.batches)
        callbacks.append(Batches(recipe.name, splits["train"], position.batches, recipe.steps_per_epoch, indices))
    patience = Patience(recipe.patience, scores)
    callbacks += [patience, *([KeepRaw()] if recipe.ema is not None else []), *others]
    # Several processes cannot all stop after the same batch: they go on from the last epoch's end.
    with signals.deferred() if devices.shares == 1 else contextlib.nullcontext(), naming_undecodable(splits.values()):
        _fit_all(recipe, source, validation, devices, position, callbacks, patience.ran_out)
    if not devices.lead:
        return None
    return _history(recipe, stage)


def scores_before(recipe, stage, position):
    """Read the validation mean IU of every epoch that is closed at a position.

    Minus infinity stands for that of an epoch that was scored on other images than those of now.
    """
    rows = stage.history(position.closed(recipe.steps_per_epoch))
    return comparable([mean_iu(_numbers(row)) for row in rows], stage.run.changes if stage.run else ())


def _history(recipe, stage):
    """Read the log's rows; in their `val_mean_iu`, and that of the net that was scored anew, as `scores_before`."""
    rows = [_numbers(row) for row in stage.history(recipe.epochs)]
    changes = stage.run.changes if stage.run else ()
    for change in changes:
        again = change.get("rescored", {})
        if again.get("best") is not None:
            rows[again["best"]] |= again["logs"]
    scores = comparable([mean_iu(row) for row in rows], changes)
    return [{**row, "epoch": int(row["epoch"]), "val_mean_iu": score} for row, score in zip(rows, scores, strict=True)]


def _fit_all(recipe, source, validation, devices, position, callbacks, ended):
    """Close or go on with the epoch that was begun, and fit the rest unless the stage has `ended()` by then."""
    model, steps, start = source.model, recipe.steps_per_epoch, position.batches
    epoch, inside = divmod(start, steps)
    restore = []
    if position.metrics is not None:
        build_metrics(model, source.training(start))
        restore = [Restore(position.metrics, devices)]
        if not inside:
            close_epoch(model, epoch - 1, validation, restore + callbacks)

    def run(start, first, last, steps, callbacks):
        model.fit(
            devices.feed(source.training(start), recipe),
            steps_per_epoch=steps,
            initial_epoch=first,
            epochs=last,
            validation_data=validation,
            callbacks=[Reseed(recipe.seed, start, recipe.steps_per_epoch), *callbacks],
            shuffle=False,  # the stream is shuffled already
            verbose=0,
        )

    if inside:
        run(start, epoch, epoch + 1, steps - inside, restore + callbacks)
        epoch += 1
    if epoch * steps < recipe.steps and not ended():
        run(epoch * steps, epoch, recipe.epochs, steps, callbacks)


def build_metrics(model, stream):
    """Make the variables of a model's metrics, which Keras does with the first batch."""
    batch = next(iter(stream))
    model.test_on_batch(*keras.tree.map_structure(np.asarray, batch))  # JAX takes no TensorFlow tensors here


def close_epoch(model, epoch, validation, callbacks):
    """Do what `fit` does after an epoch's last batch, for a run that was stopped just there.

    Args:
        epoch: its number.
        validation: batches to score, or None if a callback scores.
        callbacks: as for `fit`; the first restores the training metrics.
    """
    listed = keras.callbacks.CallbackList(callbacks, model=model)
    model.reset_metrics()
    listed.on_train_begin()
    listed.on_epoch_begin(epoch)
    logs = {name: float(value) for name, value in flat(model.get_metrics_result())}
    if validation is not None:
        scores = model.evaluate(validation, callbacks=listed, verbose=0, return_dict=True)
        logs.update({f"val_{name}": value for name, value in flat(scores)})
    listed.on_epoch_end(epoch, logs)
    listed.on_train_end()


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


def _overlays(stage, source, devices, copy):
    scored, modality = source.scored, modality_of(source.network)
    pictured = [scored[i] for i in range(0, len(scored), -(-len(scored) // PICTURES))]
    return Overlays(
        [pixels_of(example, modality) for example in pictured],
        pictured,
        heads_of(scored.class_names),
        colors_of(scored, stage.best),
        stage.tensorboard / "overlays",
        devices=devices,
        copy=copy,
        whole=source.whole,
    )


def _numbers(row):
    return {key: float(value) for key, value in row.items()}
