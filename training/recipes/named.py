"""What the options of `fcn-train` name instead of a function: optimizers and augmentations, with what goes well."""

from functools import partial

from fcn_keras.augment import color_jitter, compose, crop, cutmix, jitter, mirror, rotate, scale, zoom
from fcn_keras.optimizers import SGDW, AdamW

OPTIMIZERS = {"adamw": AdamW, "adam": partial(AdamW, weight_decay=0.0), "sgd": SGDW}
SCALES = {"low": 0.5, "high": 2.0}
# In the order in which they are applied: colours first, as what exposes a border leaves the mean colour there.
AUGMENTATIONS = {
    "color": color_jitter,
    "scale": partial(zoom, **SCALES),
    "rotate": partial(rotate, degrees=10),
    "jitter": jitter,
    "mirror": mirror,
}
MIXES = {"cutmix": cutmix}
NOTHING = "none"


def augmentations(names, window=None):
    """Make the augmentation of examples, and that of batches, from their names in any order.

    Args:
        names: of `AUGMENTATIONS` and `MIXES`, or `"none"` alone.
        window: `(H, W)` to cut out of every example at last, or None. With it `"scale"` leaves the size to the window.

    Returns:
        the function for examples and the one for batches; None where there is nothing to do.

    Raises:
        ValueError: if a name is none of them.
    """
    unknown = sorted(set(names) - {*AUGMENTATIONS, *MIXES, NOTHING})
    if unknown or (NOTHING in names and len(names) > 1):
        known = ", ".join((*AUGMENTATIONS, *MIXES))
        raise ValueError(f"`augment` names some of {known}, or {NOTHING} alone. Received: {', '.join(names)}.")
    chosen = {name: function for name, function in AUGMENTATIONS.items() if name in names}
    if window is not None and "scale" in chosen:
        chosen["scale"] = partial(scale, **SCALES)
    steps = list(chosen.values())
    if window is not None:
        steps.append(partial(crop, height=window[0], width=window[1]))
    mixes = [mix for name, mix in MIXES.items() if name in names]
    return compose(*steps) if steps else None, mixes[0] if mixes else None


def optimizer(name, weight_decay, recipe):
    """Find the optimizer of a name, or that of a recipe, and bind a decoupled decay to it.

    Args:
        name: of `OPTIMIZERS`, or None for the recipe's own.
        weight_decay: the decay, or None for the optimizer's own.

    Raises:
        ValueError: if there is no such name, or a decay is given and the recipe's optimizer has none that is decoupled.
    """
    if name is not None and name not in OPTIMIZERS:
        raise ValueError(f"`optimizer` is one of {', '.join(OPTIMIZERS)}. Received: {name}.")
    chosen = recipe.optimizer if name is None else OPTIMIZERS[name]
    if weight_decay is None:
        return chosen
    made_by = getattr(chosen, "func", chosen)
    if made_by not in (AdamW, SGDW):
        raise ValueError(
            f"{recipe.name} descends by {made_by.__name__}, whose weight decay is none or passes through its momentum. "
            "For one that does not, give --optimizer adamw or sgd too."
        )
    return partial(chosen, weight_decay=weight_decay)
