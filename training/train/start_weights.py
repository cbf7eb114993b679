"""What a run starts from: looked at, or downloaded, before the data is read."""

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

from fcn_keras import vgg16_files
from fcn_keras.backbone import VGG16
from fcn_keras.imagenet import OtherWidthError, check_weights, settled
from fcn_keras_console.printing import drawn_on
from fcn_keras_console.workdir import decisions_beside

from ..recipes import catalogue as recipes
from ..recipes.overrides import Overrides
from ..workdir.stage import Stage


@dataclass(frozen=True)
class StartWeights:
    """What the first stages of a run load.

    Attributes:
        path: of the file; None where nothing is to be loaded, or the stages have begun.
        preprocessing: of its pixels, as `fcn_keras.load_imagenet` takes it; None of a network of fcn_keras.
    """

    path: Path | str | None
    preprocessing: str | None

    @property
    def is_network(self):
        """Whether it is a network of fcn_keras, which may be of any width, instead of VGG16's weights."""
        return self.preprocessing is None


def start_weights(workdir, name, *, width=None, given=None, preprocessing=None):
    """Make sure that what a recipe starts from can be had and fits.

    Nothing is looked at for stages that began before.

    Args:
        workdir: of the run.
        name: of the recipe.
        width: factor on its channels, or None.
        given: file of weights, or None for Keras's published ones where the recipe starts from ImageNet.
        preprocessing: what the user says of it, or None.

    Returns:
        `StartWeights`.

    Raises:
        ValueError: if there is no such recipe, or the file does not fit.
        OSError: if the file cannot be read or downloaded; in one line, with what to do.
        ImportError: if the package that reads it is missing.
    """
    chain = recipes.chain(name, Overrides(width=width))
    begun = [decisions_beside(stage.best) for stage in (Stage(workdir / r.name) for r in chain) if stage.begun()]
    roots = [r for r in chain if not r.sources and not Stage(workdir / r.name).begun()]
    recorded = next((d["weights_preprocessing"] for d in begun if "weights_preprocessing" in d), "caffe")
    if not roots:
        return StartWeights(None, preprocessing or recorded)
    value, _ = settled(given, preprocessing)
    path = given
    for recipe in roots:
        if given is not None:
            _require_fitting(given, recipe, is_network=value is None)
        elif recipe.imagenet:
            path = _downloaded(_channels(recipe))
    return StartWeights(path, value)


def _channels(recipe):
    return recipe.model_options.get("channels", VGG16)


def _require_fitting(path, recipe, *, is_network):
    if not is_network and not recipe.imagenet:
        raise ValueError(
            f"{recipe.name} is not of VGG16's width here and starts from scratch, so that --weights {path} cannot be "
            "used. Leave --width out, or --weights."
        )
    try:
        check_weights(path, _channels(recipe))
    except OtherWidthError as error:
        raise ValueError(
            f"--weights {path} is a network of {_named(error.received)}, and {recipe.name} is one of "
            f"{_named(error.expected)} here. {_advice(recipe.name, error.received)}"
        ) from None


def _named(widths):
    return f"{'-'.join(map(str, widths[:-1]))} filters, fc6 {widths[-1]} wide"


def _advice(name, received):
    """Say by which --width the recipe's network would be the one received."""
    for width in (1, *(number / 64 for number in received[:1])):
        if not 0 < width <= 1:
            continue
        blocks, top = _channels(recipes.find(name, Overrides(width=width)))
        if (*(filters for filters, _ in blocks), top) == received:
            return "Leave --width out." if width == 1 else f"Say --width {width:g}."
    return "Name a network of the same width, or leave --weights out."


def _downloaded(channels):
    try:
        with contextlib.redirect_stdout(drawn_on(sys.stderr)):  # where Keras shows how far it is
            return vgg16_files.download(with_classifier=channels[1] == VGG16[1])
    except vgg16_files.DownloadError as error:
        raise OSError(
            f"VGG16's ImageNet weights are not at hand, and cannot be downloaded ({error.reason}). Fetch {error.url} "
            f"({error.megabytes} MB) where there is a network, and say --weights FILE (an .npz or .h5 that PyTorch "
            "trained takes --weights-preprocessing torch too); or go on without them, from scratch: --width 0.25."
        ) from None
