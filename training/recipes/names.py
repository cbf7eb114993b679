"""The names of the recipes, and what each reads: known at once, where the recipes themselves bring Keras."""

import shlex
import sys
from pathlib import Path

from fcn_keras_console.given import did_you_mean

MODELS = ("fcn32s", "fcn16s", "fcn8s")  # of `fcn-train --model`
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")  # dtypes of Keras that networks are trained with
LOSSES = ("crossentropy", "focal", "dice", "tversky", "lovasz")  # of `fcn_keras.losses.weighted_sum`
_DRAWN, _OWN = "synthetic", ("camvid", "folder", "quick")
NAMES = (
    *(f"{stem}_{model}" for stem in ("synthetic", "camvid", "folder") for model in MODELS),
    *(f"quick_{model}{fused}{head}" for fused in ("", "_rgb_hha") for model in MODELS for head in ("_head", "")),
    "voc_fcn32s",
    "voc_fcn32s_fixed",
    "voc_fcn16s",
    "voc_fcn8s",
    "voc_fcn8s_atonce",
    *(f"{stem}_{model}" for stem in ("voc_paper", "voc_mixed", "context") for model in MODELS),
    "nyud_fcn32s_rgb",
    "nyud_fcn32s_rgbd",
    "nyud_fcn32s_hha",
    "nyud_fcn32s_rgb_hha",
    "nyud_fcn16s_rgb_hha",
    *(f"sift_flow_{model}" for model in MODELS),
    "nyud_small_rgb",
    "nyud_small_rgbd",
    "nyud_small_hha",
    "nyud_small_rgb_hha",
    "nyud_small_fcn16s_rgb_hha",
    *(f"stanford_{model}" for model in MODELS),
)


def require_name(name):
    """Make sure that a recipe of this name exists.

    Raises:
        ValueError: if not, saying what may be meant: a recipe of nearly that name, a model, or one's own folder.
    """
    if name in NAMES or name in _added():
        return
    if name in MODELS:
        hint = f"For your own folder say --data DIR --model {name}."
    elif Path(name).is_dir():
        hint = f"Your own folder? Say --data {shlex.quote(name)}."
    else:
        hint = did_you_mean(name, NAMES).strip() or f"There are: {', '.join(NAMES)}."
    raise ValueError(f"No recipe is called {name!r}. {hint}")


def require_losses(text):
    """Refuse a `--loss` that names none: `crossentropy+0.5*dice` is a sum of two.

    Raises:
        ValueError: if a name is none of `LOSSES`.
    """
    for name in (term.rpartition("*")[2].strip() for term in text.split("+")):
        if name not in LOSSES:
            raise ValueError(f"--loss adds up {', '.join(LOSSES)}. Received: {name!r}.{did_you_mean(name, LOSSES)}")


def _added():
    """Return the names of recipes that this process has put into the catalogue."""
    catalogue = sys.modules.get(f"{__package__}.catalogue")
    return set(getattr(catalogue, "RECIPES", ())) - set(NAMES)


def reads_own_folder(name):
    """Tell whether a recipe reads images and masks in folders, as one's own are; None is no recipe, which does."""
    return name is None or name.partition("_")[0] in _OWN


def reads_nothing(name):
    """Tell whether a recipe's scenes are drawn."""
    return name is not None and name.partition("_")[0] == _DRAWN


def require_reading(name, directory, options):
    """Make sure that a recipe can read a folder in the way that options say.

    Args:
        name: of a recipe; None for one's own folder.
        directory: what `--data` gives, or None.
        options: values of `--classes` and other options of one's own folder, by the option.

    Raises:
        ValueError: if a folder is missing or given in vain, or an option is for one's own folder alone.
    """
    if name in _added():
        return  # says so itself
    if reads_nothing(name) and directory is not None:
        raise ValueError("The synthetic scenes are drawn, not read. Leave --data out.")
    if not reads_nothing(name) and directory is None:
        raise ValueError("This recipe reads images: give their folder with --data DIR.")
    given = [option for option, value in options.items() if value is not None]
    if given and not reads_own_folder(name):
        raise ValueError(f"{name} knows how its data is read: leave out {', '.join(given)}, for your own folder.")
