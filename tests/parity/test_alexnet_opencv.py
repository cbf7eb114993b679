"""FCN-AlexNet against OpenCV's engine for Caffe networks, both reading the same weights."""

import cv2
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.caffe_export import save_caffemodel
from tests.weight_files import caffemodel

NARROW = (8, 12, 16, 20, 12), 24
CLASSES = 21
VOC_MEAN = (104.00699, 116.66877, 122.67892)
# Typed from the released topology's facts, channels apart.
PROTOTXT = """
layer {{ name: "data" type: "Input" top: "data"
        input_param {{ shape {{ dim: 1 dim: 3 dim: {height} dim: {width} }} }} }}
{convolutions}
layer {{ name: "upscore" type: "Deconvolution" bottom: "score_fr" top: "upscore"
        convolution_param {{ num_output: 21 kernel_size: 63 stride: 32 bias_term: false }} }}
layer {{ name: "score" type: "Crop" bottom: "upscore" bottom: "data" top: "score"
        crop_param {{ axis: 2 offset: 18 }} }}
"""
# name, bottom, filters, input channels of a group, kernel, the rest of convolution_param, pooled and normalised
CONVOLUTIONS = (
    ("conv1", "data", 8, 3, 11, "stride: 4 pad: 100", "pool lrn"),
    ("conv2", "norm1", 12, 4, 5, "pad: 2 group: 2", "pool lrn"),
    ("conv3", "norm2", 16, 12, 3, "pad: 1", ""),
    ("conv4", "conv3", 20, 8, 3, "pad: 1 group: 2", ""),
    ("conv5", "conv4", 12, 10, 3, "pad: 1 group: 2", "pool"),
    ("fc6", "pool5", 24, 12, 6, "", ""),
    ("fc7", "fc6", 24, 24, 1, "", ""),
    ("score_fr", "fc7", 21, 24, 1, "", ""),
)


def prototxt(height, width):
    lines = []
    for name, bottom, filters, _, kernel, rest, after in CONVOLUTIONS:
        text = f"num_output: {filters} kernel_size: {kernel} {rest}"
        lines.append(
            f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" '
            f"convolution_param {{ {text} }} }}"
        )
        if name != "score_fr":
            lines.append(f'layer {{ name: "relu{name}" type: "ReLU" bottom: "{name}" top: "{name}" }}')
        number = name[-1]
        if "pool" in after:
            lines.append(
                f'layer {{ name: "pool{number}" type: "Pooling" bottom: "{name}" top: "pool{number}" '
                "pooling_param { pool: MAX kernel_size: 3 stride: 2 } }"
            )
        if "lrn" in after:
            lines.append(
                f'layer {{ name: "norm{number}" type: "LRN" bottom: "pool{number}" top: "norm{number}" '
                "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 } }"
            )
    return PROTOTXT.format(height=height, width=width, convolutions="\n".join(lines))


def weights(path):
    rng = np.random.default_rng(0)
    arrays = {}
    for name, _, filters, inputs, kernel, *_ in CONVOLUTIONS:
        shape = (filters, inputs, kernel, kernel)
        arrays[name] = [rng.normal(size=shape) * np.sqrt(2 / (inputs * kernel**2)), rng.normal(size=filters)]
    arrays["upscore"] = [rng.normal(size=(CLASSES, CLASSES, 63, 63)) / 63]  # not symmetric
    return caffemodel(path, {name: [np.float32(a) for a in pair] for name, pair in arrays.items()})


def run(definition, file, image):
    engine = cv2.dnn.readNetFromCaffe(str(definition), str(file))
    pixels = image[..., ::-1] - np.array(VOC_MEAN)
    engine.setInput(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], "float32"), "data")
    return np.array(engine.forward("score"))[0].transpose(1, 2, 0)


@pytest.mark.parametrize("size", [(61, 83), (100, 57)])
def test_scores_are_opencvs(size, tmp_path):
    file = weights(tmp_path / "net.caffemodel")
    (tmp_path / "net.prototxt").write_text(prototxt(*size))
    model = FCNAlexNet(CLASSES, channels=NARROW)
    assert not fcn.load_caffemodel(model, file).missing
    image = np.random.default_rng(1).integers(0, 256, (*size, 3)).astype("float32")
    found = np.asarray(model(image[None]))[0]
    (tmp_path / "again").mkdir()
    again = save_caffemodel(model, tmp_path / "again" / "net.caffemodel")
    for expected in (
        run(tmp_path / "net.prototxt", file, image),
        run(again, again.with_suffix(".caffemodel"), image),
    ):
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() / np.abs(expected).max() <= 1e-5
        np.testing.assert_array_equal(found.argmax(-1), expected.argmax(-1))


def test_normalisation_matters_here(tmp_path):
    """The scores above would differ without it: the test is no formality."""
    file = weights(tmp_path / "net.caffemodel")
    text = prototxt(61, 83)
    (tmp_path / "net.prototxt").write_text(text)
    (tmp_path / "other.prototxt").write_text(text.replace("alpha: 0.0001", "alpha: 0.0005"))
    image = np.random.default_rng(1).integers(0, 256, (61, 83, 3)).astype("float32")
    one, other = (run(tmp_path / f"{name}.prototxt", file, image) for name in ("net", "other"))
    assert np.abs(one - other).max() / np.abs(one).max() > 1e-2


def test_dense_classifier_of_caffenet_becomes_convolutional(tmp_path):
    """CaffeNet's fc6 is an InnerProduct over 6x6 maps, columns in C, H, W order."""
    dense = np.random.default_rng(0).normal(size=(24, 12 * 36)).astype("float32")
    file = caffemodel(tmp_path / "net.caffemodel", {"fc6": [dense, np.zeros(24, "float32")]})
    model = FCNAlexNet(CLASSES, channels=NARROW)
    assert fcn.load_caffemodel(model, file).copied == ("fc6",)
    assert float(model.get_layer("fc6").kernel[4, 1, 7, 20]) == dense[20, 7 * 36 + 4 * 6 + 1]
