"""What `fit` does after every epoch beside Keras's own logs: scores, checkpoints and pictures."""

import logging
import os
import time

import keras
import numpy as np

from fcn_keras.finite import broken_layers
from fcn_keras.inference import predict
from fcn_keras.interface import heads_of, in_float32

from ..scoring.images import name_of
from ..scoring.panels import TITLES, cells_of, panels_in_a_row
from ..workdir.checkpoint import Position, save_model
from .averaging import averaged_weights, uncompiled
from .watchdog import confusion_metrics

CONFUSION = "rows truth, columns prediction, class 0 upper left; the darker, the larger the share of the row"
LOG = logging.getLogger("fcn-train")


def mean_iu(logs):
    """Return the validation mean IU of one epoch's logs; of several heads, the mean over them."""
    values = [float(value) for key, value in logs.items() if key.startswith("val_") and key.endswith("_mean_iu")]
    return sum(values) / len(values)


class Batches(keras.callbacks.Callback):
    """Log every batch: which of its epoch, the mean loss so far, and its images.

    Args:
        name: of the stage.
        examples: data set that is trained on.
        start: batches trained on before this run, which may begin within an epoch.
        steps: batches of an epoch.
        indices: iterator of the examples in each batch, or None where only the augmentation's sizes tell them.
    """

    def __init__(self, name, examples, start, steps, indices):
        super().__init__()
        self.name = name
        self.examples = examples
        self.done = start
        self.steps = steps
        self.indices = indices

    def on_train_batch_end(self, batch, logs=None):
        number = self.done % self.steps + 1
        self.done += 1
        images = next(self.indices) if self.indices is not None else ()
        line = "%s: batch %d of %d in its epoch: mean loss %.4f so far; %s"
        names = ", ".join(name_of(self.examples, index) for index in images) or "images unknown"
        LOG.debug(line, self.name, number, self.steps, float(logs["loss"]), names)


class Checkpoint(keras.callbacks.Callback):
    """Save a checkpoint after every epoch, now and then within one, and before the run is stopped by a signal.

    The best model is kept besides, in float32 whatever it trained in and without its optimizer: it is what is scored,
    exported and transplanted, and no run goes on from it.

    Args:
        stage: the `Stage` to write to.
        best: highest mean IU of the epochs before a continued run and of `start`, or None.
        devices: what the model trains on, of `devices.open_devices`.
        position: the `Position` that the run goes on from.
        steps: batches of an epoch.
        signals: the `Signals` to look at after every batch.
        minutes: between two checkpoints within an epoch.
        averaged: the model that was scored, where it has other weights than the one that trains; None where not.
        whole: function from the model that trains, or `averaged`, to the network that is saved.
        start: file of the model that is the best until an epoch is better; None where any epoch's is better.
        unchanged: None, or called before anything is saved; raises a `ValueError` if the data has changed.
    """

    def __init__(
        self,
        stage,
        best,
        devices,
        *,
        position,
        steps,
        signals,
        minutes,
        averaged=None,
        whole=lambda model: model,
        start=None,
        unchanged=None,
    ):
        super().__init__()
        self.stage = stage
        self.best = best
        self.devices = devices
        self.position = position
        self.steps = steps
        self.signals = signals
        self.seconds = 60 * minutes
        self.averaged = averaged
        self.whole = whole
        self.start = start
        self.unchanged = unchanged
        self.saved = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        batches = self.position.batches + 1
        self.position = Position(batches)
        ends = batches % self.steps == 0
        due = time.monotonic() - self.saved >= self.seconds and self.devices.shares == 1
        if self.signals.came or due or ends:
            values = [keras.ops.convert_to_numpy(x).tolist() for x in self.model.metrics_variables]
            self.position = Position(batches, values)
        if self.signals.came or (due and not ends):
            self.save(self.position)
        self.signals.stop()

    def on_test_batch_end(self, batch, logs=None):
        if self.signals.came:
            self.save(self.position)  # all batches of the epoch, and what they scored
        self.signals.stop()

    def on_epoch_end(self, epoch, logs=None):
        if self.unchanged:
            self.unchanged()
        score = mean_iu(logs)
        missing = not self.stage.best.exists()
        if missing and self.start and score <= self.best:
            self.stage.adopt(self.start)
        elif self.best is None or score > self.best or missing:
            with self.devices.apart():
                best = uncompiled(self.whole(self.averaged or self.model))
                position = Position(self.position.batches)
                save_model(in_float32(best), self.stage.better, position, self.stage.origin(best=True))
            self.best = score
        with self.stage.log.open("rb") as log:
            os.fsync(log.fileno())
        # Its presence says that the epoch's log row and better model are there too.
        self.position = Position(self.position.batches)
        self.save(self.position)
        self.stage.promote_better(self.position.batches)
        self.signals.stop()

    def save(self, position):
        if position.metrics is not None and broken_layers(self.model):
            return  # the batch broke them: the watchdog tells at the epoch's end, and the checkpoint before is whole
        if position.metrics is not None and self.unchanged:
            self.unchanged()
        with self.devices.apart():  # saving makes variables, of which the other processes know nothing
            self.stage.save(self.whole(self.model), position)
        self.saved = time.monotonic()


