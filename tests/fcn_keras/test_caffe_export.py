"""Written networks, against OpenCV's own reader and engine for Caffe files, and against the files they came from."""

from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras import caffe_export, caffemodel
from fcn_keras.caffe_export import save_caffemodel
from fcn_keras.layers import Preprocess
from tests.training.tiny import randomize

DATA = Path(__file__).parents[1] / "parity" / "data"
SIZES = ((61, 83), (33, 40))
TWO_HEADS = {"sem": 33, "geo": 3}
VOC_MEAN = (104.00699, 116.66877, 122.67892)
HHA_MEAN = (132.431, 94.076, 118.477)


def net(build, classes, narrow, **options):
    model = build(classes, padding="caffe", channels=narrow, **options)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if layer.name.startswith("upscore"):  # not symmetric: an axis out of place would show
            layer.kernel.assign(rng.normal(size=layer.kernel.shape) / layer.kernel.shape[0])
    return randomize(model)


def colour(size):
    return np.random.default_rng(0).integers(0, 256, (*size, 3)).astype("float32")


def bgr(image):
    return image[..., ::-1] - np.array(VOC_MEAN)


def hha(size):
    return np.random.default_rng(1).integers(0, 256, (*size, 3)).astype("float32")


def depth(size):
    return np.random.default_rng(2).uniform(500, 9000, (*size, 1)).astype("float32")


def run(prototxt, weights, inputs, outputs):
    """Let OpenCV compute `outputs` from `inputs` (blob -> (H, W, C)); return (H, W, C) arrays."""
    engine = cv2.dnn.readNetFromCaffe(str(prototxt), str(weights))
    for name, pixels in inputs.items():
        engine.setInput(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], "float32"), name)
    return [np.array(x)[0].transpose(1, 2, 0) for x in engine.forward(outputs)]


def agree(found, expected):
    found = np.asarray(found)[0]
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() / np.abs(expected).max() <= 1e-5
    np.testing.assert_array_equal(found.argmax(-1), expected.argmax(-1))


@pytest.mark.parametrize(
    ("build", "classes", "options"),
    [
        (fcn.FCN32s, 21, {}),
        (fcn.FCN16s, 60, {}),
        (fcn.FCN8s, 21, {"at_once": True}),
        (fcn.FCN8s, TWO_HEADS, {}),
    ],
)
def test_opencv_gives_the_models_scores(build, classes, options, narrow, tmp_path):
    model = net(build, classes, narrow, **options)
    prototxt = save_caffemodel(model, tmp_path / "net.caffemodel")
    heads = [f"score_{head}" for head in classes] if classes == TWO_HEADS else ["score"]
    for size in SIZES:
        expected = run(prototxt, tmp_path / "net.caffemodel", {"data": bgr(colour(size))}, heads)
        found = model(colour(size)[None])
        for scores, truth in zip([found[h] for h in TWO_HEADS] if len(heads) > 1 else [found], expected, strict=True):
            agree(scores, truth)


@pytest.mark.parametrize("modality", ["hha", "rgbd", "rgb_hha"])
def test_opencv_gives_the_scores_of_other_modalities(modality, narrow, tmp_path):
    size = SIZES[0]
    if modality == "rgb_hha":
        model = net(fcn.LateFusion, 40, narrow, skips=1)
        image = {"rgb": colour(size)[None], "hha": hha(size)[None]}
        inputs = {"color": bgr(colour(size)), "hha": hha(size) - np.array(HHA_MEAN)}
    else:
        model = net(fcn.FCN32s, 40, narrow, modality=modality)
        eaten = hha(size) if modality == "hha" else np.concatenate([colour(size), depth(size)], -1)
        image = eaten[None]
        inputs = {"data": hha(size) - np.array(HHA_MEAN)}
        if modality == "rgbd":
            inputs = {"data": np.concatenate([bgr(colour(size)), np.log(depth(size)) - 7.844], -1)}
    prototxt = save_caffemodel(model, tmp_path / "net.caffemodel")
    (expected,) = run(prototxt, tmp_path / "net.caffemodel", inputs, ["score"])
    agree(model(image), expected)


GOLDEN = {
    "voc-fcn32s.caffemodel.gz": (fcn.FCN32s, 21),
    "voc-fcn16s.caffemodel.gz": (fcn.FCN16s, 21),
    "voc-fcn8s.caffemodel": (fcn.FCN8s, 21),
    "siftflow-fcn16s.caffemodel.gz": (fcn.FCN16s, TWO_HEADS),
}


@pytest.mark.parametrize("file", GOLDEN)
def test_files_of_real_caffe_come_back_bit_by_bit(file, narrow, tmp_path):
    build, classes = GOLDEN[file]
    model = build(classes, padding="caffe", channels=narrow)
    fcn.load_caffemodel(model, DATA / file)
    model.save(tmp_path / "net.keras")
    save_caffemodel(keras.saving.load_model(tmp_path / "net.keras"), tmp_path / "net.caffemodel")
    original, written = caffemodel.read(DATA / file), caffemodel.read(tmp_path / "net.caffemodel")
    assert set(written) == set(original)
    for name, arrays in original.items():
        for a, b in zip(written[name], arrays, strict=True):
            assert a.shape == b.shape
            assert a.tobytes() == b.tobytes(), name


