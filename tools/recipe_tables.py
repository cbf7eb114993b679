"""The tables of docs/recipes.md: which recipes belong together, and what of each is shown."""

from functools import partial
from typing import NamedTuple

from fcn_keras_console.words import counted
from training.recipes.catalogue import RECIPES


class Section(NamedTuple):
    """What one section shows: the recipes whose names start so, below a few words."""

    prefixes: tuple[str, ...]
    text: str


SECTIONS = {
    "Your own images, in minutes": Section(
        ("quick_",),
        "What `fcn-train --data photos` trains on a processor: first a head on feature maps that are computed once, "
        "then conv5 too. `--minutes` decides steps, views, precision and, of large images, crops. Those of two "
        "backbones are for folders with [HHA images](training.md#with-depth).\n"
        "\n```sh\nfcn-train --data photos --minutes 10\n```",
    ),
    "Your own images, by steps": Section(
        ("folder_",),
        "Photographs and masks in folders, each at its own size, one at a time:\n"
        "[the layout](index.md#your-own-folder).\n"
        "\n```sh\nfcn-train folder_fcn8s --data photos --workdir runs\n```",
    ),
    "PASCAL VOC, as released": Section(
        ("voc_fcn",),
        "The solvers of the release on SBD's 8498 training images, scored on seg11valid's 736.\n"
        "\n```sh\nfcn-train voc_fcn8s --data DIR --workdir runs   # DIR holds VOCdevkit and benchmark_RELEASE\n```",
    ),
    "PASCAL VOC, as in the paper": Section(
        ("voc_paper_",), "Section 4.3 of the paper: batches of 20 and the mean loss."
    ),
    "PASCAL VOC, in half precision": Section(
        ("voc_mixed_",), "The same 20 images an update, for one device with bfloat16 or for several."
    ),
    "PASCAL-Context": Section(
        ("context_",),
        "59 classes and the background.\n\n```sh\nfcn-train context_fcn8s --data DIR --workdir runs\n```",
    ),
    "NYUDv2": Section(
        ("nyud_fcn",),
        "40 classes; colour, depth and HHA, fused early or late (Table 4 of the paper).\n"
        "\n```sh\nfcn-train nyud_fcn16s_rgb_hha --data DIR --workdir runs   # DIR holds nyu_depth_v2_labeled.mat\n```",
    ),
    "SIFT Flow": Section(
        ("sift_flow_",),
        "33 semantic and 3 geometric classes by two heads (Table 5 of the paper).\n"
        "\n```sh\nfcn-train sift_flow_fcn8s --data DIR --workdir runs   # DIR holds SiftFlowDataset\n```",
    ),
    "Small enough for two processor cores": Section(
        ("camvid_", "nyud_small_", "stanford_"),
        "Crops at reduced size, fc6 and fc7 fresh and 512 wide. What they reached: [results](results.md).\n"
        "\n```sh\nfcn-train camvid_fcn8s --data camvid --workdir runs\n```",
    ),
    "Drawn scenes": Section(
        ("synthetic_",),
        "What `make demo` trains; nothing to download.\n\n```sh\nfcn-train synthetic_fcn8s --workdir runs\n```",
    ),
}
COLUMNS = ("recipe", "network", "data", "starts from", "steps", "images", "optimizer", "rate", "loss", "also")


def sort():
    """Give every recipe its section.

    Returns:
        dict of a section's title -> its recipes, in their own order.

    Raises:
        ValueError: if a recipe belongs to none, or to two.
    """
    found = {title: [] for title in SECTIONS}
    for name, recipe in RECIPES.items():
        homes = [title for title, part in SECTIONS.items() if name.startswith(part.prefixes)]
        if len(homes) != 1:
            raise ValueError(f"{name} needs one section in tools/recipe_tables.py. Found: {homes or 'none'}.")
        found[homes[0]].append(recipe)
    return found


def section(recipes):
    """Write some recipes in Markdown: first what all of them share, then the rest, a row each."""
    rows = [dict(zip(COLUMNS, _row(recipe), strict=True)) for recipe in recipes]
    same = [column for column in COLUMNS if len({row[column] for row in rows}) == 1 and len(rows) > 1]
    told = [f"{column} {rows[0][column]}" for column in same if rows[0][column]]
    lines = [f"In all of them: {'; '.join(told)}.", ""] if told else []
    columns = [column for column in COLUMNS if column not in same]
    lines += [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    return lines + [f"| {' | '.join(row[column] for column in columns)} |" for row in rows]


def _row(recipe):
    rate = f"`{recipe.learning_rate:g}`"  # as code, which is not broken at the minus
    if recipe.final_learning_rate != 1:
        rate += f" to `{recipe.learning_rate * recipe.final_learning_rate:g}`"
    source = ", ".join(f"`{name}`" for name in recipe.sources.values())
    return (
        f"`{recipe.name}`",
        _network(recipe),
        f"`{_name(recipe.data)}` ({', '.join(recipe.splits)})",
        source or ("ImageNet" if recipe.imagenet else "scratch"),
        f"{recipe.steps:,}",
        str(recipe.batch_size * (recipe.accumulate or 1)),
        _optimizer(recipe.optimizer),
        rate,
        recipe.reduction,
        "; ".join(_rest(recipe)),
    )


def _network(recipe):
    options = dict(recipe.model_options)
    shown = [f"padding {options.pop('padding')}"] if "padding" in options else []
    shown += ["at once"] if options.pop("at_once", False) else []
    shown += [options.pop("modality")] if "modality" in options else []
    shown += [counted(options.pop("skips"), "skip")] if "skips" in options else []
    return ", ".join([recipe.model.__name__, *shown])


def _optimizer(optimizer):
    """Name the optimizer with the settings that the recipe binds."""
    if not isinstance(optimizer, partial):
        return optimizer.__name__
    bound = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in optimizer.keywords.items())
    return f"{optimizer.func.__name__} ({bound})"


def _name(function):
    return getattr(function, "func", function).__name__


def _augmentations(function):
    """Name each step of an augmentation with what is bound to it."""
    if _name(function) == "_chain":  # what `compose` returns
        for step in function.args[0]:
            yield from _augmentations(step)
        return
    bound = getattr(function, "keywords", {})
    yield " ".join([_name(function), *(f"{name} {value:g}" for name, value in bound.items())])


def _rest(recipe):
    """Say what else sets a recipe apart from the paper's plain descent."""
    options = recipe.model_options
    if "channels" in options:
        yield f"fc6 and fc7 {options['channels'][1]} wide"
    if "fc6_kernel" in options:
        yield f"fc6 {options['fc6_kernel']}x{options['fc6_kernel']}"
    if "skip_channels" in options:
        yield "3x3 convolutions of {} and {} before the skips' scores".format(*options["skip_channels"])
    if options.get("learn_upsampling") == "none":
        yield "upsampling fixed"
    if recipe.frozen:
        yield f"frozen: {', '.join(recipe.frozen)}"
    if recipe.views:
        yield f"{recipe.views} views and their mirror images, as kept maps"
    if recipe.replacement:
        yield "drawn with replacement"
    if recipe.augment is not None:
        yield ", ".join(_augmentations(recipe.augment))
    if recipe.buckets:
        yield "padded to " + ", ".join(f"{height}x{width}" for height, width in recipe.buckets)
    if recipe.dtype_policy != "float32":
        yield recipe.dtype_policy
