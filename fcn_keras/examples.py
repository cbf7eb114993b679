"""Check examples and bring them to fixed names and dtypes (numpy only).

A flat example names the heads of a label dict `"label/<head>"`, so that every value is an array.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Example = Mapping[str, Any]  # of arrays or tensors, or of dicts of them by head
Dtypes = dict[str, type[np.generic]]  # by flat name

VOID = 255  # the label of pixels that do not count
MODALITIES = {"rgb": ("image",), "hha": ("hha",), "rgbd": ("image", "depth"), "rgb_hha": ("image", "hha")}
KEYS = ("image", "label", "depth", "hha")
CHANNELS: dict[str, tuple[int, ...]] = {"image": (3,), "hha": (3,), "depth": (), "label": ()}
_WIDE: Dtypes = {"image": np.float32, "hha": np.float32, "depth": np.float32, "label": np.int32}


def kind(name: str) -> str:
    """Strip the head off a flat name: `"label/sem"` -> `"label"`."""
    return name.partition("/")[0]


def flatten(example: Example) -> dict[str, Any]:
    """Keep the pixel maps of an example, each head of a label dict under its own flat name."""
    flat = {key: example[key] for key in KEYS if key in example}
    if isinstance(flat.get("label"), Mapping):
        flat.update({f"label/{head}": label for head, label in flat.pop("label").items()})
    return flat


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `flatten`."""
    example = {name: value for name, value in flat.items() if "/" not in name}
    heads = {name.partition("/")[2]: value for name, value in flat.items() if "/" in name}
    return {**example, "label": heads} if heads else example


def signature(flat: Mapping[str, Any], modality: str, *, all_keys: bool) -> Dtypes:
    """Choose the flat names to read and their dtypes from a first example's dtypes.

    8-bit images and labels stay uint8; other labels become int32, other images and depth float32.

    Args:
        flat: mapping from flat name to anything with a `dtype`.
        all_keys: read whatever the data set has (an augmentation may look at it), not only the needed.
    """
    needed = (*MODALITIES[modality], "label")
    kinds = {kind(name) for name in flat}
    if not kinds.issuperset(needed):
        raise ValueError(
            f"modality={modality!r} needs {', '.join(map(repr, needed))} in every example. "
            f"This data set has: {', '.join(map(repr, sorted(kinds))) or 'none of the known keys'}."
        )
    return {
        name: np.uint8 if value.dtype == np.uint8 and kind(name) != "depth" else _WIDE[kind(name)]
        for name, value in flat.items()
        if all_keys or kind(name) in needed
    }


def as_arrays(example: Example, dtypes: Dtypes, index: int) -> list[NDArray[Any]]:
    """Check example `index` and return its arrays in the order and dtypes of `signature`."""
    flat = {name: np.asarray(value) for name, value in flatten(example).items()}
    lacking = [name for name in dtypes if name not in flat]
    if lacking:
        raise ValueError(f"Example {index} lacks {lacking}, which the first example has.")
    arrays = []
    for name, dtype in dtypes.items():
        array, channels = flat[name], CHANNELS[kind(name)]
        if not channels and array.ndim == 3 and array.shape[2] == 1:
            array = array[..., 0]
        if array.ndim != 2 + len(channels) or array.shape[2:] != channels or 0 in array.shape:
            raise ValueError(
                f"`{name}` must be (H, W{''.join(f', {c}' for c in channels)}), not empty. "
                f"Received: shape {array.shape} in example {index}."
            )
        converted = array.astype(dtype, copy=False)
        if np.issubdtype(dtype, np.integer) and array.dtype != dtype and (converted != array).any():
            raise ValueError(
                f"`{name}` of example {index} has values that do not fit {np.dtype(dtype).name}, the first "
                f"example's type. Received: {array.dtype} from {array.min()} to {array.max()}."
            )
        arrays.append(converted)
    sizes = {name: array.shape[:2] for name, array in zip(dtypes, arrays, strict=True)}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"The pixel maps of example {index} must have one size. Received: {sizes}.")
    return arrays
