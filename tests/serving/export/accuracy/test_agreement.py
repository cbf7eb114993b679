"""float16 and int8 files beside the model: their answers, their sizes, and when they are refused."""

import collections

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from fcn_keras import inference
from fcn_keras.models import FCN8s, FCN16s, LateFusion
from fcn_keras_console.files import made, publish
from serving.export.accuracy import agreement as parity
from serving.export.accuracy import table as report
from serving.export.accuracy.agreement import Figures
from serving.export.accuracy.mean_iu import Validation
from serving.export.onnx.export import export_onnx
from serving.export.onnx.run import runner
from tests.serving.calibrating import scenes
from tests.serving.nets import randomize

NARROW = (((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32)


class Images(list):
    """Images to calibrate on, and others."""

    held_out = ()


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    return randomize(FCN8s(5, padding="caffe", channels=NARROW))


@pytest.fixture(scope="module")
def images():
    found = Images(scenes(6) + scenes(2, height=41, width=30))
    found.held_out = scenes(3, seed=2, height=50, width=40)
    return found


def large(graph):
    return {tensor.name: tensor for tensor in graph.initializer if np.prod(tensor.dims) > 1000}


def test_float16_halves_the_kernels_and_keeps_the_scores(net, tmp_path):
    figures = export_onnx(net, tmp_path / "net.onnx", precision="fp16")
    assert 0 < figures.largest_error < 5e-3
    assert figures.images == "drawn"
    model = onnx.load(tmp_path / "net.onnx")
    assert {tensor.data_type for tensor in large(model.graph).values()} == {onnx.TensorProto.FLOAT16}
    image = scenes(1)[0]
    scores, expected = runner(tmp_path / "net.onnx")(image)[""], inference.predict(net, image, output="scores")
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=0, atol=5e-3 * np.abs(expected).max())


def test_int8_quantises_the_trunk_on_the_images_given(net, images, tmp_path, capfd):
    figures = export_onnx(
        net, tmp_path / "net.onnx", precision="int8", calibration=images, labels=True, least_agreement=0.9
    )
    assert 0.9 < figures.agreement < 1
    assert figures[1:] == (None, "3 held out")
    model = onnx.load(tmp_path / "net.onnx")
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    made_by = {node.output[0]: node for node in model.graph.node}
    kinds = collections.Counter()
    for node in model.graph.node:
        if node.op_type == "Conv":
            weight = made_by.get(node.input[1])
            kinds[weight is not None] += 1
            if weight is not None:
                values, scale, zero = (tensors[name] for name in weight.input)
                assert values.data_type == onnx.TensorProto.INT8
                assert list(scale.dims) == [values.dims[0]]  # one a channel
                assert not onnx.numpy_helper.to_array(zero).any()
                assert made_by[node.input[0]].op_type == "DequantizeLinear"
    assert kinds == {True: 15, False: 4}  # the trunk with fc6; and three scores and the last upsampling
    assert not [node for node in model.graph.node if node.op_type == "Relu"]  # the ranges begin at 0 instead
    captured = capfd.readouterr()
    assert "pre-processing" not in captured.err + captured.out
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_int8_is_computed_in_int8(net, images, tmp_path):
    export_onnx(net, tmp_path / "net.onnx", precision="int8", calibration=images, least_agreement=0.5)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), options, providers=["CPUExecutionProvider"])
    kinds = collections.Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    assert kinds["QLinearConv"] == 15


def test_several_heads_and_inputs_are_quantised_on_the_images_given(tmp_path):
    net = randomize(FCN16s({"sem": 4, "geo": 3}, channels=NARROW))
    figures = export_onnx(net, tmp_path / "net.onnx", precision="int8", calibration=scenes(3), least_agreement=0.5)
    assert figures.images == "3 calibrated on"
    assert set(runner(tmp_path / "net.onnx")(scenes(1)[0])) == {"sem", "geo"}
    fused = randomize(LateFusion(3, channels=NARROW))
    pairs = [{"rgb": rgb, "hha": hha} for rgb, hha in zip(scenes(3), scenes(3, seed=4), strict=True)]
    figures = export_onnx(fused, tmp_path / "net.onnx", precision="int8", calibration=pairs, least_agreement=0.5)
    assert 0 < figures.largest_error < 0.2


