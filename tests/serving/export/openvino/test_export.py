"""Networks as OpenVINO's files, run by OpenVINO beside `fcn_keras.predict`."""

import json

import numpy as np
import pytest

from fcn_keras import inference
from fcn_keras.models import FCN8s, LateFusion
from fcn_keras_console.runtimes.openvino_files import has_bfloat16, runner
from fcn_keras_console.runtimes.quiet_openvino import load_openvino, openvino_core
from serving.export.openvino.export import about_hint, export_openvino
from tests.serving.calibrating import scenes
from tests.serving.image_files import picture
from tests.serving.nets import TINY, labels_of, randomize

openvino = load_openvino()
SIZES = [(1, 1), (31, 100), (64, 32)]


def compiled(path):
    return openvino_core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def described(values):
    return {value.any_name: (value.element_type.get_type_name(), str(value.partial_shape)) for value in values}


@pytest.fixture(scope="module")
def five():
    return randomize(FCN8s(5, padding="caffe", channels=TINY))


def test_scores_of_any_size_and_number_of_images(five, tmp_path):
    colors = {"": [(index, 2, 3) for index in range(5)]}
    figures = export_openvino(five, tmp_path / "net.xml", names={"": ["a", "b c", "ä", '"', "<"]}, colors=colors)
    assert 0 < figures.largest_error < 1e-5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.bin", "net.xml", "net.xml.probe.json"]
    run = compiled(tmp_path / "net.xml")
    assert described(run.inputs) == {"image": ("f32", "[?,?,?,3]")}
    assert described(run.outputs) == {"scores": ("f32", "[?,?,?,5]")}
    network = openvino_core().read_model(tmp_path / "net.xml")
    assert [str(value.node.layout) for value in (*network.inputs, *network.outputs)] == ["[N,H,W,C]"] * 2
    stored = network.get_rt_info(["fcn_keras", "classes"]).astype(str)
    assert json.loads(stored) == ["a", "b c", "ä", '"', "<"]
    assert runner(tmp_path / "net.xml").colors[""].tolist() == [list(color) for color in colors[""]]
    for size in SIZES:
        images = np.stack([picture(*size, seed) for seed in range(2)])
        for image, given in zip(images, run({"image": images.astype(np.float32)})["scores"], strict=True):
            expected = inference.predict(five, image, output="scores")
            np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_labels_of_two_inputs_in_halves(tmp_path):
    net = randomize(LateFusion(4, channels=TINY))
    export_openvino(net, tmp_path / "net.xml", labels=True, precision="fp16")
    upsampling = 4 * 4 * (64 * 64 * 4 - 2 * 2 * 32 * 32)  # bytes of zeros between classes, which no file holds
    assert (tmp_path / "net.bin").stat().st_size < 0.55 * (4 * net.count_params() - upsampling)
    run = compiled(tmp_path / "net.xml")
    assert described(run.outputs) == {"label": ("u8", "[?,?,?]")}
    pair = {"rgb": picture(40, 50), "hha": picture(40, 50, 1)}
    label = run({name: image[None] for name, image in pair.items()})["label"][0]
    assert np.mean(label == labels_of(net, pair)) > 0.99


def test_int8_runs_in_int8(five, tmp_path):
    figures = export_openvino(
        five, tmp_path / "net.xml", labels=True, precision="int8", calibration=scenes(6), least_agreement=0.9
    )
    assert 0.9 < figures.agreement < 1
    run = compiled(tmp_path / "net.xml")
    nodes = [node.get_rt_info() for node in run.get_runtime_model().get_ops()]
    facts = [{key: info[key].astype(str) for key in ("layerType", "runtimePrecision")} for info in nodes]
    kinds = [fact["runtimePrecision"] for fact in facts if fact["layerType"] == "Convolution"]
    assert sum(kind in ("u8", "i8") for kind in kinds) == 7
    image = picture(64, 48)
    assert run({"image": image[None]})["label"].shape == (1, 64, 48)


def test_another_name_is_refused(five, tmp_path):
    with pytest.raises(ValueError, match=r"The file's name ends in .xml. Received: .*net.onnx"):
        export_openvino(five, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_what_to_compute_in_is_kept_beside_the_classes(five, tmp_path):
    """In the file of fp32, whose answers are those where the processor has no bfloat16."""
    figures = export_openvino(five, tmp_path / "net.xml", precision="bf16", least_agreement=0.9)
    assert (figures.largest_error < 1e-5) != has_bfloat16()
    stored = openvino_core().read_model(tmp_path / "net.xml").get_rt_info(["fcn_keras", "precision"])
    assert json.loads(stored.astype(str)) == "bf16"
    told = about_hint("bf16")
    assert "INFERENCE_PRECISION_HINT=bf16" in told
    assert ("what was compared is float32" in told) != has_bfloat16()
    assert "INFERENCE_PRECISION_HINT=f32" in about_hint("fp16")
