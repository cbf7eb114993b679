"""Tell which network a `.caffemodel` holds: from its layers, their shapes, and what it says of its origin."""

import math
import re
from typing import NamedTuple

BLOCKS = 5  # of VGG16
NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)"
MOST_CLASSES = 256  # labels have 8 bits; and a file must not ask for a model beyond any memory
# Mean of a data set, BGR, known by the module of its layer in the file, or by the numbers of its classes.
# Source: voc_layers.py, pascalcontext_layers.py, nyud_layers.py and siftflow_layers.py of the release.
MEANS = (
    ("siftflow", "SIFT Flow", {"sem": 33, "geo": 3}, (114.578, 115.294, 108.353)),
    ("pascalcontext", "PASCAL-Context", {"": 60}, (104.007, 116.669, 122.679)),
    ("nyud", "NYUDv2", {"": 40}, (116.190, 97.203, 92.318)),
    ("voc", "PASCAL VOC", {"": 21}, (104.00699, 116.66877, 122.67892)),
)


class Network(NamedTuple):
    """What a file holds: the arguments of the function that builds it, and in words how the mean is known."""

    builder: str
    heads: dict
    options: dict
    source: str

    def build(self):
        import fcn_keras as fcn

        return getattr(fcn, self.builder)(self.heads.get("", self.heads), learn_upsampling="none", **self.options)

    def __str__(self):
        classes = ", ".join(f"{count} {head}".strip() for head, count in self.heads.items())
        modality = self.options.get("modality", "rgb_hha" if self.builder == "LateFusion" else "rgb")
        parts = [self.builder, f"{classes} classes", modality, "at once" if self.options.get("at_once") else ""]
        return f"{', '.join(filter(None, parts))}; mean {_numbers(self.options['mean'])} ({self.source})"


def identify_network(path, blobs, origin="", modality=None, mean=None):
    """Tell the network from the layers of a file.

    Args:
        path: named in errors.
        blobs: `{layer: arrays}` as `fcn_keras.caffemodel.read` returns.
        origin: words that tell HHA from colour and one data set from another, as `fcn_keras.caffemodel.origin` returns.
        modality: `"rgb"` or `"hha"` where the words do not say; mean: triple, where they do not either.

    Raises:
        ValueError: if it is none of this package's networks, or its shapes contradict each other, or its data set
            stays unknown.
    """
    try:
        return _network(blobs, origin, modality, mean)
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None


def _network(blobs, origin, modality, mean):
    builder, table, heads, options = (_alexnet if "conv1" in blobs else _vgg16)(blobs)
    taken = _modality(builder, options, origin, modality)
    if taken == "hha":
        options["modality"] = "hha"
    options["mean"], source = _mean(heads, origin, mean, taken == "hha")
    if not taken and 40 in heads.values():
        source += "; if this is the HHA net, which looks the same: --modality hha"
    return Network(builder, heads, {**options, "channels": table}, source)


def _vgg16(blobs):
    """Return the function that builds it, the table of channels, the classes by head, and options."""
    late = "conv1_1color" in blobs
    first = "conv1_1_bgrd" if "conv1_1_bgrd" in blobs else "conv1_1"
    suffix, inputs, blocks = "color" if late else "", 4 if first == "conv1_1_bgrd" else 3, []
    for block in range(1, BLOCKS + 1):
        names = [first if block == 1 else f"conv{block}_1"]
        while (name := f"conv{block}_{len(names) + 1}") + suffix in blobs:
            names.append(name)
        for name in names:
            inputs, before = _filters(blobs, name + suffix, inputs, 3), inputs
            if name != names[0] and inputs != before:
                raise ValueError(f"has {inputs} filters in {name}{suffix}, {before} in the layer before.")
        blocks.append((inputs, len(names)))
    width = _classifier(blobs, suffix, inputs, 7)
    heads = _heads(blobs, suffix, width)
    skips = _skips(blobs, suffix, next(iter(heads)))
    options = {"padding": "caffe", "at_once": any(name.startswith("scale_pool") for name in blobs)}
    if late:
        return "LateFusion", (tuple(blocks), width), heads, {**options, "skips": skips}
    if first != "conv1_1":
        options["modality"] = "rgbd"
    return f"FCN{32 >> skips}s", (tuple(blocks), width), heads, options


