"""`fcn-export` to the files of other runtimes: calibrated, validated, with a model card, or refused."""

import sys

import keras
import numpy as np
import onnxruntime
import pytest
from PIL import Image
from sklearn.metrics import jaccard_score

from fcn_keras import inference
from fcn_keras.datasets.synthetic import SEM, Synthetic
from fcn_keras.models import FCN8s, FCN32s
from serving.export.command import main
from serving.export.onnx.run import runner
from tests.serving.calibrating import scenes, write
from tests.serving.nets import randomize

NARROW = (((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32)


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    return randomize(FCN8s(len(SEM), padding="caffe", channels=NARROW))


@pytest.fixture(scope="module")
def place(net, tmp_path_factory):
    """A folder with a model, images to calibrate on, and labelled scenes."""
    place = tmp_path_factory.mktemp("place")
    net.save(place / "net.keras")
    (place / "classes.txt").write_text("\n".join(SEM))
    (place / "summary.json").write_text('{"best": {"val_mean_iu": 0.5}}')
    write(place / "photos", scenes(104))
    examples = Synthetic(4, seed=3, height=40, width=56)
    write(place / "data" / "val" / "images", [example["image"] for example in examples])
    (place / "data" / "val" / "labels").mkdir()
    for index, example in enumerate(examples):
        Image.fromarray(example["label"]).save(place / "data" / "val" / "labels" / f"{index:03d}.png")
    return place


def rows(lines):
    """Read a table."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return dict(zip(cells[0], cells[2], strict=True))


def mean_iu(label_of):
    """Let scikit-learn say the mean IU over the classes that occur."""
    examples = Synthetic(4, seed=3, height=40, width=56)
    truth = np.concatenate([example["label"].ravel() for example in examples])
    predicted = np.concatenate([label_of(example["image"]).ravel() for example in examples])[truth != 255]
    truth = truth[truth != 255]
    return 100 * jaccard_score(truth, predicted, average="macro", labels=np.union1d(truth, predicted))


def test_int8_is_calibrated_compared_and_validated(net, place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(place)
    path = tmp_path / "net.onnx"
    options = ["--precision", "int8", "--calibrate", "photos", "--validate", "data", "--least-agreement", "0.5"]
    assert main(["net.keras", str(path), "--format", "onnx", "--labels", *options, "-v"]) == 0
    said = capsys.readouterr()
    first, *lines = said.out.splitlines()
    followed = [line.rpartition(": image ")[2] for line in said.err.splitlines() if ": image " in line]
    assert followed == [f"{number} of 104" for number in range(1, 105)]  # 100 to calibrate on, 4 to compare on
    assert first == str(path)
    found = rows(lines)
    assert (found["precision"], found["compared on"]) == ("int8", "4 held out images")
    assert found["largest score error"] == "-"  # labels have none
    assert float(found["labels agree"].split()[0]) > 50
    run = runner(path)
    assert float(found["mean IU"]) == pytest.approx(mean_iu(lambda image: run(image)[""]), abs=0.006)
    expected = mean_iu(lambda image: inference.predict(net, image))
    assert float(found["of the model"]) == pytest.approx(expected, abs=0.006)
    assert float(found["difference"]) == pytest.approx(float(found["mean IU"]) - expected, abs=0.02)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.onnx", "net.onnx.md"]
    card = (tmp_path / "net.onnx.md").read_text()
    assert "\n".join(lines) in card
    for sentence in (
        "Calibrated on 100 images of `photos`.",
        "on 4 images of `data`, val.",
        "8 classes: 0 sky, 1 ground",
        "Mean IU 50.0 on the training's validation images.",
        "exported from `net.keras`, SHA-256 `",
        "for ONNX Runtime: images of bytes in, labels out",
        f", onnxruntime {onnxruntime.__version__}.",
    ):
        assert sentence in card


def test_openvino_and_litert_have_their_cards_too(place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(place)
    for name, format, files in [
        ("net.xml", "openvino", ["net.bin", "net.xml", "net.xml.md"]),
        ("net.tflite", "litert", ["net.tflite", "net.tflite.md"]),
    ]:
        folder = tmp_path / "deep" / format
        assert main(["net.keras", str(folder / name), "--format", format, "--precision", "fp16"]) == 0
        found = rows(capsys.readouterr().out.splitlines()[1:])
        assert (found["precision"], found["compared on"]) == ("fp16", "drawn images")
        assert float(found["labels agree"].split()[0]) > 99.5
        assert sorted(file.name for file in folder.iterdir()) == files


def test_what_cannot_be_done_is_one_line_and_leaves_nothing(place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(place)
    (place / "data" / "classes.txt").write_text("a\nb\n")
    files = {file.name for file in place.iterdir()}
    onnx = ["new/net.onnx", "--format", "onnx"]
    int8 = [*onnx, "--precision", "int8", "--calibrate"]
    for arguments, message in [
        ([*int8, "photos", "--least-agreement", "1"], "100 % have to. Nothing was written. Calibrate on images"),
        ([*int8, "data"], "at least 100 different images. Received: 8 in data"),
        ([*int8, "none"], "Calibration needs a folder of image files. Received: none"),
        ([*onnx, "--validate", "data"], "The model has 8 classes, data 2. Validate on the classes"),
        ([*onnx, "--validate", "data", "--split", "test"], "data has no split 'test'"),
        ([*onnx, "--validate", "data", "--ignore-label", "x"], "--ignore-label is a class id. Received: x"),
        (["new/net.xml", "--format", "litert"], "ends in .tflite. Received: new/net.xml"),
        (["new/net.onnx", "--format", "openvino"], "ends in .xml. Received: new/net.onnx"),
    ]:
        assert main(["net.keras", *arguments]) == 2, arguments
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.startswith("fcn-export: ")
        assert output.err.count("\n") == 1
        assert message in output.err
    assert {file.name for file in place.iterdir()} == files


def test_validation_takes_networks_of_one_head(tmp_path, capsys):
    randomize(FCN32s({"sem": 2, "geo": 3}, channels=NARROW)).save(tmp_path / "net.keras")
    arguments = [str(tmp_path / "net.keras"), str(tmp_path / "net.onnx"), "--format", "onnx"]
    assert main([*arguments, "--validate", str(tmp_path)]) == 2
    assert "Received: a network of several inputs or heads. Leave --validate out." in capsys.readouterr().err


def test_a_missing_package_is_one_line(place, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert main([str(place / "net.keras"), str(tmp_path / "net.xml"), "--format", "openvino"]) == 2
    assert capsys.readouterr().err.endswith('Install it with: pip install "fcn_keras[openvino]"\n')
