"""VGG16 as PyTorch and Caffe keep it: names, order of the axes, types of number, and what is refused."""

import json
import struct
import sys

import numpy as np
import pytest

from fcn_keras.imagenet import load_imagenet
from tests.fcn_keras.small_nets import CONVOLUTIONS, kernel_of, net
from tests.weight_files import (
    CHANNELS,
    FEATURES,
    TIMM,
    bfloat16,
    caffemodel,
    safetensors,
    torch_arrays,
    torchvision,
    vgg16_arrays,
)

WIDTH, TOP = CHANNELS[0][-1][0], CHANNELS[1]  # channels of the last pool, and fc6


@pytest.fixture(scope="module")
def classifier():
    """fc6 and fc7 as PyTorch and Caffe hold them, and what they make of one last pool, channel by channel."""
    rng = np.random.default_rng(5)
    matrix, second = rng.standard_normal((TOP, WIDTH * 49)), rng.standard_normal((TOP, TOP))
    pool = rng.standard_normal((7, 7, WIDTH))  # rows, columns, channels
    flat = [pool[row, column, channel] for channel in range(WIDTH) for row in range(7) for column in range(7)]
    first = np.array([sum(w * x for w, x in zip(line, flat, strict=True)) for line in matrix])
    return matrix, second, pool, first, second @ first


def seen(model, pool):
    """What the model's fc6 and fc7 make of that, without bias and ReLU, in float64."""
    first = np.einsum("yxi,yxio->o", pool, kernel_of(model, "fc6").astype(np.float64))
    return first, first @ kernel_of(model, "fc7")[0, 0].astype(np.float64)


@pytest.mark.parametrize("layout", ["torchvision", "timm"])
def test_pytorch_files_mean_here_what_they_mean_there(tmp_path, classifier, layout):
    matrix, second, pool, *expected = classifier
    arrays = vgg16_arrays()
    tensors = torch_arrays(arrays, TIMM if layout == "timm" else None)
    if layout == "timm":
        tensors["pre_logits.fc1.weight"] = matrix.reshape(TOP, WIDTH, 7, 7)
        tensors["pre_logits.fc2.weight"] = second.reshape(TOP, TOP, 1, 1)
    else:
        tensors |= {"classifier.0.weight": matrix, "classifier.3.weight": second}
    model = net()
    loaded = load_imagenet(model, safetensors(tmp_path / "vgg.safetensors", tensors))
    assert loaded.copied == (*CONVOLUTIONS, "fc6", "fc7")
    assert loaded.unused == ("fc8",)
    for found, wanted in zip(seen(model, pool), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)
    for name, index in zip(CONVOLUTIONS[1:], FEATURES[1:], strict=True):
        kernel, stored = kernel_of(model, name), tensors[f"features.{index}.weight"]
        assert kernel[2, 1, 3, 4] == stored[4, 3, 2, 1]
        np.testing.assert_array_equal(kernel, np.einsum("oiyx->yxio", stored))
        np.testing.assert_array_equal(model.get_layer(name).bias, arrays[name][1])
    np.testing.assert_array_equal(model.get_layer("fc7").bias, arrays["fc7"][1])


@pytest.mark.parametrize("v1", [True, False], ids=["v1", "new"])
def test_the_original_classifier_of_caffe(tmp_path, classifier, v1):
    matrix, second, pool, *expected = classifier
    arrays = vgg16_arrays()
    blobs = {
        name: (np.einsum("yxio->oiyx", kernel), bias) for name, (kernel, bias) in arrays.items() if kernel.ndim == 4
    }
    blobs |= {"fc6": (matrix, arrays["fc6"][1]), "fc7": (second, arrays["fc7"][1])}
    blobs["fc8"] = np.zeros((10, TOP)), np.zeros(10)
    model = net()
    loaded = load_imagenet(model, caffemodel(tmp_path / "VGG_ILSVRC_16_layers.caffemodel", blobs, v1=v1))
    assert loaded.copied == (*CONVOLUTIONS, "fc6", "fc7")
    assert loaded.unused == ("fc8",)
    assert loaded.pixels.endswith("(caffe), as it is Caffe's file.")
    for found, wanted in zip(seen(model, pool), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)
    for name in CONVOLUTIONS:
        np.testing.assert_array_equal(kernel_of(model, name), arrays[name][0])
        np.testing.assert_array_equal(model.get_layer(name).bias, arrays[name][1])


def test_a_classifier_of_another_width_is_left_out(tmp_path):
    model = net(channels=(CHANNELS[0], 16))
    loaded = load_imagenet(model, torchvision(tmp_path / "vgg.safetensors", vgg16_arrays()))
    assert loaded.copied == tuple(CONVOLUTIONS)
    assert loaded.unused == ("fc6", "fc7", "fc8")


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F64"])
def test_other_types_of_number(tmp_path, dtype):
    arrays, model = vgg16_arrays(classifier=False), net()
    load_imagenet(model, torchvision(tmp_path / "vgg.safetensors", arrays, dtype))
    kernel = arrays["conv2_1"][0]
    as_kept = {
        "F16": lambda: kernel.astype(np.float16),
        "F64": lambda: kernel,
        "BF16": lambda: (bfloat16(kernel).astype(np.uint32) << 16).view(np.float32),
    }[dtype]()
    np.testing.assert_array_equal(kernel_of(model, "conv2_1"), as_kept)


# --- what is refused ----------------------------------------------------------------------------------------


def header_of(change):
    """Write a file whose header is changed, and its numbers are not."""

    def write(path):
        torchvision(path, vgg16_arrays(classifier=False))
        data = path.read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8 : 8 + length])
        text = change(header)
        text = json.dumps(header).encode() if text is None else text
        path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])

    return write


