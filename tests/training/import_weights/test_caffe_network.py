"""Which network a `.caffemodel` holds: every released one is known by its layers, others are refused."""

import numpy as np
import pytest

from fcn_keras.models import VGG16
from training.import_weights.caffe_network import identify_network

VOC = (104.00699, 116.66877, 122.67892)


CONTEXT = (104.007, 116.669, 122.679)


NYUD = (116.190, 97.203, 92.318)


SIFT_FLOW = (114.578, 115.294, 108.353)


HHA = (132.431, 94.076, 118.477)


HEADS = {"sem": 33, "geo": 3}


def blobs(*shapes):
    return [np.broadcast_to(np.float32(0), shape) for shape in shapes]


def conv(filters, inputs, side):
    return blobs((filters, inputs, side, side), (filters,))


def released(skips=0, heads=None, *, trunks=("",), first="conv1_1", at_once=False):
    """List the layers of a released net at its full width, with arrays that take no memory."""
    heads = {"": 21} if heads is None else heads
    layers = {}
    for suffix in trunks:
        inputs = 4 if first == "conv1_1_bgrd" else 3
        for block, filters in enumerate((64, 128, 256, 512, 512), 1):
            for i in range(1, 3 if block < 3 else 4):
                name = first if (block, i) == (1, 1) else f"conv{block}_{i}"
                layers[name + suffix], inputs = conv(filters, inputs, 3), filters
        layers["fc6" + suffix], layers["fc7" + suffix] = conv(4096, 512, 7), conv(4096, 4096, 1)
        for head, classes in heads.items():
            tail = suffix + (f"_{head}" if head else "")
            layers["score_fr" + tail] = conv(classes, 4096, 1)
            for pool, width in (("4", 512), ("3", 256))[:skips]:
                layers[f"score_pool{pool}{tail}"] = conv(classes, width, 1)
    if at_once:
        layers |= {"scale_pool4": blobs((512,)), "scale_pool3": blobs((256,))}
    return layers


ALEXNET = {
    "conv1": conv(96, 3, 11),
    "conv2": conv(256, 48, 5),
    "conv3": conv(384, 256, 3),
    "conv4": conv(384, 192, 3),
    "conv5": conv(256, 192, 3),
    "fc6": blobs((1, 1, 4096, 256 * 36), (1, 1, 1, 4096)),  # as CaffeNet has it
    "fc7": conv(4096, 4096, 1),
    "score_fr": conv(21, 4096, 1),
}


NYUD_HHA = "nyud_layers\n{'nyud_dir': '../data/nyud', 'tops': ['hha', 'label']}"


NYUD_COLOR = "nyud_layers\n{'nyud_dir': '../data/nyud', 'tops': ['color', 'label']}"


