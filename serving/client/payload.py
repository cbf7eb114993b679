"""What a client sends and gets: image files, and PNGs of labels."""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from fcn_keras.datasets.exif import turned_upright

from ..errors import ServingError

CONFIDENCE = "confidence_map_bytes"


def file_of(value, argument):
    """Make the file that goes over."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (str, os.PathLike)):
        return Path(value).read_bytes()
    shape, dtype, kind = (
        ("H, W", "uint16", "") if argument == "depth" else ("H, W, 3", "uint8", "a PIL image of 8 bits, ")
    )
    if isinstance(value, Image.Image) and kind and value.mode[0] not in "IF":
        return _png(_upright(value))
    if isinstance(value, np.ndarray):
        free = (*value.shape[:2], 3) if kind else value.shape[:2]
        if value.dtype == dtype and value.ndim > 1 and value.shape == free and value.size:
            return _png(Image.fromarray(np.ascontiguousarray(value)))
        received = f"{value.dtype} {value.shape}"
    else:
        received = f"mode {value.mode}" if isinstance(value, Image.Image) else type(value).__name__
    raise ValueError(f"`{argument}` is a path, a file's bytes, {kind}or ({shape}) {dtype}. Received: {received}.")


def _upright(image):
    """Turn a PIL image as files are turned in training and on the server: by EXIF alone."""
    try:
        return turned_upright(image).convert("RGB")
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise ValueError(f"A PIL image cannot be read: {error}.") from error


def _png(image):
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)  # higher levels take longer than the network saves
    return file.getvalue()


def value_of(name, value):
    """Turn an output into an array, bytes into text: unless its name says that it is a file."""
    if not isinstance(value, bytes):
        return np.asarray(value)
    return value if name.endswith("_bytes") else value.decode("utf-8", "replace")


def heads_of(outputs):
    """List the heads among the names of a model's outputs; an only head is `""`."""
    keys = [key for key in outputs if key.endswith("_png_bytes") and not key.endswith("color_png_bytes")]
    heads = [key.removesuffix("_png_bytes") for key in keys]
    return [""] if heads == ["label"] else heads


def labels_of(outputs, name):
    """Take the label PNGs out of a model's outputs, and return them decoded, and the rest."""
    rest = {key: value for key, value in outputs.items() if key != "status"}
    size = tuple(int(rest.pop(key)) for key in ("height", "width") if key in rest)
    heads = heads_of(outputs)
    if not heads:
        raise ServingError("INTERNAL", f"{name}: the model gives {sorted(rest)}. Expected label_png_bytes.")
    labels = {head: _decode(rest.pop(f"{head or 'label'}_png_bytes"), size, name) for head in heads}
    return labels.get("", labels), rest


def confidence_of(labels, outputs):
    """Decode the confidence maps among a model's other outputs: of `Answer.confidence`.

    Args:
        labels, outputs: of an `Answer`.

    Raises:
        ServingError: if one cannot be read.
    """
    by_head = labels if isinstance(labels, dict) else {"": labels}
    names = {head: f"{head}_{CONFIDENCE}".lstrip("_") for head in by_head}
    found = {head: _confidence(outputs[name], by_head[head].shape) for head, name in names.items() if outputs.get(name)}
    return (found or None) if isinstance(labels, dict) else found.get("")


def _confidence(png, size):
    map_ = _decode(png, size, "an image", "confidence map")
    if map_.dtype != np.uint8:
        raise ServingError("INTERNAL", f"A confidence map has 8 bits. Received: {map_.dtype}.")
    return map_


def scaling_of(labels, outputs):
    """Tell how a photograph was scaled: its own `(H, W)` and that at which it was scored; None where it was not.

    Args:
        labels, outputs: of an `Answer`.
    """
    if not {"scored_height", "scored_width"} <= set(outputs):
        return None
    own = next(iter(labels.values())).shape if isinstance(labels, dict) else labels.shape
    scored = int(outputs["scored_height"]), int(outputs["scored_width"])
    return None if scored == own else (own, scored)


def _decode(png, size, name, what="labels"):
    try:
        # Not `Image.open`, which knows more formats and refuses large files.
        with PngImagePlugin.PngImageFile(io.BytesIO(png)) as image:
            if image.mode not in ("L", "I;16") or (size and image.size[::-1] != size):
                raise ValueError(f"{image.mode} {image.size[::-1]} for an image of {size}")
            return np.array(image)
    except Exception as error:  # damaged files make Pillow raise nearly anything
        raise ServingError("INTERNAL", f"{name}: the server's {what} cannot be read: {error}.") from error
