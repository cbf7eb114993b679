"""Compare a file's answers with the model's, and refuse a file that answers too differently."""

from typing import NamedTuple

import numpy as np

import fcn_keras as fcn
from fcn_keras.interface import heads_of, in_float32, inputs_of

from ..drawn_images import draw_inputs, for_predict
from ..options import PRECISIONS

# Labels: two scores that nearly tie may change places. A trained network has such pixels along the borders of objects.
# float16 keeps 11 bits of a weight, and moves scores by a thousandth; bfloat16 and int8 keep 8 bits, of maps as well,
# and move them by hundredths.
LEAST_AGREEMENT = {"fp32": 0.999, "fp16": 0.995, "bf16": 0.98, "int8": 0.98}
LARGEST_ERROR = {"fp32": 1e-4}  # of the largest score; of the other precisions, labels are what counts
DRAWN_SIZES = ((97, 131), (64, 96))  # off the network's grid and on it
ADVICE = {
    "fp32": "Please report this",
    "fp16": "Take fp32, or accept it with --least-agreement",
    "bf16": "Take fp32, or accept it with --least-agreement",
    "int8": "Calibrate on images that are more like those of the training, take fp16, or accept it with "
    "--least-agreement",
}


class Figures(NamedTuple):
    """How far a file is from the model that it was made of.

    Attributes:
        agreement: share of the pixels that both label alike, of the head where it is least.
        largest_error: of a score, as a share of the image's largest score; None if the file answers labels.
        images: a phrase that says on which images.
    """

    agreement: float
    largest_error: float | None
    images: str


def check_precision(precision, calibration):
    """Refuse an unknown precision, int8 without images, and images without int8."""
    if precision not in PRECISIONS:
        raise ValueError(f"`precision` is one of {PRECISIONS}. Received: {precision!r}.")
    if precision == "int8" and not calibration:
        raise ValueError("int8 needs images to calibrate on. Pass `calibration=read_calibration(folder, model)`.")
    if precision != "int8" and calibration is not None:
        raise ValueError(f"`calibration` goes with int8 alone. Received: precision={precision!r}. Leave it out.")


def measure(model, answer, calibration=None):
    """Compare a file with a model on images held out from calibration, else on the calibrated, else on drawn ones.

    Args:
        model: a network of this package, under any dtype policy.
        answer: function from an image to `{head: array}`, scores (H, W, K) or labels (H, W).
        calibration: images as `fcn_keras.predict` takes them, with more of them in `held_out` if there are, or None.

    Returns:
        `Figures`.
    """
    model = in_float32(model)
    images, phrase = _images(model, calibration)
    equal, pixels, error = {}, 0, None
    for image in images:
        theirs = heads_of(fcn.predict(model, image, output="scores"))
        pixels += next(iter(theirs.values()))[..., 0].size
        for head, ours in answer(image).items():
            scores = theirs[head]
            if ours.ndim == 3:
                error = float(np.maximum(error or 0.0, _error(ours, scores)))  # which stays NaN
                ours = ours.argmax(axis=-1)
            equal[head] = equal.get(head, 0) + np.count_nonzero(ours == scores.argmax(axis=-1))
    return Figures(float(min(equal.values()) / pixels), error, phrase)


def _error(ours, theirs):
    """Return the largest difference of scores as a share of the largest one; NaN if one is no number."""
    difference, largest = np.abs(ours - theirs).max(), np.abs(theirs).max()
    return difference / largest if difference > 0 and np.isfinite(ours).all() else difference * 1.0


def _images(model, calibration):
    """Choose the images to compare on, and a phrase that says what they are."""
    if calibration is None:
        return _drawn(model), "drawn"
    if held_out := getattr(calibration, "held_out", ()):
        return held_out, f"{len(held_out)} held out"
    return calibration, f"{len(calibration)} calibrated on"


def _drawn(model):
    channels = {name: x.shape[-1] for name, x in inputs_of(model).items()}
    return [for_predict(draw_inputs(channels, *size)) for size in DRAWN_SIZES]


def require(figures, name, precision, least_agreement=None):
    """Raise a `ValueError` if a file answers too differently.

    Args:
        least_agreement: a share from 0 to 1; default that of `LEAST_AGREEMENT`.
    """
    least = LEAST_AGREEMENT[precision] if least_agreement is None else least_agreement
    allowed = LARGEST_ERROR.get(precision)
    if figures.largest_error is not None and not np.isfinite(figures.largest_error):
        wrong = f"scores that are NaN or infinite ({figures.images} images)"
    elif allowed is not None and figures.largest_error is not None and not figures.largest_error <= allowed:
        wrong = f"scores that are off by {figures.largest_error:.1e} of the largest; {allowed:g} is allowed"
    elif not figures.agreement >= least:
        wrong = f"labels of which {100 * figures.agreement:.2f} % agree ({figures.images}); {100 * least:g} % have to"
    else:
        return
    raise ValueError(f"{name} gives {wrong}. Nothing was written. {ADVICE[precision]}.")
