"""Networks as ONNX files, run by ONNX Runtime beside `fcn_keras.predict`."""

import re
import sys

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from fcn_keras import inference
from fcn_keras.inference import winograd
from fcn_keras.layers import Preprocess
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from fcn_keras_console.runtimes.onnx_file import runner
from serving.export.onnx.export import export_onnx
from tests.fcn_keras.inference.small_nets import WIDE
from tests.serving.calibrating import scenes
from tests.serving.image_files import picture
from tests.serving.nets import TINY, in_bfloat16, labels_of, randomize

SIZES = [(1, 1), (31, 100), (64, 32), (97, 131)]
COLORS = [(1, 2, 3), (4, 5, 6), (7, 8, 9)]


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def described(values):
    return {value.name: (value.type, value.shape) for value in values}


@pytest.fixture(scope="module", params=["same", "caffe"])
def scores_of_five(request, tmp_path_factory):
    """An FCN-8s, its file, and the figures of the comparison."""
    net = randomize(FCN8s(5, padding=request.param, channels=TINY))
    path = tmp_path_factory.mktemp(request.param) / "net.onnx"
    return net, path, export_onnx(net, path, names={"": ["a", "b", "c", "d", "e"]})


def test_scores_of_any_size_and_number_of_images(scores_of_five):
    net, path, figures = scores_of_five
    assert 0 < figures.largest_error < 1e-5
    assert figures.agreement > 0.999
    run = session(path)
    assert described(run.get_inputs()) == {"image": ("tensor(float)", ["batch", "height", "width", 3])}
    assert described(run.get_outputs()) == {"scores": ("tensor(float)", ["batch", "height", "width", 5])}
    for size in SIZES:
        images = np.stack([picture(*size, seed) for seed in range(2)])
        scores = run.run(None, {"image": images.astype(np.float32)})[0]
        for image, given in zip(images, scores, strict=True):
            expected = inference.predict(net, image, output="scores")
            np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_the_file_holds_each_weight_once_and_states_its_opset(scores_of_five):
    net, path, _ = scores_of_five
    assert sorted(file.name for file in path.parent.iterdir()) == ["net.onnx", "net.onnx.probe.json"]
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")] == [17]
    assert {entry.key: entry.value for entry in model.metadata_props} == {"classes": "a\nb\nc\nd\ne"}
    weights = [onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
    large = sorted(array.size for array in weights if array.size > 500)
    sizes = {variable.path: variable.numpy().size for variable in net.variables}
    assert sizes.pop("upscore8/kernel") == 16 * 16 * 5 * 5  # of which four fifths are zeros, between classes
    assert large == sorted([2 * 2 * 5 * 8 * 8, *(size for size in sizes.values() if size > 500)])
    assert not {"ReverseSequence"} & {node.op_type for node in model.graph.node}
    assert [node.op_type for node in model.graph.node].count("ConvTranspose") == 2  # upscore2 and upscore_pool4
    transposed = {node.input[0] for node in model.graph.node if node.op_type == "Transpose"}
    assert not transposed & {tensor.name for tensor in model.graph.initializer}


def test_wide_convolutions_that_multiply_less(tmp_path):
    """Six convolutions of 1x3 for each of conv4_1 to conv5_2; the same weights, transformed when the file is loaded."""
    net = randomize(FCN8s(3, channels=WIDE))
    figures = export_onnx(net, tmp_path / "net.onnx", multiplies_less=True)
    assert 0 < figures.largest_error < 1e-5
    assert figures.agreement > 0.999
    graph = onnx.load(tmp_path / "net.onnx").graph
    wide = [x.name for x in net.layers if winograd.suits(x)]
    assert wide == ["conv4_1", "conv4_2", "conv5_1", "conv5_2"]
    convolutions = sum(x.op_type == "Conv" for x in graph.node)
    plain = tmp_path / "plain.onnx"
    export_onnx(net, plain)
    assert convolutions == sum(x.op_type == "Conv" for x in onnx.load(plain).graph.node) + 5 * len(wide)
    sizes = sorted(x.numpy().size for x in net.variables if x.path.startswith(("conv4", "conv5")))
    held = [onnx.numpy_helper.to_array(tensor).size for tensor in graph.initializer]
    assert set(sizes) <= set(held)
    assert sum(held) < 1.01 * sum(x.numpy().size for x in net.variables)
    run, image = session(tmp_path / "net.onnx"), picture(45, 70)
    expected = inference.predict(net, image, output="scores")
    found = run.run(None, {"image": image[None].astype(np.float32)})[0][0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert "convolution_op" not in vars(net.get_layer("conv5_1"))
    with pytest.raises(ValueError, match="Received: `multiplies_less` with int8"):
        export_onnx(net, tmp_path / "net.onnx", multiplies_less=True, precision="int8")


def test_labels_of_several_heads_inside_the_graph(tmp_path):
    net = randomize(FCN16s({"sem": 4, "geo": 3}, channels=TINY))
    known = {"names": {"geo": ["x", "y", "z"]}, "colors": {"geo": COLORS}}
    assert export_onnx(net, tmp_path / "net.onnx", labels=True, **known).agreement == 1
    assert runner(tmp_path / "net.onnx").colors["geo"].tolist() == list(map(list, COLORS))
    run = session(tmp_path / "net.onnx")
    assert run.get_modelmeta().custom_metadata_map == {"classes_geo": "x\ny\nz", "palette_geo": "1 2 3\n4 5 6\n7 8 9"}
    assert described(run.get_inputs()) == {"image": ("tensor(uint8)", ["batch", "height", "width", 3])}
    shape = ["batch", "height", "width"]
    assert described(run.get_outputs()) == {f"{head}_label": ("tensor(uint8)", shape) for head in ("sem", "geo")}
    for size in SIZES:
        image = picture(*size)
        for head, expected in labels_of(net, image).items():
            np.testing.assert_array_equal(run.run([f"{head}_label"], {"image": image[None]})[0][0], expected)


def test_rgbd_in_bfloat16_and_late_fusion(tmp_path):
    deep = in_bfloat16(lambda: FCN32s(4, modality="rgbd", channels=TINY))
    assert export_onnx(deep, tmp_path / "rgbd.onnx", labels=True).agreement == 1
    run = session(tmp_path / "rgbd.onnx")
    single = FCN32s(4, modality="rgbd", channels=TINY)
    single.set_weights(deep.get_weights())
    pixels = np.concatenate([picture(40, 50).astype(np.uint16), np.full((40, 50, 1), 3000, np.uint16)], axis=-1)
    np.testing.assert_array_equal(run.run(None, {"image": pixels[None]})[0][0], labels_of(single, pixels))
    fused = randomize(LateFusion(4, channels=TINY))
    assert export_onnx(fused, tmp_path / "fused.onnx").largest_error < 1e-5
    run = session(tmp_path / "fused.onnx")
    assert described(run.get_outputs())["scores"][0] == "tensor(float)"
    pair = {"rgb": picture(40, 50), "hha": picture(40, 50, 1)}
    scores = run.run(None, {k: x[None].astype(np.float32) for k, x in pair.items()})[0][0]
    expected = inference.predict(fused, pair, output="scores")
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_other_endings_are_left_as_they_are(tmp_path):
    image = keras.Input((None, None, 3), name="image")
    net = keras.Model(image, keras.layers.Conv2D(4, 3, padding="same")(Preprocess()(image)))
    assert export_onnx(net, tmp_path / "net.onnx", labels=True).agreement == 1
    assert export_onnx(net, tmp_path / "net.onnx").largest_error < 1e-5


def test_several_heads_and_inputs_are_quantised_on_the_images_given(tmp_path):
    keras.utils.set_random_seed(0)  # of the kernels: some nets' scores lie too close together for 8 bits
    net = randomize(LateFusion({"sem": 4, "geo": 3}, channels=TINY))
    pairs = [{"rgb": rgb, "hha": hha} for rgb, hha in zip(scenes(3), scenes(3, seed=4), strict=True)]
    figures = export_onnx(net, tmp_path / "net.onnx", precision="int8", calibration=pairs, least_agreement=0.5)
    assert figures.images == "3 calibrated on"
    assert 0 < figures.largest_error < 0.2
    assert set(runner(tmp_path / "net.onnx")(pairs[0])) == {"sem", "geo"}


def test_missing_packages_are_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(
        ImportError, match=re.escape('ONNX needs tf2onnx. Install it with: pip install "fcn_keras[onnx]"')
    ):
        export_onnx(FCN32s(4, channels=TINY), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())
