"""`fcn-export` to the files of other runtimes: calibrated, validated, with a model card, or refused."""

import json
import sys

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image
from sklearn.metrics import jaccard_score

from fcn_keras import inference
from fcn_keras.colors import class_colors
from fcn_keras.datasets.synthetic import SEM, Synthetic
from fcn_keras.models import FCN8s
from fcn_keras_console.exported.find import find_exported
from fcn_keras_console.exported.integrity import require_as_exported
from fcn_keras_console.runtimes.onnx_file import runner
from serving.check.command import main as fcn_check
from serving.export.accuracy.agreement import Figures
from serving.export.command import main
from serving.export.openvino import export as openvino_export
from tests.serving.calibrating import scenes, write
from tests.serving.nets import TINY, randomize


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    return randomize(FCN8s(len(SEM), padding="caffe", channels=TINY))


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


def row_of(lines):
    """Read a table of one row."""
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
    (place / "photos" / "notes.txt").write_text("")
    options = ["--precision", "int8", "--calibrate", "photos", "--validate", "data", "--least-agreement", "0.5"]
    assert main(["net.keras", str(path), "--format", "onnx", "--labels", *options, "-v"]) == 0
    output = capsys.readouterr()
    first, *lines, told = output.out.splitlines()
    assert told == "Left alone: 1 .txt."
    followed = [line.rpartition(": image ")[2] for line in output.err.splitlines() if ": image " in line]
    assert followed == [f"{number} of 104" for number in range(1, 105)]  # 100 to calibrate on, 4 to compare on
    assert first == str(path)
    row = row_of(lines)
    assert (row["precision"], row["compared on"]) == ("int8", "4 held out images")
    assert row["largest score error"] == "-"  # labels have none
    told = "converting to ONNX Runtime, int8: calibrating on 100 images, comparing with the model, validating on 4"
    assert f"fcn-export: {told}\n" in output.err
    assert float(row["labels agree"].split()[0]) > 50
    run = runner(path)
    assert float(row["mean IU"]) == pytest.approx(mean_iu(lambda image: run(image)[""]), abs=0.006)
    expected = mean_iu(lambda image: inference.predict(net, image))
    assert float(row["of the model"]) == pytest.approx(expected, abs=0.006)
    assert float(row["difference"]) == pytest.approx(float(row["mean IU"]) - expected, abs=0.02)
    stored = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert stored["classes"].split() == list(SEM)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.onnx", "net.onnx.md", "net.onnx.probe.json"]
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


def test_a_file_and_what_lies_beside_it_appear_with_a_card(place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(place)

    def write(model, path, *, colors, **options):
        assert colors[""].tolist() == class_colors(SEM).tolist()
        assert options == {"labels": False, "names": {"": SEM}, "precision": "fp16", "least_agreement": 0.9}
        for file in (path, path.with_suffix(".bin")):
            file.write_text(model.name)
        return Figures(0.999, 0.001, "drawn")

    monkeypatch.setattr(openvino_export, "export_openvino", write)
    options = ["--format", "openvino", "--precision", "fp16", "--least-agreement", "0.9"]
    assert main(["net.keras", str(tmp_path / "deep" / "net.xml"), *options]) == 0
    row = row_of(capsys.readouterr().out.splitlines()[1:])
    assert list(row.values()) == ["fp16", "99.900 %", "drawn images", "0.1 %"]
    assert sorted(file.name for file in (tmp_path / "deep").iterdir()) == ["net.bin", "net.xml", "net.xml.md"]


def test_a_litert_file_has_a_card_too(place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(place)
    assert main(["net.keras", str(tmp_path / "net.tflite"), "--format", "litert", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["path"] == str(tmp_path / "net.tflite")
    row = row_of(answer["figures"])
    assert (row["precision"], row["labels agree"], row["compared on"]) == ("fp32", "100.000 %", "drawn images")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.tflite", "net.tflite.md", "net.tflite.probe.json"]
    exported = find_exported(tmp_path / "net.tflite")
    require_as_exported(exported, probe=True)
    assert fcn_check([str(tmp_path / "net.tflite")]) == 0
    probe = (tmp_path / "net.tflite.probe.json").read_text()
    (tmp_path / "net.tflite.probe.json").write_text(probe.replace("A", "B", 1))
    require_as_exported(exported)  # by which nothing is labelled
    with pytest.raises(ValueError, match=r"net\.tflite\.probe\.json is not what was exported: its SHA-256 is"):
        require_as_exported(exported, probe=True)
    data = bytearray((tmp_path / "net.tflite").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "net.tflite").write_bytes(data)
    with pytest.raises(ValueError, match=r"net\.tflite is not what was exported: its SHA-256 is"):
        require_as_exported(exported)


def test_what_cannot_be_done_is_one_line_and_leaves_nothing(place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(place)
    (place / "data" / "classes.txt").write_text("a\nb\n")
    files = {file.name for file in place.iterdir()}
    onnx = ["new/net.onnx", "--format", "onnx"]
    int8 = [*onnx, "--precision", "int8", "--calibrate"]
    for arguments, message in [
        ([*int8, "data"], "at least 100 different images. Received: 8 in data"),
        ([*int8, "none"], "--calibrate none is not a folder. Name a folder of at least 100 images."),
        ([*onnx, "--validate", "data"], "The model has 8 classes, data 2. Validate on the classes"),
        ([*onnx, "--validate", "data", "--split", "test"], "data has no split 'test'"),
        ([*onnx, "--validate", "data", "--ignore-label", "x"], "--ignore-label is a class id. Received: x"),
    ]:
        assert main(["net.keras", *arguments]) == 2, arguments
        output = capsys.readouterr()
        *stages, wrong = output.err.splitlines()
        assert (output.out, stages) in (("", []), ("", ["fcn-export: loading net.keras"]))
        assert wrong.startswith("fcn-export: ")
        assert message in wrong
    assert {file.name for file in place.iterdir()} == files


def test_a_missing_package_is_one_line(place, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert main([str(place / "net.keras"), str(tmp_path / "net.xml"), "--format", "openvino"]) == 2
    assert capsys.readouterr().err.endswith('Install it with: pip install "fcn_keras[openvino]"\n')