def test_small_chunks_write_the_same_file(narrow, tmp_path, monkeypatch):
    model = net(fcn.FCN32s, 3, narrow)
    save_caffemodel(model, tmp_path / "whole.caffemodel")
    monkeypatch.setattr(caffe_export, "CHUNK_BYTES", 5000)
    save_caffemodel(model, tmp_path / "parts.caffemodel")
    assert (tmp_path / "parts.caffemodel").read_bytes() == (tmp_path / "whole.caffemodel").read_bytes()


@pytest.mark.parametrize(("build", "offsets"), [(fcn.FCN32s, [19]), (fcn.FCN16s, [5, 27]), (fcn.FCN8s, [5, 9, 31])])
def test_crops_are_the_released_ones(build, offsets, narrow, tmp_path):
    text = save_caffemodel(net(build, 2, narrow), tmp_path / "net.caffemodel").read_text()
    assert [int(part.split()[0]) for part in text.split("crop_param { axis: 2 offset: ")[1:]] == offsets


def test_prototxt_says_what_to_feed_it(narrow, tmp_path):
    model = net(fcn.FCN32s, 2, narrow, modality="rgbd", mean=(1, 2, 3.5), name='my "net"')
    lines = save_caffemodel(model, tmp_path / "net.caffemodel").read_text().splitlines()
    assert lines[0] == "# Weights: net.caffemodel. Written by fcn_keras."
    assert lines[1] == (
        "# data: 1 x channels x height x width; B, G, R (0-255) minus 1.0 2.0 3.5; then ln(depth in mm) minus 7.844, "
        "0 where the depth is unknown."
    )
    assert lines[3] == 'name: "my__net_ modality=rgbd mean=1.0,2.0,3.5"'
    assert caffemodel.origin(tmp_path / "net.caffemodel") == "my__net_ modality=rgbd mean=1.0,2.0,3.5"


def test_half_of_a_file_is_never_found(narrow, tmp_path, monkeypatch):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(b"old")

    def full(array):
        yield b"some"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caffe_export, "_chunks", full)
    with pytest.raises(OSError, match="No space left"):
        save_caffemodel(net(fcn.FCN32s, 2, narrow), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_caffe_could_not_read_is_not_written(narrow, tmp_path, monkeypatch):
    monkeypatch.setattr(caffe_export, "MAX_BYTES", 2**20 + 1000)
    with pytest.raises(ValueError, match=r"files of up to 1049576 bytes. Received: fcn32s with \d+ of weights"):
        save_caffemodel(net(fcn.FCN32s, 2, narrow), tmp_path / "net.caffemodel")


def test_same_padding_is_refused(narrow, tmp_path):
    with pytest.raises(ValueError, match=r'pad, which pads to a multiple. Build one with `padding="caffe"`'):
        save_caffemodel(fcn.FCN32s(2, channels=narrow), tmp_path / "net.caffemodel")
    assert not list(tmp_path.iterdir())


def test_other_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`path` ends in .caffemodel. Received: net.prototxt"):
        save_caffemodel(None, "net.prototxt")


layers = keras.layers
REFUSED = {
    "other layer": ([layers.UpSampling2D(2, name="up")], "Caffe has no equal of UpSampling2D. Received: up"),
    "dilation": ([layers.Conv2D(2, 3, dilation_rate=2)], "is dilated"),
    "strided same": ([layers.Conv2D(2, 3, strides=2, padding="same")], "pads by the image's size"),
    "oblong": ([layers.Conv2D(2, (1, 3))], "has no square window"),
    "activation": ([layers.Conv2D(2, 3, activation="gelu")], "ends in gelu"),
    "pads twice": ([layers.ZeroPadding2D(1), layers.Conv2D(2, 3, padding="same")], "pads a padded map"),
    "pads a pool": ([layers.ZeroPadding2D(1), layers.MaxPooling2D(2, 2, padding="same")], "only convolutions pad"),
    "uneven pad": ([layers.ZeroPadding2D(((0, 1), (0, 1)))], "pads one side more than another"),
    "floor": ([layers.MaxPooling2D(2, 2)], "does not count windows as Caffe does"),
    "bias": ([layers.Conv2DTranspose(3, 4, 2)], "is no plain upsampling"),
    "offset": ([layers.Rescaling(2.0, offset=1.0)], "no equal of Rescaling"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_caffe_computes_otherwise_is_refused(case, tmp_path):
    stack, message = REFUSED[case]
    image = keras.Input((None, None, 3), name="image")
    x = Preprocess(name="preprocess")(image)
    for layer in stack:
        x = layer(x)
    with pytest.raises(ValueError, match=message):
        save_caffemodel(keras.Model(image, x), tmp_path / "net.caffemodel")


def test_model_of_another_package_is_refused(tmp_path):
    image = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match=r"begins with `Preprocess`\. Received: other"):
        save_caffemodel(keras.Model(image, layers.ReLU()(image), name="other"), tmp_path / "net.caffemodel")
