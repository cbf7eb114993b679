"""What one run changes in the recipes that it trains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial

from fcn_keras.augment import compose, crop
from fcn_keras.backbone import VGG16

from .named import augmentations, optimizer
from .readers import OWN_FOLDERS, has_two_heads, synthetic

READING = (
    "classes",
    "ignore_label",
    "held_out",
    "held_out_by",
    "together",
    "most_pixels",
)  # what the reader of one's own folder takes


@dataclass(frozen=True)
class Overrides:
    """Values in the place of a recipe's own; None leaves the recipe's.

    Attributes:
        steps: and what follows down to `class_weights`: as `Recipe` has them.
        classes: of one's own folder, as `Folder` takes them; `ignore_label` likewise.
        held_out: of one's own folder, as `readers.folder` takes it; `held_out_by`, `together` and `most_pixels`
            likewise.
        crop: the (H, W) to cut out of every example at last.
        optimizer: name of one, as `named.optimizer` takes it; `weight_decay` likewise.
        warm_up: and what follows down to `hardest`: as `Recipe` has them.
        augment: names of `named.augmentations`, in the place of all that the recipe does to examples and batches.
        views: and `validation_images`: as `Recipe` has them.
        minutes: that the run was planned for; it changes no recipe.
        width: factor on all channels of the net.
        stand_in: drawn scenes instead of the data set.
        stages: overrides by name of a recipe, for that one alone.
    """

    steps: int | None = None
    steps_per_epoch: int | None = None
    batch_size: int | None = None
    accumulate: int | None = None
    buckets: Sequence[Sequence[int]] | None = None
    learning_rate: float | None = None
    seed: int | None = None
    dtype_policy: str | None = None
    splits: Sequence[str] | None = None
    class_weights: Sequence[float] | None = None
    classes: int | str | None = None
    ignore_label: int | None = None
    held_out: float | None = None
    held_out_by: str | None = None
    together: Sequence[Sequence[str]] | None = None
    most_pixels: int | None = None
    crop: Sequence[int] | None = None
    optimizer: str | None = None
    weight_decay: float | None = None
    warm_up: int | None = None
    rate_factors: Mapping[str, float] | None = None
    clip: float | None = None
    ema: float | None = None
    raw_scores: bool | None = None
    patience: int | None = None
    loss: str | None = None
    label_smoothing: float | None = None
    hardest: float | None = None
    augment: Sequence[str] | None = None
    views: int | None = None
    validation_images: int | None = None
    minutes: float | None = None
    width: float | None = None
    stand_in: bool | None = None
    stages: Mapping[str, "Overrides"] = field(default_factory=dict)

    def given(self):
        """Return what is changed in every recipe, by name."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "stages"}
        return {name: value for name, value in values.items() if value is not None}

    def as_json(self):
        """Return what is changed, as `recipe.json` keeps it."""
        stages = {name: own.as_json() for name, own in self.stages.items()}
        return self.given() | ({"stages": stages} if stages else {})

    def apply(self, recipe):
        """Return the recipe with these values.

        Raises:
            ValueError: if the recipe does not take one of them.
        """
        values = self.given() | self.stages.get(recipe.name, Overrides()).given()
        values.pop("minutes", None)
        reading = {name: values.pop(name) for name in READING if name in values}
        if reading:
            if recipe.data not in OWN_FOLDERS:
                options = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(reading))
                raise ValueError(f"{recipe.name} knows how its data is read: leave out {options}, for your own folder.")
            values["data"] = partial(recipe.data, **reading)
        if values.pop("stand_in", False):
            recipe = stand_in(recipe)
        values |= _changes(recipe, values)
        if "optimizer" in values or "weight_decay" in values:
            decay = values.pop("weight_decay", None)
            values["optimizer"] = optimizer(values.get("optimizer"), decay, recipe)
        if "width" in values:
            recipe = narrowed(recipe, values.pop("width"))
        if "steps" in values:
            epochs = -(-values["steps"] // recipe.steps_per_epoch)
            values.setdefault("steps_per_epoch", values["steps"] // max(epochs, 1))
        return replace(recipe, **values)


def _changes(recipe, values):
    """Take out of the values what changes examples and batches, and return it as a recipe has it."""
    window, names = values.pop("crop", None), values.pop("augment", None)
    if names is not None:
        augment, mix = augmentations(names, window)
        return {"augment": augment, "mix": mix}
    if window is None:
        return {}
    height, width = window
    cut = partial(crop, height=height, width=width)
    return {"augment": compose(*filter(None, (recipe.augment, cut)))}


def stand_in(recipe):
    """Put drawn scenes of the same kind in the place of a recipe's data set, to see it run where the data is not.

    The scenes have an image, depth, HHA, and the semantic and geometric labels where the recipe has two heads.
    """
    return replace(
        recipe,
        data=partial(synthetic, heads=has_two_heads(recipe.data)),
        splits=("train", "val"),
        validation_images=min(recipe.validation_images or 20, 20),
    )


def narrowed(recipe, width):
    """Multiply all channels of a recipe's net by `width`; there are no ImageNet weights for another width than 1."""
    if not 0 < width <= 1:
        raise ValueError(f"`width` is above 0, at most 1. Received: {width}.")
    blocks, top = recipe.model_options.get("channels", VGG16)
    channels = tuple((max(1, round(filters * width)), count) for filters, count in blocks), max(1, round(top * width))
    options = {**recipe.model_options, "channels": channels}
    return replace(recipe, model_options=options, imagenet=recipe.imagenet and width == 1)
