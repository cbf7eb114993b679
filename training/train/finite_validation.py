"""End a run whose validation made figures of what is no number, before one of them is kept."""

import math

import keras

from fcn_keras.inference import predict
from fcn_keras.inference.bounds import is_sure
from fcn_keras.interface import pixels_of

from ..scoring.images import name_of
from .watchdog import DOCS, NOT_A_NUMBER, confusion_metrics


class FiniteValidation(keras.callbacks.Callback):
    """Look at the validation of every epoch, as `require_validated` does, before it is logged.

    Args:
        recipe: of the stage.
        scored: data set that is validated on.
        modality: that the network takes.
        devices: what the model trains on, of `devices.open_devices`.
        copy: model that is scored, as `Validate`'s; None for the one that trains.
        whole: function from that model to the network that predicts.
    """

    def __init__(self, recipe, scored, modality, devices, copy=None, whole=lambda model: model):
        super().__init__()
        self.recipe, self.scored, self.modality = recipe, scored, modality
        self.devices, self.copy, self.whole = devices, copy, whole

    def on_epoch_end(self, epoch, logs=None):
        model = self.copy or self.model
        where = f"{self.recipe.name}: epoch {epoch + 1}"
        require_figures(model, logs, where)
        with self.devices.apart():
            require_sums(self.whole(model), self.scored, self.modality, where)


def require_figures(model, logs, where):
    """Refuse validation figures that are no numbers.

    Args:
        model: that was scored, with its metrics.
        logs: figures by name; those of training, where batches may be left out, are not looked at.
        where: what was scored, for the error.

    Raises:
        ValueError: if one is NaN or infinite.
    """
    wrong = {name: x for name, x in logs.items() if name.startswith(("val_", "raw_val_")) and not math.isfinite(x)}
    if not wrong:
        return
    illegal = any(keras.ops.convert_to_numpy(metric.illegal) == 1 for metric in confusion_metrics(model))
    todo = (
        "A label is of no class: run fcn-doctor on the data, which names the files."
        if illegal
        else "The scores of its images are no numbers: take a lower --learning-rate, or --dtype-policy float32."
    )
    raise ValueError(f"{where}: {_said(wrong)} in validation; nothing of this epoch is kept. {todo} {_see()}")


def require_sums(network, scored, modality, where):
    """Refuse a network whose sums overflow on an image that it was validated on.

    Figures do not tell: ReLU turns minus infinity into 0, and on x86 NaN as well. Where the weights do not show that
    nothing overflows, the images are labelled once more, and every layer is looked at. Float16 shows that of no
    weights: there it is left to the images of which pictures are made.

    Args:
        network: that predicts.
        scored: data set that it was validated on.
        modality: that it takes.
        where: what was scored, for the error.

    Raises:
        ValueError: that names the image and the layer.
    """
    if any(x.compute_dtype == "float16" for x in network.layers) or is_sure(network):
        return
    for index in range(len(scored)):
        try:
            predict(network, pixels_of(scored[index], modality))
        except ValueError as error:
            raise ValueError(f"{where}: {name_of(scored, index)}: {error} {_see()}") from error


def _said(wrong):
    return ", ".join(f"{name} is {value}" for name, value in wrong.items())


def _see():
    return f"See {DOCS}#{NOT_A_NUMBER}."