class Validate(keras.callbacks.Callback):
    """Score the validation split by a copy of the model on one device, and put the results into the epoch's logs.

    For where `fit` cannot: images of different sizes, one at a time, neither share devices nor bear XLA, and averaged
    weights are not those of the model that trains.

    Args:
        copy: compiled model of the same layers, on one device of this process.
        stream: the batches that this process scores.
        devices: what the model trains on, of `devices.open_devices`; adds up the metrics of all processes.
        averaged: score the averaged weights, which the copy has in the end.
        raw: score those that train besides, as `raw_val_...`.
        followers: callbacks that are told of every batch that is scored for `val_...`, as `fit` tells of its own.
    """

    def __init__(self, copy, stream, devices, *, averaged=False, raw=False, followers=()):
        super().__init__()
        self.copy = copy
        self.stream = stream
        self.devices = devices
        self.averaged = averaged
        self.raw = raw
        self.followers = followers

    def on_epoch_end(self, epoch, logs=None):
        if self.raw:
            self.score(self.model.get_weights(), "raw_val_", logs, ())
        weights = averaged_weights(self.model) if self.averaged else self.model.get_weights()
        self.score(weights, "val_", logs, self.followers)

    def score(self, weights, prefix, logs, followers):
        def tell(batch, logs):
            for follower in followers:
                follower.on_test_batch_end(batch, logs)

        with self.devices.apart():
            self.copy.set_weights(weights)
            self.copy.evaluate(
                self.stream, callbacks=[keras.callbacks.LambdaCallback(on_test_batch_end=tell)], verbose=0
            )
            self.devices.add_up(self.copy.metrics_variables)
            logs.update({f"{prefix}{name}": float(value) for name, value in flat(self.copy.get_metrics_result())})


def flat(results):
    """List `(name, value)` of Keras's results, where a metric of several values is a dict of its own."""
    nested = (flat(value) if isinstance(value, dict) else [(name, value)] for name, value in results.items())
    return [pair for pairs in nested for pair in pairs]


class Reseed(keras.callbacks.Callback):
    """Start every epoch's dropout from a state that the seed and the batches before it decide.

    Keras does not save the state of dropout's generators: without this, a continued run draws other masks.

    Args:
        seed: of the run.
        start: batches trained on before this run, which may begin within an epoch.
        steps: batches of an epoch.
    """

    def __init__(self, seed, start, steps):
        super().__init__()
        self.seed = seed
        self.start = start
        self.steps = steps

    def on_epoch_begin(self, epoch, logs=None):
        generators = [x.seed_generator for x in self.model.layers if isinstance(x, keras.layers.Dropout) and x.rate]
        for i, generator in enumerate(generators):
            # [seed, counter]: every batch counts one further.
            state = np.array([self.seed + i, max(self.start, epoch * self.steps)])
            generator.state.assign(keras.ops.cast(state, generator.state.dtype))


class Restore(keras.callbacks.Callback):
    """Give the training metrics the values that they had where an epoch was left.

    Args:
        values: of `Position`; the model's metrics are built.
        devices: what the model trains on, of `devices.open_devices`.
    """

    def __init__(self, values, devices):
        super().__init__()
        self.values = values
        self.devices = devices

    def on_epoch_begin(self, epoch, logs=None):
        for variable, value in zip(self.model.metrics_variables, self.values, strict=True):
            self.devices.restore(variable, np.array(value, variable.dtype))


class Overlays(keras.callbacks.Callback):
    """Write pictures to TensorBoard after every epoch: of some images as `fcn-report` shows them, and the matrix.

    An image's photograph, truth, prediction and errors stand side by side; the confusion matrix is that of the
    validation images.

    Args:
        inputs: what `predict` takes, one for each picture.
        examples: the examples they are of.
        names: class names by head; the only head of most models is `""`.
        colors: of the classes, by head.
        directory: TensorBoard's log directory.
        devices: what the model trains on, of `devices.open_devices`.
        copy: model to predict with, as `Validate`'s; None for the one that trains.
        whole: function from that model to the network that predicts.
    """

    def __init__(self, inputs, examples, names, colors, directory, devices, copy=None, whole=lambda model: model):
        super().__init__()
        self.names = names
        self.colors = colors
        self.devices = devices
        self.copy = copy
        self.whole = whole
        self.inputs = inputs
        self.examples = examples
        self.directory = directory

    def on_epoch_end(self, epoch, logs=None):
        import tensorflow as tf

        writer = tf.summary.create_file_writer(str(self.directory))
        with writer.as_default(step=epoch):
            for i, (pixels, example) in enumerate(zip(self.inputs, self.examples, strict=True)):
                with self.devices.apart():
                    labels = heads_of(predict(self.whole(self.copy or self.model), pixels))
                truth = heads_of(example["label"])
                for head, names in self.names.items():
                    shown = panels_in_a_row(example["image"], truth[head], labels[head], names, self.colors[head])
                    tf.summary.image(_tag("overlay", head, i), shown[None], description=", ".join(TITLES))
            for metric in confusion_metrics(self.copy or self.model):
                head = "" if "" in self.names else metric.name
                matrix = keras.ops.convert_to_numpy(metric.matrix)
                tf.summary.image(_tag("confusion", head), cells_of(matrix)[None], description=CONFUSION)
        writer.close()


def _tag(kind, head, number=None):
    name = f"{kind}_{head}" if head else kind
    return name if number is None else f"{name}/{number}"
