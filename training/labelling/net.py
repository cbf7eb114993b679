"""A network as labelling tools use it: one head, colour images, and the classes that get shapes."""

from pathlib import Path

import numpy as np

from fcn_keras.visualize import background_of
from fcn_keras_console.exported.find import find_exported
from fcn_keras_console.exported.integrity import require_as_exported
from fcn_keras_console.given import did_you_mean
from fcn_keras_console.words import some
from fcn_keras_console.workdir import find_model

from ..predict.command import build_parser
from ..predict.nets import exported_net, keras_net
from ..predict.results import Classes


class LabellingNet:
    """A network that labels images, with the names of its classes.

    Args:
        model: path of a `.keras` file, a stage's folder or a workdir, or of what `fcn-export` wrote.
        head: of a network with several.
        background: name of the class that gets no shape; by default the one called background.
        scale: at which photographs are scored, as `fcn-predict --scale` takes it.

    Attributes:
        version: of the network: what it is called, and 16 digits that change with its weights.
        names: of all classes, in the order of their ids.
        shown: ids of the classes that get shapes.

    Raises:
        ImportError: if a package is missing that runs it.
        ValueError: if there is no such network, head or class; if it takes more than colours.
    """

    def __init__(self, model, *, head=None, background=None, scale="trained"):
        exported = find_exported(Path(model))
        path = find_model(Path(model)) if exported is None else exported.path
        given = build_parser().values_of(["net", "image", "--output", "folder"])  # the defaults of fcn-predict
        given.scale = scale
        if exported is None:
            net = keras_net(path, given)
        else:
            require_as_exported(exported)
            net = exported_net(exported, given)
        if net.modality != "rgb":
            raise ValueError(f"{path} takes {net.modality}, and a labelling tool gives colour images alone.")
        self._head = _chosen_head(path, tuple(net.counts), head)
        self.names = Classes.named(net.names[self._head], net.counts[self._head]).names
        self.shown = _shown(self.names, background)
        self.version = f"{path.parent.name or path.stem}/{path.name} {net.identity}"
        self._label = net.label

    def labels(self, pixels, name):
        """Label an image.

        Args:
            pixels: `(H, W, 3)` uint8 RGB.
            name: of the image, for the error.

        Returns:
            `(H, W)` class ids.

        Raises:
            ValueError: if the scores are no numbers.
        """
        by_head, _ = self._label(pixels, name)
        return by_head[self._head]

    def present(self, labels):
        """List the ids of the classes in a label map that get shapes."""
        return [index for index in np.unique(labels).tolist() if index in self.shown]


def _chosen_head(path, heads, head):
    if head is None and len(heads) > 1:
        raise ValueError(f"{path} has the heads {', '.join(heads)}. Say which one labels: head.")
    if head is not None and head not in heads:
        there = f"has the heads {', '.join(heads)}" if len(heads) > 1 else "has one head, which needs no name"
        raise ValueError(f"{path} {there}. Received: head {head}.")
    return heads[0] if head is None else head


def _shown(names, background):
    if background is None:
        left_over = background_of(names)
    elif background in names:
        left_over = names.index(background)
    else:
        near = did_you_mean(background, names)
        raise ValueError(f"background is a class of the net: {some(names)}. Received: {background}.{near}")
    return tuple(index for index in range(len(names)) if index != left_over)
