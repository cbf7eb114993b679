"""Weights into networks: from Caffe, and from one network to the next. `imagenet` has those of ImageNet classifiers.

All functions check everything before they assign anything: after an error the model is as it was.
"""

import dataclasses
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fcn_keras import caffemodel
from fcn_keras.finite import require_finite_arrays

FilePath = str | os.PathLike[str]
Names = tuple[str, ...]
Layers = dict[str, keras.Layer]  # by name
Plan = Mapping[str, Sequence[Any]]  # layer -> values of its weights

# A layer of a backbone; what follows is the suffix of its backbone and of its head.
BACKBONE_LAYER = re.compile(r"conv\d+_\d+|fc\d+|score_fr|s(?:core|kip)_pool\d+")


@dataclasses.dataclass(frozen=True)
class Loaded:
    """What a load did; `str()` says it in words.

    Args:
        copied: layers of the model that got weights.
        missing: layers of the model that the file has nothing for; they keep what they had.
        unused: layers of the file that the model has no use for.
        confirmed: layers of the model without weights whose fixed value the file shares.
        pixels: a sentence on what pixels the file's weights were trained on, and what tells that; or `""`.
    """

    copied: Names
    missing: Names = ()
    unused: Names = ()
    confirmed: Names = ()
    pixels: str = ""

    def __str__(self) -> str:
        words = ("Copied", "Not in the file, kept as they were", "In the file, not used", "Fixed, and the same")
        parts = zip(words, (self.copied, self.missing, self.unused, self.confirmed), strict=True)
        lines = [f"{what} ({len(names)}): {', '.join(names)}." for what, names in parts if names]
        return "\n".join([*lines, self.pixels] if self.pixels else lines)


def load_caffemodel(model: keras.Model, path: FilePath) -> Loaded:
    """Load a `.caffemodel`, V1 or new format, gzipped or not, into the layers of the same names.

    InnerProduct fc6 and fc7 become convolutions, grouped upsampling its channel diagonal. Three-channel `conv1_1`
    is not put into the `conv1_1_bgrd` of early fusion; `load_imagenet` does that.

    Args:
        model: of `FCN32s`, `FCN16s`, `FCN8s`, `LateFusion` or `FCNAlexNet`.
        path: the file, e.g. the released `fcn8s-heavy-pascal.caffemodel`.

    Returns:
        `Loaded`: what was and was not copied.

    Raises:
        ValueError: if the file is damaged, shares no layer with the model, holds other shapes or NaN, or scales a
            pool otherwise (`at_once`).
        OSError: if the file cannot be read.
    """
    blobs = caffemodel.read(path)
    layers = weighted(model)
    plan, problems = {}, []
    for name in (name for name in layers if name in blobs):
        try:
            plan[name] = _from_caffe(layers[name], blobs[name])
        except _Mismatch as error:
            problems.append(f"{name} {error}")
    if problems:
        raise ValueError(
            f"`model` must have the shapes of the file's layers. Received: {path}: {'; '.join(problems[:5])}. "
            "If `num_classes` differs, build a model with the file's, load it, and `transplant` it into yours; "
            "if widths differ, build with the file's `channels`."
        )
    _check_any(plan, path, blobs, layers)
    require_finite_arrays(plan.items(), path)
    theirs, ours = {name: blobs[name][0] for name in blobs if name.startswith("scale_pool")}, _scales(model)
    _check_scales({name: name for name in plan}, theirs, ours, path)
    assign(layers, plan)
    confirmed = tuple(name for name in theirs if name in ours and np.allclose(theirs[name], ours[name], atol=0))
    return Loaded(*summary(layers, plan, [n for n in blobs if n not in plan and n not in confirmed]), confirmed)


def transplant(source: keras.Model, target: keras.Model, *, suffix: str = "") -> list[str]:
    """Copy the weights of all layers that two networks share by name, as in the paper's 32s -> 16s -> 8s.

    `score*` and `upscore*` layers that differ only in the number of classes are left as they are, so that a backbone
    can be fine-tuned on other classes. What the models subtract from pixels (`mean`) is not copied. What photographs
    the source was trained on is, where the target does not know of any.

    Args:
        source: network to copy from; any dtype policy.
        target: network to copy into.
        suffix: backbone of `LateFusion` to fill: `"color"` or `"hha"`. Shared upsampling is not copied then.

    Returns:
        list of the names of the target's layers that were filled.

    Raises:
        ValueError: if no layer is shared, one has another shape or holds NaN, or `at_once` differs.

    Example:
        >>> import fcn_keras as fcn
        >>> narrow = ((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 8
        >>> coarse, finer = fcn.FCN32s(3, channels=narrow), fcn.FCN16s(3, channels=narrow)
        >>> fcn.transplant(coarse, finer)[-3:]  # score_pool4 is new and keeps its zeros
        ['fc6', 'fc7', 'score_fr']
    """
    theirs, ours = weighted(source), weighted(target)
    pairs = {name: twin for name in theirs if (twin := _suffixed(name, suffix)) in ours}
    plan, problems = {}, []
    for name, twin in pairs.items():
        there, here = ([tuple(w.shape) for w in layer.weights] for layer in (theirs[name], ours[twin]))
        if there == here:
            plan[twin] = theirs[name].weights
        elif not _differ_in_classes(name, there, here):
            problems.append(f"{twin}: {there} into {here}")
    if problems:
        raise ValueError(
            "`source` and `target` must have the same shapes (but for the number of classes). "
            f"Received: {'; '.join(problems[:5])}. Build both with the same `channels`."
        )
    _check_any(plan, f"{source.name} (suffix {suffix!r})", theirs, ours)
    require_finite_arrays(plan.items(), source.name)
    copied = {name: twin for name, twin in pairs.items() if twin in plan}
    _check_scales(copied, _scales(source), _scales(target), source.name)
    assign(ours, plan)
    _remember_photographs(source, target, suffix)
    return list(plan)


