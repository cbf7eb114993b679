"""Runs by name: a recipe is a frozen value, and a new experiment is a new value, not a new flag.

`fcn-train NAME` trains `RECIPES[NAME]`; a recipe's `init_from` is trained first.

Reference: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path

import keras

from fcn_keras.augment import compose, crop, jitter, mirror, scale
from fcn_keras.backbone import VGG16
from fcn_keras.datasets.folder import Folder
from fcn_keras.datasets.synthetic import Synthetic
from fcn_keras.models import FCN8s, FCN16s, FCN32s
from fcn_keras.optimizers import CaffeSGD

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run but the place of its data.

    Attributes:
        model: function of `fcn_keras.models`, called with the data set's classes and `model_options`.
        data: `(directory, split) -> examples`, a data set of `fcn_keras.datasets`; `directory` is None where the
            data set is drawn.
        steps: updates in all, in epochs of `steps_per_epoch`; after each the split `val` is scored, and the weights
            kept.
        init_from: name of the recipe whose best weights are transplanted; None starts from VGG16 (`imagenet`)
            or from scratch.
        imagenet: start the trunk from VGG16 trained on ImageNet.
        learning_rate: where the rate starts; it falls to `final_learning_rate` times that along a half cosine.
        optimizer: called with the learning rate, returns a `keras.optimizers.Optimizer`.
        frozen: prefixes of the names of layers that do not learn.
        validation_images: at most so many, evenly spaced over the split, are scored after an epoch.
        dtype_policy: Keras's, such as `"mixed_bfloat16"`.
    """

    name: str
    model: Callable
    data: Callable[[Path | None, str], Sequence]
    steps: int
    steps_per_epoch: int
    learning_rate: float
    model_options: Mapping = field(default_factory=dict)
    init_from: str | None = None
    imagenet: bool = False
    final_learning_rate: float = 1.0
    optimizer: Callable = CaffeSGD
    reduction: str = "mean"
    class_weights: tuple[float, ...] | None = None
    batch_size: int = 1
    augment: Callable | None = None
    buckets: tuple[tuple[int, int], ...] | None = None
    replacement: bool = False
    frozen: tuple[str, ...] = ()
    validation_images: int | None = None
    dtype_policy: str = "float32"
    seed: int = 1337  # the released data layers' seed

    def __post_init__(self):
        for name in ("steps", "steps_per_epoch", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` is at least 1. Received: {getattr(self, name)}.")
        if self.steps % self.steps_per_epoch:
            raise ValueError(
                "`steps` must be a multiple of `steps_per_epoch`, after which weights are kept. "
                f"Received: {self.steps} and {self.steps_per_epoch}. With --steps, give --steps-per-epoch too."
            )
        if self.dtype_policy not in POLICIES:
            raise ValueError(f"`dtype_policy` is one of {POLICIES}. Received: {self.dtype_policy!r}.")
        if not self.learning_rate > 0:
            raise ValueError(f"`learning_rate` is above 0. Received: {self.learning_rate}.")


SCENES = {"train": (800, 1), "val": (80, 2)}  # split -> number of scenes, seed


def synthetic(directory, split):
    """Draw the toy scenes."""
    if directory is not None:
        raise ValueError("The synthetic scenes are drawn, not read. Leave --data out.")
    if split not in SCENES:
        raise ValueError(f"The synthetic scenes have the splits {', '.join(SCENES)}. Received: {split!r}.")
    count, seed = SCENES[split]
    return Synthetic(count, seed=seed)


def folder(directory, split, **options):
    """Read one's own images and masks: `Folder` with a message for the command line."""
    if directory is None:
        raise ValueError("This recipe reads images: give their folder with --data DIR.")
    return Folder(directory, split, **options)


NARROW = (((16, 1), (32, 1), (48, 2), (64, 2), (96, 2)), 160)

SYNTHETIC_FCN32S = Recipe(
    name="synthetic_fcn32s",
    model=FCN32s,
    model_options={"channels": NARROW, "dropout": 0.1},
    data=synthetic,
    steps=500,
    steps_per_epoch=125,
    optimizer=partial(keras.optimizers.Adam, global_clipnorm=1.0),
    learning_rate=2e-3,
    final_learning_rate=0.05,
    batch_size=4,
    augment=mirror,
    validation_images=20,
)
SYNTHETIC_FCN16S = replace(
    SYNTHETIC_FCN32S, name="synthetic_fcn16s", model=FCN16s, init_from="synthetic_fcn32s", steps=250
)
SYNTHETIC_FCN8S = replace(SYNTHETIC_FCN16S, name="synthetic_fcn8s", model=FCN8s, init_from="synthetic_fcn16s")

# The stand-in's eleven classes; 11 is its void. Brostow et al. 2009, as grouped by SegNet.
CAMVID = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign",
    "fence",
    "car",
    "pedestrian",
    "cyclist",
)
CAMVID_FCN32S = Recipe(
    name="camvid_fcn32s",
    model=FCN32s,
    model_options={"channels": (VGG16[0], 512)},
    data=partial(folder, classes=CAMVID, ignore_label=11),
    imagenet=True,
    steps=250,
    steps_per_epoch=125,
    optimizer=keras.optimizers.Adam,
    learning_rate=2e-4,
    final_learning_rate=0.02,
    batch_size=4,
    augment=compose(partial(scale, low=0.5, high=1.0), partial(crop, height=180, width=240), mirror),
    validation_images=20,
)
CAMVID_FCN16S = replace(
    CAMVID_FCN32S,
    name="camvid_fcn16s",
    model=FCN16s,
    init_from="camvid_fcn32s",
    steps=100,
    steps_per_epoch=50,
)
CAMVID_FCN8S = replace(
    CAMVID_FCN32S,
    name="camvid_fcn8s",
    model=FCN8s,
    init_from="camvid_fcn16s",
    steps=350,
    steps_per_epoch=175,
)

# One's own photographs and masks: whole images at their own size, one at a time, as in the paper.
FOLDER_FCN32S = Recipe(
    name="folder_fcn32s",
    model=FCN32s,
    data=folder,
    imagenet=True,
    steps=8000,
    steps_per_epoch=500,
    optimizer=keras.optimizers.Adam,
    learning_rate=1e-4,
    final_learning_rate=0.02,
    augment=compose(mirror, jitter),
    validation_images=200,
)
FOLDER_FCN16S = replace(FOLDER_FCN32S, name="folder_fcn16s", model=FCN16s, init_from="folder_fcn32s", steps=4000)
FOLDER_FCN8S = replace(FOLDER_FCN16S, name="folder_fcn8s", model=FCN8s, init_from="folder_fcn16s")

RECIPES = {
    recipe.name: recipe
    for recipe in (
        SYNTHETIC_FCN32S,
        SYNTHETIC_FCN16S,
        SYNTHETIC_FCN8S,
        CAMVID_FCN32S,
        CAMVID_FCN16S,
        CAMVID_FCN8S,
        FOLDER_FCN32S,
        FOLDER_FCN16S,
        FOLDER_FCN8S,
    )
}


def describe(recipe):
    """Write a recipe's fields as JSON's types; functions by their names and what is bound to them."""
    return {f.name: _written(getattr(recipe, f.name)) for f in fields(recipe)}


def _written(value):
    if isinstance(value, partial):
        bound = [str(_written(x)) for x in value.args]
        bound += [f"{key}={_written(x)}" for key, x in value.keywords.items()]
        return f"{_written(value.func).lstrip('_')}({', '.join(bound)})"
    if callable(value):
        return value.__name__
    if isinstance(value, Mapping):
        return {key: _written(x) for key, x in value.items()}
    if isinstance(value, tuple | list):
        return [_written(x) for x in value]
    return value


def classes_of(given):
    """Turn what `--classes` gives into what `Folder` takes: a number, or the absolute path of a class file."""
    return int(given) if given.isdigit() else str(Path(given).resolve())


def find(name, overrides=None):
    """Return the recipe of that name with `overrides` put into it.

    Args:
        overrides: dict of a subset of `steps`, `steps_per_epoch`, `batch_size`, `learning_rate`, `seed`,
            `dtype_policy`, and of `classes` and `ignore_label`, which go to the reader of one's own folder.

    Raises:
        ValueError: if there is no such recipe, or it does not take an override.
    """
    if name not in RECIPES:
        raise ValueError(f"No recipe is called {name!r}. There are: {', '.join(RECIPES)}.")
    recipe, overrides = RECIPES[name], dict(overrides or {})
    reading = {key: overrides.pop(key) for key in ("classes", "ignore_label") if key in overrides}
    if reading:
        if recipe.data is not folder:
            raise ValueError(f"{name} knows its classes: {', '.join(sorted(reading))} cannot be set for it.")
        overrides["data"] = partial(folder, **reading)
    if "steps" in overrides:
        epochs = -(-overrides["steps"] // recipe.steps_per_epoch)
        overrides.setdefault("steps_per_epoch", overrides["steps"] // max(epochs, 1))
    return replace(recipe, **overrides)
