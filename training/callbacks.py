"""What `fit` does after every epoch beside Keras's own logs: checkpoints and pictures."""

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

    Args:
        stage: the `Stage` to write to.
        best: highest mean IU of the epochs before a continued run, or None.
    """

    def __init__(self, stage, best=None):
        super().__init__()
        self.stage = stage
        self.best = best

    def on_epoch_end(self, epoch, logs=None):
        score = mean_iu(logs)
        if self.best is None or score > self.best or not self.stage.best.exists():
            save_model(self.model, self.stage.best)
            self.best = score
        # Last: its presence says that the epoch's best and log row are there too.
        save_model(self.model, self.stage.last)


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
    """

    def __init__(self, inputs, examples, directory, background):
        super().__init__()
        self.background = background
        self.inputs = inputs
        self.examples = examples
        self.directory = directory

    def on_epoch_end(self, epoch, logs=None):
        import tensorflow as tf

        writer = tf.summary.create_file_writer(str(self.directory))
        with writer.as_default(step=epoch):
            for i, (pixels, example) in enumerate(zip(self.inputs, self.examples, strict=True)):
                labels = predict(self.model, pixels)
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
