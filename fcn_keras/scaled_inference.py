"""Label a photograph at the scale that a network knows: reduced, scored, and the scores brought back to its size."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from fcn_keras.inference import Image, Maps, as_input, predict
from fcn_keras.inference.whole import finish_of, require_output
from fcn_keras.layers import Preprocess
from fcn_keras.photographs import Photographs, Scale, Size, require_scale, scaled_size
from fcn_keras.probabilities import finish_of_probabilities
from fcn_keras.scaling import area_reduced, finished_at, labels_at, nearest_reduced


def photographs_of(model: keras.Model) -> Photographs | None:
    """Return what photographs `model` was trained on, or None where it does not know."""
    known = (layer.photographs for layer in model.layers if isinstance(layer, Preprocess))
    return next((photographs for photographs in known if photographs is not None), None)


def remember_photographs(model: keras.Model, photographs: Photographs | None) -> None:
    """Write into `model` what `photographs` it is trained on. They are saved with it."""
    for layer in model.layers:
        if isinstance(layer, Preprocess):
            layer.photographs = photographs


def predict_scaled(
    model: keras.Model,
    image: Image,
    *,
    scale: float | int | None = None,
    predictor: Callable[..., Maps] | None = None,
    output: str = "labels",
    interpolated: str = "scores",
) -> Maps:
    """Label every pixel of one photograph, looking at it at the scale that the model knows.

    A network knows things at the sizes that its training showed. `fcn-train` writes the sizes of the photographs into
    the model; one whose sides are more than 1.25 times those of the largest is reduced to as many pixels as they had:
    colours by exact means of areas, depth and HHA by the nearest pixel. Its scores are brought back to the
    photograph's own size bilinearly, and the labels are taken there. A model that knows no scale, and a photograph
    that is not far larger, give what `predict` gives.

    Args:
        model, image: as for `predict`. Colours of another dtype than uint8 are rounded where they are reduced.
        scale: another size than the model's own: a factor on the sides, above 0 and up to 1 (1 keeps the size), or
            the longer side in pixels, above 1. Nothing is enlarged.
        predictor: what labels or scores images in the place of `predict`, and is called as that is: with
            `output=output` where nothing is to be reduced, else with `output=interpolated`.
        output: as for `predict`, of every pixel of the photograph.
        interpolated: what is brought back to the photograph's size: `"scores"`, or `"probabilities"`, such as the mean
            that `predict_augmented` gives.

    Returns:
        What `predict` returns for that `output`.

    Raises:
        ValueError: as `predict`, on another scale, or if scores are asked for where probabilities are interpolated.

    Example:
        >>> import numpy as np
        >>> import fcn_keras as fcn
        >>> model = fcn.FCN8s(21, channels=(((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 8))
        >>> fcn.predict_scaled(model, np.zeros((300, 400, 3), np.uint8), scale=64).shape  # scored at 48x64
        (300, 400)
    """
    require_scale(scale)
    finish = _finish_of(output, interpolated)
    images = as_input(model, image)
    own = size_of(images)
    size = scaled_size(own, scale_for(model, scale))
    predictor = predictor or predict
    if size == own:
        return predictor(model, images, output=output)
    found = predictor(model, reduce_image(model, images, size), output=interpolated)
    if output == "labels":
        return keras.tree.map_structure(lambda x: labels_at(x, own), found)
    return keras.tree.map_structure(lambda x: finished_at(x, own, finish), found)


def _finish_of(output: str, interpolated: str) -> Callable[[Any], Any]:
    """Return the function that makes an output of what was interpolated, in NumPy."""
    require_output(output)
    if interpolated == "scores":
        of_scores = finish_of(output)
        return lambda scores: keras.ops.convert_to_numpy(of_scores(keras.ops.convert_to_tensor(scores)))
    if interpolated != "probabilities" or output == "scores":
        raise ValueError(
            '`interpolated` is "scores", or "probabilities" for any output but scores. '
            f"Received: {interpolated!r} for {output!r}."
        )
    return finish_of_probabilities(output)


def scale_for(model: keras.Model, given: float | int | None) -> Scale:
    """Return the scale that was given, or else the model's own."""
    return photographs_of(model) if given is None else given


def size_of(images: Any) -> Size:
    """Return the `(H, W)` of `images`, an array or a dict of them."""
    height, width = keras.tree.flatten(images)[0].shape[:2]
    return height, width


def reduce_image(model: keras.Model, images: Any, size: Size) -> Any:
    """Reduce what a model takes: colours by areas, depth and HHA by the nearest pixel.

    Args:
        model: a network of this package.
        images: what `inference.as_input` returns: an array `(H, W, C)`, or a dict of them.
        size: `(h, w)`, of which none is larger than the image's.

    Returns:
        the same of that size, in the same dtypes.
    """
    modality_of = {id(layer.input): layer.modality for layer in model.layers if isinstance(layer, Preprocess)}

    def reduce(pixels: Any, tensor: Any) -> Any:
        modality = modality_of.get(id(tensor), "rgb")
        if modality == "hha":
            return nearest_reduced(pixels, size)
        colours = pixels[..., :3]
        if colours.dtype != np.uint8:
            colours = np.rint(colours).astype(np.uint8)
        colours = area_reduced(colours, size).astype(pixels.dtype)
        return np.concatenate([colours, nearest_reduced(pixels[..., 3:], size)], axis=-1)

    return keras.tree.map_structure(reduce, images, model.input)