def tensors_of(change, **options):
    """Write tensors that are changed."""

    def write(path):
        tensors = torch_arrays(vgg16_arrays())
        change(tensors)
        safetensors(path, tensors, **options)

    return write


W = "features.5.weight"
REFUSED = {
    "offsets": (header_of(lambda h: h[W].update(data_offsets=[0, 2**40])), "it cannot be opened .SafetensorError"),
    "overlap": (
        header_of(lambda h: h[W].update(data_offsets=[0, 4 * 12 * 8 * 9])),
        "it cannot be opened .SafetensorEr",
    ),
    "absurd shape": (header_of(lambda h: h[W].update(shape=[2**31] * 4)), "it cannot be opened .SafetensorError"),
    "no JSON": (header_of(lambda h: b"{" * 100), "it cannot be opened .SafetensorError"),
    "missing": (tensors_of(lambda t: t.pop(W)), "layer conv2_1 is missing .it has conv1_1, conv1_2"),
    "no bias": (tensors_of(lambda t: t.pop("features.5.bias")), "layer conv2_1: it cannot be read .*features.5.bias"),
    "shape": (
        tensors_of(lambda t: t.update({W: np.ones((9, 8, 3, 3))})),
        r"layer conv2_1: its kernel has shape \(3, 3, 8, 9\), the model's \(3, 3, 8, 12\)",
    ),
    "bias shape": (
        tensors_of(lambda t: t.update({"features.5.bias": np.ones(9)})),
        r"conv2_1: its bias has shape \(9,\)",
    ),
    "axes": (
        tensors_of(lambda t: t.update({W: np.ones((12, 72))})),
        r"conv2_1: its kernel has shape \(12, 72\), which is",
    ),
    "columns": (
        tensors_of(lambda t: t.update({"classifier.0.weight": np.ones((TOP, 50))})),
        "layer fc6: its matrix has 50 columns, which are no 7x7 pixels",
    ),
    "integers": (
        tensors_of(lambda t: None, dtype="I32"),
        "conv1_1: features.0.weight holds numbers of type I32 instead of BF16",
    ),
    "vgg16_bn": (
        tensors_of(lambda t: t.update({"features.1.running_mean": np.ones(8)})),
        "it has batch normalization, as vgg16_bn has",
    ),
    "vgg11": (
        tensors_of(lambda t: [t.pop(name) for name in list(t) if "features.2." in name]),
        "layer conv1_2 is missing",
    ),
    "infinity": (tensors_of(lambda t: t[W].__setitem__((0, 0, 0, 0), np.inf)), "NaN or infinity in layer conv2_1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_hostile_safetensors_change_nothing(tmp_path, untouched, case):
    write, message = REFUSED[case]
    path = tmp_path / "vgg.safetensors"
    write(path)
    with pytest.raises(ValueError, match=message) as error:
        load_imagenet(untouched, path)
    assert "vgg.safetensors" in str(error.value)


def test_truncated_safetensors(tmp_path, untouched):
    path = torchvision(tmp_path / "vgg.safetensors", vgg16_arrays(classifier=False))
    data = path.read_bytes()
    for length in (9, 100, 3000, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"Received: .*vgg\.safetensors: it (cannot be opened|begins with)"):
            load_imagenet(untouched, path)


def test_flipped_bytes_of_a_header_end_in_weights_or_value_error(tmp_path):
    model, rng = net(), np.random.default_rng(0)
    path = torchvision(tmp_path / "vgg.safetensors", vgg16_arrays(classifier=False))
    data = np.fromfile(path, np.uint8)
    refused = 0
    for _ in range(60):
        damaged = data.copy()
        damaged[rng.integers(0, 2500, 3)] = rng.integers(0, 256, 3)
        damaged.tofile(path)
        try:
            load_imagenet(model, path)
        except ValueError as error:
            refused += "vgg.safetensors" in str(error)
    assert refused > 30


CAFFE_REFUSED = {
    "one array": ({"conv1_1": (np.ones((8, 3, 3, 3)),)}, "layer conv1_1: 1 arrays instead of kernel and bias"),
    "shape": ({"conv1_1": (np.ones((8, 4, 3, 3)), np.ones(8))}, r"layer conv1_1: its kernel has shape \(3, 3, 4, 8\)"),
    "bias": ({"conv1_1": (np.ones((8, 3, 3, 3)), np.ones((2, 4)))}, r"layer conv1_1: its bias has shape \(2, 4\)"),
    "another net": ({"ip1": (np.ones((2, 2)), np.ones(2))}, "layer conv1_1 is missing .it has none of VGG16"),
}


@pytest.mark.parametrize("case", CAFFE_REFUSED)
def test_other_networks_of_caffe_change_nothing(tmp_path, untouched, case):
    layers, message = CAFFE_REFUSED[case]
    with pytest.raises(ValueError, match=message) as error:
        load_imagenet(untouched, caffemodel(tmp_path / "net.caffemodel", layers))
    assert "net.caffemodel" in str(error.value)


def test_damaged_caffe_files_say_so_once(tmp_path, untouched):
    path = caffemodel(tmp_path / "net.caffemodel", {"conv1_1": (np.ones((8, 3, 3, 3)), np.ones(8))})
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match=r"^`path` must be a whole \.caffemodel .*net\.caffemodel") as error:
        load_imagenet(untouched, path)
    assert str(error.value).count("Received") == 1


def test_the_package_that_is_missing_is_named(tmp_path, untouched, monkeypatch):
    path = torchvision(tmp_path / "vgg.safetensors", vgg16_arrays(classifier=False))
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(
        ImportError, match=r"vgg\.safetensors needs safetensors .*pip install \"fcn_keras\[safetensors\]\""
    ):
        load_imagenet(untouched, path)
