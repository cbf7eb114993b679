"""Runs by name: a recipe is a frozen value, and a new experiment is a new value, not a new flag.

`fcn-train NAME` trains `RECIPES[NAME]`; the recipes it starts from are trained first. Those of the paper's own data
sets stand in `paper.py`.
"""

from dataclasses import replace
from functools import partial

import keras

from fcn_keras.augment import compose, crop, jitter, mirror, scale
from fcn_keras.backbone import VGG16
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from fcn_keras.optimizers import AdamW

from . import paper
from .names import require_name
from .readers import folder, folder_with_hha, synthetic
from .recipe import Recipe

# (filters, convolutions) of the blocks, and the width of fc6 and fc7: a net for two processor cores.
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

# The same in the minutes that a processor has. All convolutions stand still at first: their feature maps are computed
# once, and a head learns from them, all strides at once; then the last block learns too. docs/training.md has what
# each choice brings.
QUICK_FCN8S_HEAD = Recipe(
    name="quick_fcn8s_head",
    model=FCN8s,
    model_options={"channels": (VGG16[0], 512), "fc6_kernel": 3, "skip_channels": (128, 64)},
    data=folder,
    imagenet=True,
    steps=400,
    steps_per_epoch=100,
    optimizer=partial(AdamW, weight_decay=1e-4),
    learning_rate=1e-3,
    final_learning_rate=0.01,
    batch_size=4,
    frozen=("conv",),
    views=400,
    kept_maps=("pool3", "pool4", "pool5"),
    validation_images=200,
)
QUICK_FCN8S = replace(
    QUICK_FCN8S_HEAD,
    name="quick_fcn8s",
    init_from="quick_fcn8s_head",
    learning_rate=2e-4,
    frozen=("conv1", "conv2", "conv3", "conv4"),
)
QUICK_FCN16S_HEAD = replace(QUICK_FCN8S_HEAD, name="quick_fcn16s_head", model=FCN16s)
QUICK_FCN16S = replace(QUICK_FCN8S, name="quick_fcn16s", model=FCN16s, init_from="quick_fcn16s_head")
QUICK_FCN32S_HEAD = replace(QUICK_FCN8S_HEAD, name="quick_fcn32s_head", model=FCN32s)
QUICK_FCN32S = replace(QUICK_FCN8S, name="quick_fcn32s", model=FCN32s, init_from="quick_fcn32s_head")


def _fused(recipe):
    """Return the recipe of two backbones, for colour and HHA, from that of one."""
    skips = {FCN32s: 0, FCN16s: 1, FCN8s: 2}[recipe.model]
    return replace(
        recipe,
        name=_fused_name(recipe.name),
        model=LateFusion,
        model_options={**recipe.model_options, "skips": skips},
        data=folder_with_hha,
        init_from=recipe.init_from and _fused_name(recipe.init_from),
        kept_maps=tuple(name + suffix for suffix in ("color", "hha") for name in recipe.kept_maps),
    )


def _fused_name(name):
    stem, head, _ = name.partition("_head")
    return f"{stem}_rgb_hha{head}"


QUICK_FCN8S_RGB_HHA_HEAD, QUICK_FCN8S_RGB_HHA = _fused(QUICK_FCN8S_HEAD), _fused(QUICK_FCN8S)
QUICK_FCN16S_RGB_HHA_HEAD, QUICK_FCN16S_RGB_HHA = _fused(QUICK_FCN16S_HEAD), _fused(QUICK_FCN16S)
QUICK_FCN32S_RGB_HHA_HEAD, QUICK_FCN32S_RGB_HHA = _fused(QUICK_FCN32S_HEAD), _fused(QUICK_FCN32S)

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
        QUICK_FCN32S_HEAD,
        QUICK_FCN32S,
        QUICK_FCN16S_HEAD,
        QUICK_FCN16S,
        QUICK_FCN8S_HEAD,
        QUICK_FCN8S,
        QUICK_FCN32S_RGB_HHA_HEAD,
        QUICK_FCN32S_RGB_HHA,
        QUICK_FCN16S_RGB_HHA_HEAD,
        QUICK_FCN16S_RGB_HHA,
        QUICK_FCN8S_RGB_HHA_HEAD,
        QUICK_FCN8S_RGB_HHA,
        *paper.RECIPES,
    )
}


def find(name, overrides=None):
    """Return the recipe of that name with `Overrides` put into it.

    Raises:
        ValueError: if there is no such recipe, or it does not take an override.
    """
    require_name(name)
    return RECIPES[name] if overrides is None else overrides.apply(RECIPES[name])


def chain(name, overrides=None):
    """Return the recipe of that name after all those it starts from, each once, in the order to train them."""
    recipe = find(name, overrides)
    before = [r for source in recipe.sources.values() for r in chain(source, overrides)]
    return [*{r.name: r for r in before}.values(), recipe]