class _Mismatch(Exception):
    """How a layer of the file differs from the model's; the caller adds the names."""


def weighted(model: keras.Model) -> Layers:
    """Return the layers of `model` that have weights, by name."""
    return {layer.name: layer for layer in model.layers if layer.weights}


def assign(layers: Layers, plan: Plan) -> None:
    """Give `layers` the weights of `plan`, whose shapes have been checked."""
    for name, values in plan.items():
        for variable, value in zip(layers[name].weights, values, strict=True):
            variable.assign(ops.convert_to_tensor(value, variable.dtype))


def summary(layers: Layers, plan: Plan, unused: Iterable[str]) -> tuple[Names, Names, Names]:
    """Return the first three fields of `Loaded`: of `layers`, those in `plan` and the others; and `unused`."""
    copied, missing = (tuple(n for n in layers if (n in plan) is there) for there in (True, False))
    return copied, missing, tuple(unused)


def _check_any(plan: Plan, source: object, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    if not plan:
        some, others = (", ".join(list(names)[:5]) or "none" for names in (theirs, ours))
        raise ValueError(
            "No layer of the model can be filled: layers are matched by name and must be those of the released "
            f"networks. Received: {source} with {some} ...; the model has {others} ..."
        )


def _from_caffe(layer: keras.Layer, blobs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Return the layer's weights from Caffe's: `(out, in, kh, kw)`, upsampling `(in, out, kh, kw)`."""
    if not isinstance(layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose)):
        raise _Mismatch(f"is a {type(layer).__name__} in the model, which Caffe's networks do not have")
    if len(blobs) != len(layer.weights):
        raise _Mismatch(f"has {len(blobs)} arrays where the model takes {len(layer.weights)}")
    values = [_kernel(blobs[0], layer)]
    for blob in blobs[1:]:
        if blob.size != layer.filters or max(blob.shape, default=1) != blob.size:  # V1 has (1, 1, 1, n)
            raise _Mismatch(f"bias {blob.shape} where the model takes ({layer.filters},)")
        values.append(blob.reshape(-1))
    return values


def _kernel(blob: NDArray[np.float32], layer: keras.Layer) -> NDArray[np.float32]:
    height, width, *rest = layer.kernel.shape
    wanted: tuple[int, ...] = (*rest[::-1], height, width)
    matrix = blob.shape[-2:] if blob.shape[:-2] in ((), (1, 1)) else None  # InnerProduct; V1 has (1, 1, out, in)
    upsampling = isinstance(layer, keras.layers.Conv2DTranspose)
    if blob.shape != wanted and not upsampling and matrix == (wanted[0], math.prod(wanted[1:])):
        blob = blob.reshape(wanted)
    elif blob.shape != wanted and upsampling and wanted[0] == wanted[1] and blob.shape == (wanted[0], 1, *wanted[2:]):
        full = np.zeros(wanted, np.float32)
        full[range(wanted[0]), range(wanted[0])] = blob[:, 0]
        blob = full
    elif blob.shape != wanted:
        raise _Mismatch(f"kernel {blob.shape} where the model takes {wanted}")
    return np.transpose(blob, (2, 3, 1, 0))


def _scales(model: keras.Model) -> dict[str, Any]:
    return {x.name: x.scale for x in model.layers if x.name.startswith("scale_pool")}


def _check_scales(pairs: Mapping[str, str], theirs: Mapping[str, Any], ours: Mapping[str, Any], source: object) -> None:
    """Check that the pools are multiplied by the same numbers wherever a layer that scores them is copied."""
    for name, twin in pairs.items():
        there, here = _scale(theirs, name), _scale(ours, twin)
        if not np.allclose(there, here, rtol=1e-5, atol=0):
            raise ValueError(
                f"Skips must be scaled alike. Received: {source}, whose {name} expects a pool times "
                f"{np.ravel(there)[0]:g}, where the model's is times {here:g}. "
                "Scaled skips belong to `at_once=True`, unscaled ones to `at_once=False`."
            )


def _scale(scales: Mapping[str, Any], score: str) -> Any:
    return next((scale for name, scale in scales.items() if score.startswith(name.replace("scale", "score"))), 1.0)


def _remember_photographs(source: keras.Model, target: keras.Model, suffix: str) -> None:
    known = {x.name: x.photographs for x in source.layers if getattr(x, "photographs", None) is not None}
    for name, photographs in known.items():
        for layer in target.layers:
            if layer.name == _suffixed(name, suffix) and layer.photographs is None:
                layer.photographs = photographs


def _suffixed(name: str, suffix: str) -> str:
    """Return the name with the backbone's suffix before the head's: score_fr_sem -> score_frcolor_sem."""
    base = BACKBONE_LAYER.match(name)
    end = base.end() if base else len(name)
    return name[:end] + suffix + name[end:]


def _differ_in_classes(name: str, there: Sequence[tuple[int, ...]], here: Sequence[tuple[int, ...]]) -> bool:
    """Whether two layers score the same map, or upsample by the same kernel, for other numbers of classes."""
    axes = {"score": 3, "upscore": 2}.get(name.split("_")[0].rstrip("0123456789"), 4)
    return axes < 4 and len(there) == len(here) and there[0][:axes] == here[0][:axes]
