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
from serving.export.accuracy import agreement as parity
from serving.export.litert import graph
from serving.export.litert import structure as flatbuffer
from serving.export.litert.export import export_litert
from serving.export.litert.run import runner
from serving.export.saved_model.warmup import drawn
from tests.serving.image_files import picture
from tests.serving.nets import randomize

TINY = (((4, 1), (4, 1), (6, 1), (6, 1), (8, 1)), 8)
SIZES = [(1, 1), (64, 96), (97, 131)]
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


def operators(path, size):
    """Names of all operators once the inputs have a size, before any run, and the shapes of the outputs."""
    loaded = interpreter(path)
    for value in loaded.get_input_details():
        loaded.resize_tensor_input(value["index"], [2, *size, value["shape"][-1]])
    loaded.allocate_tensors()
    shapes = [loaded.get_output_details()[i]["shape"].tolist() for i in range(len(loaded.get_output_details()))]
    return {operator["op_name"] for operator in loaded._get_ops_details()}, shapes


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
    run = interpreter(path).get_signature_runner("serving_default")
    for size in SIZES:
        images = np.stack([picture(*size, seed) for seed in range(2)])
        for image, given in zip(images, run(image=images.astype(np.float32))["scores"].copy(), strict=True):
            close(given, inference.predict(net, image, output="scores"))


@pytest.mark.parametrize("padding", ["same", "caffe"])
def test_every_shape_is_known_before_the_run_so_that_xnnpack_takes_the_net(padding, tmp_path):
    path = tmp_path / "net.tflite"
    export_litert(randomize(FCN16s(5, padding=padding, channels=TINY)), path, labels=True)
    names, shapes = operators(path, (97, 131))
    assert "DELEGATE" in names
    assert shapes == [[2, 97, 131]]


def test_labels_of_several_heads_learned_upsampling_and_class_names(tmp_path):
    path = tmp_path / "net.tflite"
    net = FCN16s({"sem": 4, "geo": 3}, channels=TINY, at_once=True, learn_upsampling="all")
    randomize(net)  # upsampling too: no longer interpolation, class by class
    for variable in net.trainable_variables:
        if "upscore" in variable.path:
            variable.assign(np.random.default_rng(1).normal(0, 0.3, variable.shape))
    figures = export_litert(net, path, labels=True, names={"geo": ["x", "y", "z"]})
    assert figures.agreement > 0.999
    assert figures.largest_error is None
    heads = {f"{head}_label": (np.uint8, DENSE) for head in ("sem", "geo")}
    assert ends(path) == [{"image": (np.uint8, [*DENSE, 3])}, heads]
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["classes_geo.txt"]
        assert archive.read("classes_geo.txt") == b"x\ny\nz\n"
    answer = runner(path)
    for size in SIZES:
        image = picture(*size)
        for head, expected in inference.predict(net, image).items():
            assert np.mean(answer(image)[head] == expected) > 0.999


def test_rgbd_late_fusion_and_alexnet(tmp_path):
    path = tmp_path / "net.tflite"
    deep = randomize(FCN8s(257, modality="rgbd", channels=TINY))
    export_litert(deep, path, labels=True)
    assert ends(path) == [{"image": (np.uint16, [*DENSE, 4])}, {"label": (np.uint16, DENSE)}]
    depth = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50, 1)  # from 0, which is unknown
    pixels = np.concatenate([picture(40, 50).astype(np.uint16), depth], axis=-1)
    np.testing.assert_array_equal(runner(path)(pixels)[""], inference.predict(deep, pixels))
    fused = randomize(LateFusion(4, skips=1, channels=TINY))
    export_litert(fused, path)
    pair = {"rgb": picture(40, 50), "hha": picture(40, 50, 1)}
    close(runner(path)(pair)[""], inference.predict(fused, pair, output="scores"))
    alex = randomize(FCNAlexNet(4, channels=((4, 4, 4, 4, 4), 8)))
    export_litert(alex, path)
    for size in SIZES:
        close(runner(path)(picture(*size))[""], inference.predict(alex, picture(*size), output="scores"))