NETS = {
    "voc-fcn32s": (released(), "", "FCN32s", {"": 21}, {"mean": VOC}),
    "voc-fcn16s": (released(1), "", "FCN16s", {"": 21}, {"mean": VOC}),
    "voc-fcn8s": (released(2), "", "FCN8s", {"": 21}, {"mean": VOC}),
    "voc-fcn8s-atonce": (released(2, at_once=True), "", "FCN8s", {"": 21}, {"mean": VOC, "at_once": True}),
    "voc-fcn-alexnet": (ALEXNET, "", "FCNAlexNet", {"": 21}, {"mean": VOC}),
    "pascalcontext-fcn8s": (released(2, {"": 60}), "", "FCN8s", {"": 60}, {"mean": CONTEXT}),
    "siftflow-fcn8s": (released(2, HEADS), "", "FCN8s", HEADS, {"mean": SIFT_FLOW}),
    "nyud-fcn32s-color": (released(0, {"": 40}), NYUD_COLOR, "FCN32s", {"": 40}, {"mean": NYUD}),
    "nyud-fcn32s-hha": (released(0, {"": 40}), NYUD_HHA, "FCN32s", {"": 40}, {"mean": HHA, "modality": "hha"}),
    "nyud-fcn32s-color-d": (
        released(0, {"": 40}, first="conv1_1_bgrd"),
        "",
        "FCN32s",
        {"": 40},
        {"mean": NYUD, "modality": "rgbd"},
    ),
    "nyud-fcn32s-color-hha": (
        released(0, {"": 40}, trunks=("color", "hha")),
        "",
        "LateFusion",
        {"": 40},
        {"mean": NYUD, "skips": 0},
    ),
    "nyud-fcn16s-color-hha": (
        released(1, {"": 40}, trunks=("color", "hha")),
        "",
        "LateFusion",
        {"": 40},
        {"mean": NYUD, "skips": 1},
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_every_released_net_is_known_by_its_layers(name):
    layers, origin, builder, heads, options = NETS[name]
    if builder == "FCNAlexNet":
        options = {"channels": ((96, 256, 384, 384, 256), 4096), **options}
    else:
        options = {"channels": VGG16, "padding": "caffe", "at_once": False, **options}
    found = identify_network("net.caffemodel", layers, origin)
    assert (found.builder, found.heads, found.options) == (builder, heads, options)


def test_hha_is_told_from_colour_by_the_option_where_the_file_is_silent():
    layers = released(0, {"": 40})
    silent = identify_network("x", layers)
    assert str(silent) == (
        "FCN32s, 40 classes, rgb; mean 116.19 97.203 92.318 (NYUDv2, by its number of classes; if this is the HHA net, "
        "which looks the same: --modality hha)"
    )
    assert str(identify_network("x", layers, modality="hha")) == (
        "FCN32s, 40 classes, hha; mean 132.431 94.076 118.477 (HHA of NYUDv2)"
    )
    assert "--modality" not in str(identify_network("x", layers, modality="rgb"))
    assert identify_network("x", layers, NYUD_HHA, modality="rgb").options.get("modality") is None
    assert identify_network("x", layers, "nyud-fcn32s-hha").options["modality"] == "hha"
    assert "modality" not in identify_network("x", layers, "my_hha_net modality=rgb").options


@pytest.mark.parametrize(
    ("origin", "mean"),
    [
        ("voc_layers\n{'mean': (1.5, -2, 3e-05), 'seed': 1337}", (1.5, -2, 3e-05)),
        ("net modality=rgb mean=-1.0,2.25,3.0", (-1, 2.25, 3)),
        ("siftflow_layers\n{'siftflow_dir': '../data/sift-flow'}", SIFT_FLOW),
        ("pascalcontext_layers", CONTEXT),
    ],
)
def test_mean_is_the_one_the_file_says(origin, mean):
    assert identify_network("x", released(heads={"": 7}), origin).options["mean"] == mean
    assert identify_network("x", released(heads={"": 7}), origin, mean=[1, 2, 3]).options["mean"] == (1, 2, 3)


def without(name, **options):
    layers = released(**options)
    del layers[name]
    return layers


UNKNOWN = {
    "classifier": (without("score_fr"), {}, "x has no layer score_fr: it is a classifier"),
    "other net": ({"res1": conv(8, 3, 3)}, {}, "has no layer conv1_1. Known are the layers of the released FCNs"),
    "hole": (without("conv3_1"), {}, "has no layer conv3_1"),
    "no fc7": (without("fc7"), {}, "has no layer fc7"),
    "widths": (released() | {"fc7": conv(100, 4096, 1)}, {}, r"another width in fc7 than in fc6 \(4096\)"),
    "filters": (released() | {"conv2_2": conv(100, 128, 3)}, {}, "100 filters in conv2_2, 128 in the layer before"),
    "shape": (
        released() | {"conv2_1": conv(128, 60, 3)},
        {},
        r"shapes \[\(128, 60, 3, 3\), \(128,\)\] in conv2_1: no 3x3 convolution of 64 channels",
    ),
    "no bias": (released() | {"fc6": blobs((4096, 512, 7, 7))}, {}, "in fc6: no 7x7 convolution"),
    "nothing": (released() | {"score_fr": conv(0, 4096, 1)}, {}, "in score_fr: no 1x1 convolution"),
    "pool3 alone": (without("score_pool4", skips=2), {}, "score_pool3 and no score_pool4: no FCN fuses pool3 alone"),
    "heads": (released(heads={"": 21, "geo": 3}), {}, "heads with and without a name: score_fr, score_fr_geo"),
    "too many": (released(heads={"": 100_000}), {}, "100000 classes in score_fr. Expected: up to 256"),
    "mean": (released(heads={"": 7}), {}, "does not say what data .* 7 classes do not either. Say --mean B G R"),
    "nan": (released(), {"mean": [1, float("nan"), 3]}, "cannot have the mean 1 nan 3"),
    "needless": (ALEXNET, {"modality": "hha"}, "needs no --modality: its layers tell that it takes rgb"),
    "needless too": (
        released(first="conv1_1_bgrd"),
        {"modality": "rgb"},
        "needs no --modality: its layers tell that it takes rgbd",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_other_files_are_refused(case):
    layers, options, message = UNKNOWN[case]
    with pytest.raises(ValueError, match=message):
        identify_network("x", layers, **options)