def _alexnet(blobs):
    """Return the same of an FCN-AlexNet."""
    from fcn_keras.alexnet import CONVOLUTIONS

    filters, inputs = [], 3
    for i, (kernel, _, groups) in enumerate(CONVOLUTIONS, 1):
        inputs = _filters(blobs, f"conv{i}", inputs / groups, kernel)
        filters.append(inputs)
    width = _classifier(blobs, "", inputs, 6)
    return "FCNAlexNet", (tuple(filters), width), _heads(blobs, "", width), {}


def _classifier(blobs, suffix, inputs, side):
    width = _filters(blobs, "fc6" + suffix, inputs, side)
    if _filters(blobs, "fc7" + suffix, width, 1) != width:
        raise ValueError(f"has another width in fc7{suffix} than in fc6{suffix} ({width}).")
    return width


def _filters(blobs, name, inputs, side):
    """Return how many filters a convolution has, once its size agrees: a wrong file must not ask for a huge model."""
    if name not in blobs:
        raise ValueError(f"has no layer {name}. Known are the layers of the released FCNs; see --help.")
    shapes = [blob.shape for blob in blobs[name]]
    filters = blobs[name][-1].size
    if len(shapes) != 2 or not filters or blobs[name][0].size != filters * inputs * side**2:
        raise ValueError(f"has shapes {shapes} in {name}: no {side}x{side} convolution of {inputs:g} channels.")
    return filters


def _heads(blobs, suffix, width):
    """Return the number of classes by head."""
    matches = (re.fullmatch(rf"score_fr{suffix}(?:_(\w+))?", name) for name in blobs)
    layers = {match[1] or "": match[0] for match in matches if match}
    if not layers:
        raise ValueError(
            f"has no layer score_fr{suffix}: it is a classifier, or an FCN of other names. Build a network and load a "
            "classifier with fcn_keras.load_caffemodel, to train it."
        )
    if len(layers) > 1 and "" in layers:
        raise ValueError(f"has heads with and without a name: {', '.join(layers.values())}.")
    heads = {head: _filters(blobs, name, width, 1) for head, name in layers.items()}
    for head, classes in heads.items():
        if classes > MOST_CLASSES:
            raise ValueError(f"has {classes} classes in {layers[head]}. Expected: up to {MOST_CLASSES}.")
    return heads


def _skips(blobs, suffix, head):
    tail = suffix + (f"_{head}" if head else "")
    there = [f"score_pool{pool}{tail}" in blobs for pool in (4, 3)]
    if there == [False, True]:
        raise ValueError(f"has score_pool3{tail} and no score_pool4{tail}: no FCN fuses pool3 alone.")
    return sum(there)


def _modality(builder, options, origin, modality):
    """Return what the network takes, `None` if only the shapes say it: they are the same for colour and HHA."""
    if builder in ("FCNAlexNet", "LateFusion") or "modality" in options:
        taken = options.get("modality", {"FCNAlexNet": "rgb", "LateFusion": "rgb_hha"}.get(builder))
        if modality:
            raise ValueError(f"needs no --modality: its layers tell that it takes {taken}. Leave it out.")
        return taken
    if stated := re.search(r"modality=(rgb|hha)", origin):
        return modality or stated[1]
    words = set(re.findall(r"hha|color|rgb", origin.lower()))
    return modality or ("hha" if words == {"hha"} else "rgb" if words else None)


def _mean(heads, origin, mean, hha):
    """Return the mean, and how it is known."""
    from fcn_keras.layers import HHA_MEAN

    if mean and not all(map(math.isfinite, mean)):
        raise ValueError(f"cannot have the mean {_numbers(mean)}: --mean takes three numbers on the 0-255 scale.")
    if mean:
        return tuple(mean), "--mean"
    if stated := re.search(r"mean[^\w-]*" + r"[,\s]+".join([NUMBER] * 3), origin):
        return tuple(map(float, stated.groups())), "as the file says"
    if hha:
        return HHA_MEAN, "HHA of NYUDv2"
    for module, name, _, triple in MEANS:
        if f"{module}_layers" in origin:
            return triple, f"{name}, as the file says"
    for _, name, classes, triple in MEANS:
        if classes == heads:
            return triple, f"{name}, by its number of classes"
    counts = ", ".join(map(str, heads.values()))
    raise ValueError(
        f"does not say what data it was trained on, and {counts} classes do not either. Say --mean B G R, what was "
        "subtracted from its pixels."
    )


def _numbers(values):
    return " ".join(f"{value:.9g}" for value in values)
