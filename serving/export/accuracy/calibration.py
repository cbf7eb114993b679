"""Choose images of the user's to calibrate int8 on, and others to see what it cost."""

import random
from collections.abc import Sequence
from pathlib import Path

from fcn_keras.datasets.images import extensions, read_image
from fcn_keras.interface import modality_of
from fcn_keras_console.files import sha256_of
from fcn_keras_console.image_files import files_below

from .calibration_checks import require_alike

LEAST = 100  # a range seen on fewer images misses what the next ones hold
MOST = 128  # every image runs through the float network once; ranges hardly move after the first hundred
HELD_OUT = 20  # not calibrated on, where there are more than `LEAST`


class Calibration(Sequence):
    """Images read from files whenever they are asked for, each at its own size.

    Attributes:
        held_out: `Calibration` of images that are not among these; empty if there were too few.
        others: tuple of the files below the folder that are not read.
        report: called with the path of every image that is asked for, of these and of those held out; None at first.
    """

    def __init__(self, paths, held_out=(), others=()):
        self.paths, self.others = tuple(paths), tuple(others)
        self.held_out = Calibration(held_out) if held_out else ()
        self.report = None

    def watch(self, report):
        """Have `report(path)` called from now on."""
        self.report = report
        if self.held_out:
            self.held_out.watch(report)

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        if self.report is not None:
            self.report(self.paths[index])
        return read_image(self.paths[index])


def read_calibration(folder, model, *, sizes=(), any_images=False):
    """Choose from a folder up to 128 images to calibrate on and 20 more to measure on, always the same ones.

    Images should be those that the network will see, best those it was trained on; masks are not needed. They are
    refused where they can hardly be: see `calibration_checks` for what is looked at.

    Args:
        folder: of image files (HHA files for an HHA net), searched with its sub-folders.
        model: the network.
        sizes: (H, W)s that the network was trained in, if known.
        any_images: take images that look unlike what networks are trained on.

    Returns:
        `Calibration`.

    Raises:
        ValueError: if there are fewer than 100 different images, if one cannot be read, if they look unlike the
            training's, or if the network takes more than one image file.
    """
    modality = _modality(model)
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"Calibration needs a folder of image files. Received: {folder}.")
    files, others = _files(folder)
    random.Random(0).shuffle(files)
    chosen = _different(files, MOST + HELD_OUT)
    if len(chosen) < LEAST:
        copies = f", {len(files) - len(chosen)} of them copies" if len(chosen) < len(files) else ""
        raise ValueError(
            f"Calibration needs at least {LEAST} different images. Received: {len(files)} in {folder}{copies}. "
            "Add images like those of the training."
        )
    if not any_images:
        require_alike(Calibration(chosen), folder, mean=_mean(model), modality=modality, sizes=sizes)
    held_out = min(HELD_OUT, len(chosen) - LEAST)
    return Calibration(chosen[held_out:], chosen[:held_out], others)


def _modality(model):
    modality = modality_of(model)
    if modality not in ("rgb", "hha"):
        kind = "RGB-D" if modality == "rgbd" else "late fusion"
        raise ValueError(
            f"Calibration reads one image file a scene. Received: a network of {kind}, which takes two. Export it with "
            "--precision fp16, or pass its images to the Python function."
        )
    return modality


def _mean(model):
    """Return the mean that the network subtracts, in the order of the file's channels."""
    from fcn_keras.layers import Preprocess

    (layer,) = (layer for layer in model.layers if isinstance(layer, Preprocess))
    return layer.mean[::-1] if layer.modality == "rgb" else layer.mean


def _files(folder):
    """Return the image files below a folder, and the other ones."""
    known, others = extensions(), []
    below = files_below(folder, others=others)
    files = sorted(path for path in below if path.suffix.lower() in known and path.is_file())  # not pipes
    return files, others + sorted(set(below) - set(files))


def _different(files, count):
    """Take the first files that are no copies of earlier ones."""
    different = {}
    for path in files:
        different.setdefault(sha256_of(path), path)
        if len(different) == count:
            break
    return list(different.values())
