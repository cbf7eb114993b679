"""Networks as ONNX files, run by ONNX Runtime beside `fcn_keras.predict`."""

import re
import sys

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from fcn_keras import inference
from fcn_keras.layers import Preprocess
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from serving.export.accuracy import agreement as parity
from serving.export.command import main
from serving.export.onnx.export import export_onnx
from serving.export.onnx.run import runner
from tests.serving.image_files import picture
from tests.serving.nets import randomize

TINY = (((4, 1), (4, 1), (6, 1), (6, 1), (8, 1)), 8)
SIZES = [(1, 1), (31, 100), (64, 32), (97, 131)]


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def described(values):
    return {value.name: (value.type, value.shape) for value in values}


@pytest.mark.parametrize("padding", ["same", "caffe"])
def test_scores_of_any_size_and_number_of_images(padding, tmp_path):
    net = randomize(FCN8s(5, padding=padding, channels=TINY))
    figures = export_onnx(net, tmp_path / "net.onnx")
    assert 0 < figures.largest_error < 1e-5
    assert figures.agreement > 0.999
    run = session(tmp_path / "net.onnx")
    assert described(run.get_inputs()) == {"image": ("tensor(float)", ["batch", "height", "width", 3])}
    assert described(run.get_outputs()) == {"scores": ("tensor(float)", ["batch", "height", "width", 5])}
    for size in SIZES:
        images = np.stack([picture(*size, seed) for seed in range(2)])
        scores = run.run(None, {"image": images.astype(np.float32)})[0]
        for image, given in zip(images, scores, strict=True):
            expected = inference.predict(net, image, output="scores")
            np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_the_file_holds_each_weight_once_and_states_its_opset(tmp_path):
    net = randomize(FCN32s(5, channels=TINY))
    export_onnx(net, tmp_path / "net.onnx", names={"": ["a", "b", "c", "d", "e"]})
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")] == [17]
    assert {entry.key: entry.value for entry in model.metadata_props} == {"classes": "a\nb\nc\nd\ne"}
    weights = [onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
    large = sorted(array.size for array in weights if array.size > 1000)
    sizes = {variable.path: variable.numpy().size for variable in net.variables}
    assert sizes.pop("upscore/kernel") == 64 * 64 * 5 * 5  # of which nine tenths are zeros, between classes
    assert large == sorted([2 * 2 * 5 * 32 * 32, *(size for size in sizes.values() if size > 1000)])
    assert not {"ConvTranspose", "ReverseSequence"} & {node.op_type for node in model.graph.node}
    transposed = {node.input[0] for node in model.graph.node if node.op_type == "Transpose"}
    assert not transposed & {tensor.name for tensor in model.graph.initializer}


def test_labels_of_several_heads_inside_the_graph(tmp_path):
    net = randomize(FCN16s({"sem": 4, "geo": 3}, channels=TINY))
    assert export_onnx(net, tmp_path / "net.onnx", labels=True, names={"geo": ["x", "y", "z"]}).agreement == 1
    run = session(tmp_path / "net.onnx")
    assert run.get_modelmeta().custom_metadata_map == {"classes_geo": "x\ny\nz"}
    assert described(run.get_inputs()) == {"image": ("tensor(uint8)", ["batch", "height", "width", 3])}
    shape = ["batch", "height", "width"]
    assert described(run.get_outputs()) == {f"{head}_label": ("tensor(uint8)", shape) for head in ("sem", "geo")}
    for size in SIZES:
        image = picture(*size)
        for head, expected in inference.predict(net, image).items():
            np.testing.assert_array_equal(run.run([f"{head}_label"], {"image": image[None]})[0][0], expected)


def test_rgbd_and_late_fusion(tmp_path):
    deep = randomize(FCN32s(4, modality="rgbd", channels=TINY))
    assert export_onnx(deep, tmp_path / "rgbd.onnx", labels=True).agreement == 1
    run = session(tmp_path / "rgbd.onnx")
    pixels = np.concatenate([picture(40, 50).astype(np.uint16), np.full((40, 50, 1), 3000, np.uint16)], axis=-1)
    np.testing.assert_array_equal(run.run(None, {"image": pixels[None]})[0][0], inference.predict(deep, pixels))
    fused = randomize(LateFusion(4, channels=TINY))
    assert export_onnx(fused, tmp_path / "fused.onnx").largest_error < 1e-5
    pair = {"rgb": picture(40, 50), "hha": picture(40, 50, 1)}
    scores = session(tmp_path / "fused.onnx").run(None, {k: x[None].astype(np.float32) for k, x in pair.items()})[0][0]
    expected = inference.predict(fused, pair, output="scores")
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("padding", ["same", "caffe"])
def test_learned_upsampling_that_mixes_classes(padding, tmp_path):
    net = randomize(FCN16s(3, padding=padding, learn_upsampling="all", channels=TINY))
    kernel = net.get_layer("upscore16").kernel
    kernel.assign(np.random.default_rng(0).normal(0, 0.1, kernel.shape))
    assert export_onnx(net, tmp_path / "net.onnx").largest_error < 1e-5
    scores = runner(tmp_path / "net.onnx")
    for size in SIZES:
        expected = inference.predict(net, picture(*size), output="scores")
        np.testing.assert_allclose(scores(picture(*size))[""], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_other_endings_are_left_as_they_are(tmp_path):
    image = keras.Input((None, None, 3), name="image")
    net = keras.Model(image, keras.layers.Conv2D(4, 3, padding="same")(Preprocess()(image)))
    assert export_onnx(net, tmp_path / "net.onnx", labels=True).agreement == 1
    assert export_onnx(net, tmp_path / "net.onnx").largest_error < 1e-5


def test_mixed_precision_is_written_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = randomize(FCN32s(4, channels=TINY))
    finally:
        keras.config.set_dtype_policy("float32")
    assert export_onnx(mixed, tmp_path / "net.onnx").largest_error < 1e-5
    assert described(session(tmp_path / "net.onnx").get_outputs())["scores"][0] == "tensor(float)"


def test_a_file_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    net = randomize(FCN32s(4, channels=TINY))
    (tmp_path / "net.onnx").write_text("older")
    monkeypatch.setattr(parity, "LARGEST_ERROR", {"fp32": 0})
    with pytest.raises(ValueError, match=r"off by .* of the largest; 0 is allowed. Nothing was written"):
        export_onnx(net, tmp_path / "net.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    assert (tmp_path / "net.onnx").read_text() == "older"


def test_labels_that_differ_are_not_written_either(tmp_path):
    net = randomize(FCN32s(4, channels=TINY))
    with pytest.raises(
        ValueError, match=r"labels of which 100.00 % agree \(drawn\); 110 % have to. Nothing was written"
    ):
        export_onnx(net, tmp_path / "net.onnx", labels=True, least_agreement=1.1)
    assert not list(tmp_path.iterdir())


def test_missing_packages_are_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(
        ImportError, match=re.escape('ONNX needs tf2onnx. Install it with: pip install "fcn_keras[onnx]"')
    ):
        export_onnx(FCN32s(4, channels=TINY), tmp_path / "net.onnx")


def test_the_command_writes_onnx(tmp_path, capsys, monkeypatch):
    randomize(FCN32s(2, channels=TINY)).save(tmp_path / "net.keras")
    (tmp_path / "classes.txt").write_text("sky\nground\n")
    monkeypatch.chdir(tmp_path)
    assert main(["net.keras", "out/net.onnx", "--format", "onnx", "--labels"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "out/net.onnx"
    assert [cell.strip() for cell in printed[3].strip("|").split("|")] == ["fp32", "100.000 %", "drawn images", "-"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["net.onnx", "net.onnx.md"]
    card = (tmp_path / "out" / "net.onnx.md").read_text()
    assert "2 classes: 0 sky, 1 ground." in card
    assert printed[3] in card
    run = session(tmp_path / "out" / "net.onnx")
    assert run.get_modelmeta().custom_metadata_map == {"classes": "sky\nground"}
    assert run.run(None, {"image": picture(9, 7)[None]})[0].shape == (1, 9, 7)
    for arguments, message in [
        (["net.onnx", "--format", "onnx", "--model-version", "2"], "--model-version does not go with --format onnx"),
        (["net.onnx", "--format", "onnx", "--extra", "color"], "--extra does not go with --format onnx"),
        (["served", "--labels"], "--labels does not go with --format savedmodel"),
        (["served", "--format", "onnx"], "name of a file for --format onnx ends in .onnx. Received: served"),
        (["served", "--precision", "int8"], "A SavedModel computes in float32. Received: --precision int8"),
        (["net.onnx", "--format", "onnx", "--precision", "int8"], "int8 needs images to calibrate on: --calibrate DIR"),
        (["net.onnx", "--format", "onnx", "--calibrate", "."], "--calibrate goes with --precision int8"),
        (["net.onnx", "--format", "onnx", "--split", "val"], "--split says how to read the folder of --validate"),
        (["net.onnx", "--format", "onnx", "--least-agreement", "99"], "--least-agreement is a share from 0 to 1"),
    ]:
        assert main(["net.keras", *arguments]) == 2
        error = capsys.readouterr().err
        assert error.startswith("fcn-export: ")
        assert error.count("\n") == 1
        assert message in error