def test_what_does_not_fit_together_is_named(net, images, tmp_path):
    for options, message in [
        ({"precision": "int4"}, r"`precision` is one of \('fp32', 'fp16', 'int8'\). Received: 'int4'"),
        ({"precision": "int8"}, "int8 needs images to calibrate on"),
        ({"calibration": images}, "`calibration` goes with int8 alone. Received: precision='fp32'"),
    ]:
        with pytest.raises(ValueError, match=message):
            export_onnx(net, tmp_path / "net.onnx", **options)
    assert not list(tmp_path.iterdir())


def test_too_little_agreement_is_refused_with_advice(net, images, tmp_path):
    message = (
        r"(?s)net.onnx gives labels of which \d\d.\d\d % agree \(3 held out\); 100 % have to. Nothing was written."
    )
    with pytest.raises(ValueError, match=message + r" Calibrate on images .* or accept it with --least-agreement"):
        export_onnx(net, tmp_path / "net.onnx", precision="int8", calibration=images, least_agreement=1)
    assert not list(tmp_path.iterdir())


def test_figures_of_answers_made_by_hand(net):
    images = scenes(2)
    scores = [inference.predict(net, image, output="scores") for image in images]
    others = [array.copy() for array in scores]
    top = np.abs(scores[1]).max()
    others[1][0, :8] = np.eye(5)[(scores[1][0, :8].argmax(axis=-1) + 1) % 5] * 2 * top  # 8 of 3072 pixels

    def answer(image):
        return {"": others[next(i for i, known in enumerate(images) if known is image)]}

    figures = parity.measure(net, answer, images)
    assert figures.agreement == pytest.approx(1 - 8 / 3072)
    assert figures.largest_error == pytest.approx(np.abs(others[1] - scores[1]).max() / top)
    others[0][3, 3, 2] = np.nan
    assert np.isnan(parity.measure(net, answer, images).largest_error)


@pytest.mark.parametrize(
    ("figures", "precision", "wrong"),
    [
        (Figures(1.0, 2e-4, "drawn"), "fp32", "scores that are off by 2.0e-04 of the largest; 0.0001 is allowed"),
        (Figures(1.0, np.nan, "drawn"), "fp32", "scores that are off by nan of the largest"),
        (Figures(0.994, 2e-4, "drawn"), "fp16", "99.40 % agree"),
        (Figures(0.979, None, "drawn"), "int8", "97.90 % agree"),
        (Figures(0.98, 0.1, "drawn"), "int8", None),
        (Figures(0.995, 0.01, "drawn"), "fp16", None),
    ],
)
def test_bounds(figures, precision, wrong):
    if wrong is None:
        return parity.require(figures, "net.onnx", precision)
    with pytest.raises(ValueError, match=wrong):
        parity.require(figures, "net.onnx", precision)


def test_the_table():
    lines = report.table("int8", Figures(0.98765, 0.0123, "20 held out"), Validation(0.6123, 0.61, 101))
    assert len({len(line) for line in lines}) == 1
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], lines[2])]
    assert dict(zip(*cells, strict=True)) == {
        "precision": "int8",
        "labels agree": "98.765 %",
        "compared on": "20 held out images",
        "largest score error": "1.2 %",
        "mean IU": "61.00",
        "of the model": "61.23",
        "difference": "-0.23",
    }


def test_files_appear_together_or_not_at_all(tmp_path):
    new, there = tmp_path / "new", tmp_path / "there"
    for folder, text in ((new, "new"), (there, "old")):
        folder.mkdir()
        for name in ("net.bin", "net.xml"):
            (folder / name).write_text(text)
    files = [new / "net.bin", new / "net.xml"]
    publish(files, there)
    assert [(there / name).read_text() for name in ("net.bin", "net.xml")] == ["new", "new"]
    files[0].write_text("newer")  # and net.xml is gone
    with pytest.raises(FileNotFoundError):
        publish(files, there)
    assert not list(there.iterdir())
    (there / "net.xml").mkdir()
    with pytest.raises(IsADirectoryError, match=r"net.xml is a folder. Choose another name"):
        publish(files, there)


def test_folders_made_for_nothing_go_away(tmp_path):
    with pytest.raises(KeyError), made(tmp_path / "a" / "b"):
        raise KeyError
    assert not list(tmp_path.iterdir())
    with made(tmp_path / "a" / "b") as folder:
        assert folder.is_dir()
    assert folder.is_dir()
