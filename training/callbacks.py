"""What `fit` does after every epoch beside Keras's own logs: scores, checkpoints and pictures."""

import keras
import numpy as np

from fcn_keras.inference import predict
from fcn_keras.visualize import overlay

from .stage import save_model


def mean_iu(logs):
    """Return the validation mean IU of one epoch's logs; of several heads, the mean over them."""
    values = [float(value) for key, value in logs.items() if key.startswith("val_") and key.endswith("_mean_iu")]
    return sum(values) / len(values)


class Checkpoint(keras.callbacks.Callback):
    """Save the last model after every epoch, and the best one when its validation mean IU is the highest so far.

    The best model is float32 whatever it trained in: it is what is scored, exported and transplanted.

    Args:
        stage: the `Stage` to write to.
        best: highest mean IU of the epochs before a continued run, or None.
        devices: what the model trains on, of `devices.open_devices`.
    """

    def __init__(self, stage, best, devices):
        super().__init__()
        self.stage = stage
        self.best = best
        self.devices = devices

    def on_epoch_end(self, epoch, logs=None):
        score = mean_iu(logs)
        with self.devices.apart():  # saving makes variables, of which the other processes know nothing
            if self.best is None or score > self.best or not self.stage.best.exists():
                save_model(in_float32(self.model), self.stage.best)
                self.best = score
            # Last: its presence says that the epoch's best and log row are there too.
            save_model(self.model, self.stage.last)


def in_float32(model):
    """Return the model, or where it computes in half precision a float32 copy of it, without its optimizer."""
    if all(layer.compute_dtype == "float32" for layer in model.layers):
        return model

    config = model.get_config()
    for layer in config["layers"]:
        layer["config"]["dtype"] = "float32"
    copy = model.__class__.from_config(config)
    copy.set_weights(model.get_weights())
    return copy


class Position(keras.callbacks.Callback):
    """Write into the optimizer how many batches it has seen, for the run that continues this one.

    Its own count leaves out the batches whose gradients overflow under mixed_float16.
    """

    def on_epoch_end(self, epoch, logs=None):
        batches_seen(self.model.optimizer).assign((epoch + 1) * self.params["steps"])


def batches_seen(optimizer):
    """Return the variable that counts the batches trained on, under mixed_float16 the loss scale's, else unused.

    `iterations` counts updates: fewer where gradients accumulate.
    """
    return next(variable for variable in optimizer.variables if variable.name == "iteration")


class Validate(keras.callbacks.Callback):
    """Score the validation split by a copy of the model on one device, and put the results into the epoch's logs.

    For where `fit` cannot: images of different sizes, one at a time, neither share devices nor bear XLA.

    Args:
        copy: compiled model of the same layers, on one device of this process.
        stream: the batches that this process scores.
        devices: what the model trains on, of `devices.open_devices`; adds up the metrics of all processes.
    """

    def __init__(self, copy, stream, devices):
        super().__init__()
        self.copy = copy
        self.stream = stream
        self.devices = devices

    def on_epoch_end(self, epoch, logs=None):
        weights = self.model.get_weights()
        with self.devices.apart():
            self.copy.set_weights(weights)
            self.copy.evaluate(self.stream, verbose=0)
            self.devices.add_up(self.copy.metrics_variables)
            logs.update({f"val_{name}": float(value) for name, value in _flat(self.copy.get_metrics_result())})


def _flat(results):
    """List `(name, value)` of Keras's results, where a metric of several values is a dict of its own."""
    nested = (_flat(value) if isinstance(value, dict) else [(name, value)] for name, value in results.items())
    return [pair for pairs in nested for pair in pairs]


class Reseed(keras.callbacks.Callback):
    """Start every epoch's dropout from a state that the seed and the epoch decide.

    Keras does not save the state of dropout's generators: without this, a continued run draws other masks.
    """

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        generators = [x.seed_generator for x in self.model.layers if isinstance(x, keras.layers.Dropout) and x.rate]
        for i, generator in enumerate(generators):
            # [seed, counter]; no epoch draws a million masks.
            state = np.array([self.seed + i, epoch * 1_000_000])
            generator.state.assign(keras.ops.cast(state, generator.state.dtype))


class Overlays(keras.callbacks.Callback):
    """Write pictures of photograph, truth and prediction side by side to TensorBoard after every epoch.

    Args:
        inputs: what `predict` takes, one for each picture.
        examples: the examples they are of.
        directory: TensorBoard's log directory.
        background: as for `overlay`.
        devices: what the model trains on, of `devices.open_devices`.
        copy: model to predict with, as `Validate`'s; None for the one that trains.
    """

    def __init__(self, inputs, examples, directory, background, devices, copy=None):
        super().__init__()
        self.background = background
        self.devices = devices
        self.copy = copy
        self.inputs = inputs
        self.examples = examples
        self.directory = directory

    def on_epoch_end(self, epoch, logs=None):
        import tensorflow as tf

        writer = tf.summary.create_file_writer(str(self.directory))
        with writer.as_default(step=epoch):
            for i, (pixels, example) in enumerate(zip(self.inputs, self.examples, strict=True)):
                with self.devices.apart():
                    labels = predict(self.copy or self.model, pixels)
                truth = example["label"]
                if not isinstance(truth, dict):
                    truth, labels = {"": truth}, {"": labels}
                for head in truth:
                    panels = [example["image"]]
                    panels += [
                        overlay(example["image"], maps[head], background=self.background) for maps in (truth, labels)
                    ]
                    name = f"overlay_{head}/{i}" if head else f"overlay/{i}"
                    tf.summary.image(name, np.concatenate(panels, axis=1)[None])
        writer.close()
