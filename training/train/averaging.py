"""The exponential moving average of the weights, which Keras's optimizers keep beside the weights that train.

The model that trains holds the raw weights from the first batch to the last. The averaged ones are part of the
optimizer's state, so a checkpoint has both, at whatever moment it is written. A copy of the model scores them.
"""

import keras
import numpy as np


def averaged_weights(model):
    """Return the weights of a model as `set_weights` takes them, the averaged ones where its optimizer has them.

    Raises:
        ValueError: if its optimizer averages nothing.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # float16 wraps it
    if not optimizer.use_ema:
        raise ValueError(f"{type(optimizer).__name__} keeps no average: it was made without `use_ema`.")
    averages = optimizer._model_variables_moving_average  # Keras names it nowhere else; SwapEMAWeights reads it too
    average_of = {id(x): average for x, average in zip(model.trainable_variables, averages, strict=True)}
    return [keras.ops.convert_to_numpy(average_of.get(id(weight), weight)) for weight in model.weights]


def uncompiled(model):
    """Return a model of the same layers and weights, without optimizer, loss and metrics: what a file is to hold."""
    return type(model)(model.input, model.output, name=model.name)


class KeepRaw(keras.callbacks.Callback):
    """Leave the raw weights in the model where `fit` ends: Keras puts the averaged ones in their place there.

    A run that goes on within an epoch calls `fit` twice, and trains on from what the first call leaves.
    """

    def __init__(self):
        super().__init__()
        self.raw = None

    def on_epoch_begin(self, epoch, logs=None):
        self.raw = None

    def on_epoch_end(self, epoch, logs=None):
        self.raw = [np.array(keras.ops.convert_to_numpy(x)) for x in self.model.trainable_variables]

    def on_train_end(self, logs=None):
        for variable, value in zip(self.model.trainable_variables, self.raw, strict=True):
            variable.assign(value)
        self.raw = None