def test_fp16_halves_the_file_and_takes_a_mixed_model(tmp_path):
    channels = (((8, 1), (8, 1), (16, 1), (16, 1), (16, 1)), 32)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        net = randomize(FCN32s(4, channels=channels))
    finally:
        keras.config.set_dtype_policy("float32")
    exact, half = (tmp_path / f"{precision}.tflite" for precision in ("fp32", "fp16"))
    assert export_litert(net, exact).largest_error < 1e-5
    figures = export_litert(net, half, precision="fp16")
    assert 1e-5 < figures.largest_error < 1e-2
    assert half.stat().st_size < 0.6 * exact.stat().st_size


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
    names, shapes = operators(path, (97, 131))
    assert "DELEGATE" in names
    assert shapes == [[2, 97, 131]]
    unseen = drawn(97, 131) if kind == "one image" else {"rgb": drawn(97, 131), "hha": drawn(97, 131)[::-1]}
    assert np.mean(runner(path)(unseen)[""] == inference.predict(net, unseen)) > 0.8


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_kernels_carried_past_the_converter_are_those_it_would_have_written(precision, tmp_path, monkeypatch):
    net = randomize(LateFusion(4, channels=TINY))
    images = [{"rgb": drawn(33, 40), "hha": drawn(33, 40)[::-1]}]
    options = {"precision": precision, "least_agreement": 0}
    if precision == "int8":
        options["calibration"] = images
    export_litert(net, tmp_path / "within.tflite", **options)
    monkeypatch.setattr(graph, "LARGEST_CONSTANT", 60)  # so even conv1_1 is carried
    export_litert(net, tmp_path / "past.tflite", **options)
    within, past = (runner(tmp_path / f"{name}.tflite")(images[0])[""] for name in ("within", "past"))
    np.testing.assert_array_equal(within, past)
    assert np.ptp(past) > 0


def test_a_file_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    path = tmp_path / "net.tflite"
    path.write_text("older")
    net = randomize(FCN32s(4, channels=TINY))
    monkeypatch.setitem(parity.LARGEST_ERROR, "fp32", 0)
    with pytest.raises(ValueError, match=r"net.tflite gives scores that are off by .*; 0 is allowed. Nothing was"):
        export_litert(net, path)
    with pytest.raises(ValueError, match=r"net.tflite gives labels of which .* 100 % have to. Nothing was"):
        export_litert(
            net, path, labels=True, precision="int8", calibration=[drawn(20, 30), drawn(97, 131)], least_agreement=1
        )
    assert [file.name for file in tmp_path.iterdir()] == ["net.tflite"]
    assert path.read_text() == "older"


def test_networks_without_an_integer_form_are_refused(tmp_path):
    path = tmp_path / "net.tflite"
    with pytest.raises(ValueError, match=r"8 bits do not hold depth in millimetres. Received: an RGB-D network"):
        export_litert(FCN32s(4, modality="rgbd", channels=TINY), path, precision="int8", calibration=[picture(9, 9)])
    alex = randomize(FCNAlexNet(4, channels=((4, 4, 4, 4, 4), 8)))
    with pytest.raises(ValueError, match=r"This network has no int8 form: pool1/.* stays a float. Nothing was written"):
        export_litert(alex, path, precision="int8", calibration=[drawn(40, 50)])
    assert not list(tmp_path.iterdir())


def test_operators_of_tensorflow_are_found_in_the_file(tmp_path):
    function = tf.function(tf.linalg.inv, input_signature=[tf.TensorSpec([2, 2], tf.float32)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    path = tmp_path / "net.tflite"
    path.write_bytes(converter.convert())
    with pytest.raises(ValueError, match=r"net.tflite needs operators that LiteRT lacks: \['FlexMatrixInverse'\]"):
        flatbuffer.check_structure(path, integers=False)


def test_wrong_arguments(tmp_path):
    net = FCN32s(4, channels=TINY)
    for name, options, message in [
        ("net.lite", {}, r"The name of a LiteRT file ends in .tflite. Received: .*net.lite"),
        ("net.tflite", {"precision": "int4"}, "`precision` is one of"),
        ("net.tflite", {"precision": "int8"}, "int8 needs images to calibrate on"),
        ("net.tflite", {"calibration": [picture(9, 9)]}, "`calibration` goes with int8 alone"),
    ]:
        with pytest.raises(ValueError, match=message):
            export_litert(net, tmp_path / name, **options)
    assert not list(tmp_path.iterdir())
