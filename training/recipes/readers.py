"""Where recipes read from: `(directory, split) -> examples`, with messages for the command line."""

import functools
from pathlib import Path

from fcn_keras.datasets.folder import Folder
from fcn_keras.datasets.layouts import find_place
from fcn_keras.datasets.synthetic import Synthetic

from ..hold_out import held_out as chosen_by
from .reduced import ReducedFolder

HHA = "hha"  # name of the folder of HHA images beside one's own images
SCENES = {"train": (800, 1), "val": (80, 2)}  # split -> number of scenes, seed


def synthetic(directory, split, **options):
    """Draw the toy scenes; `options` are `Synthetic`'s."""
    if directory is not None:
        raise ValueError("The synthetic scenes are drawn, not read. Leave --data out.")
    if split not in SCENES:
        raise ValueError(f"The synthetic scenes have the splits {', '.join(SCENES)}. Received: {split!r}.")
    count, seed = SCENES[split]
    return Synthetic(count, seed=seed, **options)


def folder(directory, split, *, held_out=None, held_out_by=None, together=None, most_pixels=None, **options):
    """Read one's own images and masks; `options` are `Folder`'s.

    Args:
        held_out: share of the images, 0 to 1, that is the split `val` where the folder has none: of `train`, or of all
            where it is not divided. Which ones, their names decide.
        held_out_by: one of `hold_out.RULES`; None is that of runs that were begun before there was another.
        together: groups of ids that go to one part, for the rule that takes them.
        most_pixels: larger images are reduced to so many; None and 0 keep their size.
    """
    directory = _given(directory)
    opened = Folder if not most_pixels else functools.partial(ReducedFolder, most_pixels=most_pixels)
    if held_out is None or split not in ("train", "val") or _has(directory, "val"):
        return opened(directory, split, **options)
    origin = "train" if _has(directory, "train") else None
    ids = Folder(directory, origin, **options).ids
    chosen = chosen_by(ids, held_out, held_out_by, together)
    kept = sorted(key for key in ids if (key in chosen) == (split == "val"))
    return opened(directory, origin, ids=kept, **options)


def folder_with_hha(directory, split, **options):
    """Read one's own images, masks and HHA images; `options` are those of `folder`."""
    return folder(directory, split, hha=HHA, **options)


def has_hha(directory):
    """Tell whether HHA images lie beside one's own images, in the whole folder or in a split's."""
    places = (directory, *directory.iterdir())
    return any((place / HHA).is_dir() and (place / "images").is_dir() for place in places)


def _has(directory, split):
    return find_place(directory, split) is not None


def voc_sbd(directory, split):
    """Read PASCAL VOC and SBD; `directory` holds `VOCdevkit` and `benchmark_RELEASE`."""
    from fcn_keras.datasets.voc_sbd import VocSbd

    return VocSbd(_given(directory), split)


def pascal_context(directory, split):
    """Read PASCAL-Context."""
    from fcn_keras.datasets.pascal_context import PascalContext

    return PascalContext(_given(directory), split)


def nyud_v2(directory, split, **options):
    """Read the official NYUDv2 file; `options` are `NyudV2`'s."""
    from fcn_keras.datasets.nyud_v2 import NyudV2

    return NyudV2(_given(directory), split, **options)


def nyud_folder(directory, split, **options):
    """Read a NYUDv2 unpacked to image files; `options` are `NyudFolder`'s."""
    from fcn_keras.datasets.nyud_v2 import NyudFolder

    return NyudFolder(_given(directory), split, **options)


def sift_flow(directory, split):
    """Read SIFT Flow with its semantic and geometric labels."""
    from fcn_keras.datasets.sift_flow import SiftFlow

    return SiftFlow(_given(directory), split)


def stanford_background(directory, split):
    """Read Stanford Background with its semantic labels and the geometric ones derived from them."""
    from fcn_keras.datasets.stanford_background import StanfordBackground

    return StanfordBackground(_given(directory), split)


OWN_FOLDERS = (folder, folder_with_hha)
TWO_HEADS = (sift_flow, stanford_background)


def has_two_heads(source):
    """Tell whether a source's examples have semantic and geometric labels."""
    return getattr(source, "func", source) in TWO_HEADS


def _given(directory):
    if directory is None:
        raise ValueError("This recipe reads images: give their folder with --data DIR.")
    return Path(directory)
