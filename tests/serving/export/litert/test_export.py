"""Networks as LiteRT files, run by LiteRT's interpreter beside `fcn_keras.predict`."""

import warnings
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from fcn_keras import inference
from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from fcn_keras_console.runtimes.litert_file import runner
from serving.export.drawn_images import drawn
from serving.export.litert.export import export_litert
from tests.serving.image_files import picture
from tests.serving.nets import TINY, in_bfloat16, labels_of, randomize

SIZES = [(1, 1), (64, 96), (97, 131)]
COLORS = [(1, 2, 3), (4, 5, 6), (7, 8, 9)]
DENSE = [-1, -1, -1]  # any number of images, any height, any width


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def interpreter(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces the package that will replace it one day
        return tf.lite.Interpreter(str(path), num_threads=1)


def ends(path):
    """Inputs and outputs of the signature: `{name: (dtype, shape)}`."""
    run = interpreter(path).get_signature_runner("serving_default")
    return [
        {name: (value["dtype"], value["shape_signature"].tolist()) for name, value in details.items()}
        for details in (run.get_input_details(), run.get_output_details())
    ]


def require_fast(path, shapes, size=(97, 131)):
    """See that every shape is known once the inputs have a size, before any run, so that XNNPACK takes the net."""
    loaded = interpreter(path)
    for value in loaded.get_input_details():
        loaded.resize_tensor_input(value["index"], [2, *size, value["shape"][-1]])
    loaded.allocate_tensors()
    assert sorted(value["shape"].tolist() for value in loaded.get_output_details()) == shapes
    assert "DELEGATE" in {operator["op_name"] for operator in loaded._get_ops_details()}


def close(given, expected, share=1e-5):
    np.testing.assert_allclose(given, expected, rtol=0, atol=share * np.abs(expected).max())


@pytest.mark.parametrize("padding", ["same", "caffe"])
def test_scores_of_any_size_and_number_of_images(padding, tmp_path):
    path = tmp_path / "net.tflite"
    net = randomize(FCN8s(5, padding=padding, channels=TINY))
    figures = export_litert(net, path)
    assert 0 < figures.largest_error < 1e-5
    assert figures.agreement == 1
    assert ends(path) == [{"image": (np.float32, [*DENSE, 3])}, {"scores": (np.float32, [*DENSE, 5])}]
    require_fast(path, [[2, 97, 131, 5]])
    run = interpreter(path).get_signature_runner("serving_default")
    for size in SIZES:
        images = np.stack([picture(*size, seed) for seed in range(2)])
        for image, given in zip(images, run(image=images.astype(np.float32))["scores"].copy(), strict=True):
            close(given, inference.predict(net, image, output="scores"))


@pytest.mark.parametrize("padding", ["same", "caffe"])
def test_labels_of_several_heads_learned_upsampling_and_class_names(padding, tmp_path):
    path = tmp_path / "net.tflite"
    net = FCN16s({"sem": 4, "geo": 3}, channels=TINY, padding=padding, at_once=True, learn_upsampling="all")
    randomize(net)  # upsampling too: no longer interpolation, class by class
    for variable in net.trainable_variables:
        if "upscore" in variable.path:
            variable.assign(np.random.default_rng(1).normal(0, 0.3, variable.shape))
    figures = export_litert(net, path, labels=True, names={"geo": ["x", "y", "z"]}, colors={"geo": COLORS})
    assert figures.agreement > 0.999
    assert figures.largest_error is None
    heads = {f"{head}_label": (np.uint8, DENSE) for head in ("sem", "geo")}
    assert ends(path) == [{"image": (np.uint8, [*DENSE, 3])}, heads]
    require_fast(path, [[2, 97, 131]] * 2)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["classes_geo.txt", "palette_geo.txt"]
        assert archive.read("classes_geo.txt") == b"x\ny\nz\n"
    answer = runner(path)
    assert answer.colors["geo"].tolist() == list(map(list, COLORS))
    for size in SIZES:
        image = picture(*size)
        for head, expected in labels_of(net, image).items():
            assert np.mean(answer(image)[head] == expected) > 0.999


def test_rgbd_late_fusion_and_alexnet(tmp_path):
    path = tmp_path / "net.tflite"
    deep = randomize(FCN8s(257, modality="rgbd", channels=TINY))  # FCN-32s's upsampling would take a gigabyte
    export_litert(deep, path, labels=True)
    assert ends(path) == [{"image": (np.uint16, [*DENSE, 4])}, {"label": (np.uint16, DENSE)}]
    depth = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50, 1)  # from 0, which is unknown
    pixels = np.concatenate([picture(40, 50).astype(np.uint16), depth], axis=-1)
    np.testing.assert_array_equal(runner(path)(pixels)[""], labels_of(deep, pixels))
    fused = randomize(LateFusion(4, channels=TINY))
    export_litert(fused, path)
    pair = {"rgb": picture(40, 50), "hha": picture(40, 50, 1)}
    close(runner(path)(pair)[""], inference.predict(fused, pair, output="scores"))
    alex = randomize(FCNAlexNet(4, channels=((4, 4, 4, 4, 4), 8)))
    export_litert(alex, path)
    for size in SIZES:
        close(runner(path)(picture(*size))[""], inference.predict(alex, picture(*size), output="scores"))
    with pytest.raises(ValueError, match=r"This network has no int8 form: pool1/.* stays a float. Nothing was written"):
        export_litert(alex, tmp_path / "int8.tflite", precision="int8", calibration=[drawn(40, 50)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.tflite", "net.tflite.probe.json"]


def test_fp16_halves_the_file_and_takes_a_mixed_model(tmp_path):
    net = in_bfloat16(lambda: FCN32s(4, channels=(((8, 1), (8, 1), (16, 1), (16, 1), (16, 1)), 32)))
    figures = export_litert(net, tmp_path / "net.tflite", precision="fp16")
    assert 1e-5 < figures.largest_error < 1e-2
    weights = net.count_params() - 64 * 64 * 4 * 4 + 3 * 3 * 32 * 32 * 4  # of the upsampling, as the file has it
    assert (tmp_path / "net.tflite").stat().st_size < 0.6 * 4 * weights


@pytest.mark.parametrize("kind", ["one image", "late fusion"])
def test_int8_computes_with_integers_alone(kind, tmp_path):
    if kind == "one image":
        net = randomize(FCN8s(4, padding="caffe", channels=TINY))
        images = [drawn(40 + i, 60 - i) for i in range(6)]
    else:
        net = randomize(LateFusion(4, skips=1, channels=TINY))
        images = [{"rgb": drawn(40 + i, 60 - i), "hha": drawn(40 + i, 60 - i)[::-1]} for i in range(6)]
    path = tmp_path / "net.tflite"
    figures = export_litert(net, path, labels=True, precision="int8", calibration=images, least_agreement=0.9)
    assert 0.9 < figures.agreement < 1
    types = {value["dtype"] for value in interpreter(path).get_tensor_details()}
    assert types == {np.int8, np.uint8, np.int32}
    require_fast(path, [[2, 97, 131]])
    unseen = drawn(97, 131) if kind == "one image" else {"rgb": drawn(97, 131), "hha": drawn(97, 131)[::-1]}
    assert np.mean(runner(path)(unseen)[""] == labels_of(net, unseen)) > 0.8


def test_what_is_refused_leaves_nothing(tmp_path):
    for name, options, message in [
        ("net.tflite", {"modality": "rgbd"}, r"8 bits do not hold depth in millimetres. Received: an RGB-D network"),
        ("net.lite", {}, r"The file's name ends in .tflite. Received: .*net.lite"),
    ]:
        net = FCN32s(4, channels=TINY, **options)
        with pytest.raises(ValueError, match=message):
            export_litert(net, tmp_path / name, precision="int8", calibration=[picture(9, 9)])
    assert not list(tmp_path.iterdir())
