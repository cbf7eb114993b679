"""`fcn-evaluate`: the numbers against scikit-learn, where the data comes from, and what a user reads when it fails."""

import json
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.special import log_softmax
from sklearn import metrics as sklearn_metrics

from fcn_keras import BoundaryScores
from fcn_keras.inference import predict
from fcn_keras.layers import Preprocess
from fcn_keras.models import FCN32s
from fcn_keras.photographs import Photographs
from fcn_keras.scaled_inference import predict_scaled, remember_photographs
from fcn_keras.tta import predict_augmented
from tests.training import tiny
from tests.training.exported.files import onnx_file, scores_of
from tests.training.small_run import TINY
from tests.training.tiny import NAMES, data_set, picture, snapshot, stage, write
from training.evaluate.command import main
from training.recipes import readers
from training.scoring.summary import summary

ROOT = Path(__file__).parents[3]
error_of, scored = partial(tiny.error_of, main), partial(tiny.printed, main)
pytestmark = pytest.mark.usefixtures("models_once")


@pytest.fixture(scope="module")
def net(nets):
    return nets["fine"]


@pytest.fixture(scope="module")
def loaded(net, models_once):
    return models_once(net)


@pytest.fixture(scope="module")
def data(four_classes):
    return four_classes


def pixels_of_split(model, data):
    """Truth and prediction of all pixels that count, one after the other."""
    truth, predicted = [], []
    for path in sorted((data / "val" / "images").iterdir()):
        mask = np.array(Image.open(data / "val" / "labels" / path.name))
        labels = predict(model, np.array(Image.open(path)))
        truth.append(mask[mask != 255])
        predicted.append(labels[mask != 255])
    return np.concatenate(truth), np.concatenate(predicted)


def test_the_numbers_are_scikit_learns(net, loaded, data, capsys):
    printed = scored(capsys, net, "--data", data)
    truth, predicted = pixels_of_split(loaded, data)
    matrix = sklearn_metrics.confusion_matrix(truth, predicted, labels=range(4))
    assert printed["matrix"] == matrix.tolist()
    present = [label for label in range(4) if label in truth or label in predicted]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ius = sklearn_metrics.jaccard_score(truth, predicted, labels=present, average=None)
    assert printed["pixel_accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(truth, predicted))
    assert printed["mean_iu"] == pytest.approx(ius.mean())
    recalls = sklearn_metrics.recall_score(truth, predicted, labels=[0, 1, 2], average=None)
    assert printed["mean_accuracy"] == pytest.approx(recalls.mean())
    shares = np.bincount(truth, minlength=4)[present] / truth.size
    assert printed["fw_iu"] == pytest.approx((shares * ius).sum())
    named = {NAMES[label]: iu for label, iu in zip(present, ius, strict=True)}
    assert printed["per_class_iu"] == pytest.approx({name: named.get(name) for name in NAMES})
    assert (printed["model"], printed["data"]) == (str(net), str(data))
    assert (printed["split"], printed["images"]) == ("val", 3)
    assert printed["versions"]["keras"] == keras.__version__


def colour_net(classes):
    """A net that reads a pixel's class off its own colour: red is 0, green 1, blue 2; it predicts no other."""
    image = keras.Input((None, None, 3))
    kernel = np.zeros((1, 1, 3, classes), "float32")
    kernel[0, 0, [2, 1, 0], [0, 1, 2]] = 1  # BGR
    layer = keras.layers.Conv2D(classes, 1, use_bias=False)
    scores = layer(Preprocess(mean=(0, 0, 0))(image))
    kernel[..., 3:] = -1
    layer.set_weights([kernel])
    return keras.Model(image, scores)


def test_the_split_is_one_sum_of_pixels_at_the_images_own_sizes(tmp_path, capsys):
    """Noise that no resizing survives, and images whose own means are far from the split's."""
    colour_net(5).save(tmp_path / "net.keras")
    generator, each = np.random.default_rng(0), []
    for number, (size, right) in enumerate({(1, 1): 0, (3, 200): 0.1, (97, 41): 0.95, (64, 64): 0.9}.items()):
        labels = generator.integers(0, 3, size)
        truth = np.where(generator.random(size) < right, labels, generator.integers(0, 2, size)).astype("uint8")
        truth[generator.random(size) < (0.2 if number else 0)] = 255
        write(tmp_path / f"val/images/{number}.png", np.eye(3, dtype="uint8")[labels] * 255)
        write(tmp_path / f"val/labels/{number}.png", truth)
        each.append(np.zeros((5, 5), int))
        np.add.at(each[-1], (truth[truth != 255], labels[truth != 255]), 1)
    total = sum(each)
    report = scored(capsys, tmp_path / "net.keras", "--data", tmp_path, "--classes", 5)
    assert report["matrix"] == total.tolist()
    ius = [total[c, c] / (total[c].sum() + total[:, c].sum() - total[c, c]) for c in range(3)]
    assert report["mean_iu"] == pytest.approx(sum(ius) / 3)
    assert report["pixel_accuracy"] == pytest.approx(total.trace() / total.sum())
    # The means of the images' own values are far off, so that this test would tell.
    for name in ("mean_iu", "mean_accuracy", "pixel_accuracy"):
        assert abs(np.mean([summary(matrix, "abcde")[name] for matrix in each]) - report[name]) > 0.05


def test_classes_left_out_of_the_means_are_named(tmp_path, capsys):
    """Truth holds 0 and 1, the net says 1 and 2: 2 counts with IU 0, "boat" and "plane" are left out."""
    colour_net(5).save(tmp_path / "net.keras")
    (tmp_path / "classes.txt").write_text("sky\nroad\nghost\nboat\nplane")
    colours = np.eye(3, dtype="uint8")[[[1, 1, 1, 2]]] * 255
    write(tmp_path / "val/images/a.png", colours)
    write(tmp_path / "val/labels/a.png", np.array([[0, 1, 1, 1]], np.uint8))
    options = [tmp_path / "net.keras", "--data", tmp_path, "--classes", tmp_path / "classes.txt"]
    report = scored(capsys, *options)
    assert (report["left_out"], report["predicted_only"]) == (["boat", "plane"], ["ghost"])
    assert report["mean_iu"] == pytest.approx((0 + 2 / 4 + 0) / 3)
    assert report["mean_iu_present"] == pytest.approx((0 + 2 / 4) / 2)
    assert main([*map(str, options)]) == 0
    text = capsys.readouterr().out
    assert "Left out of the means, in neither truth nor prediction: boat, plane.\n" in text
    assert "Predicted but in no label, so IU 0 counts in mean IU: ghost.\n" in text
    assert [line.split()[0] for line in text.splitlines() if line.endswith("left out")] == ["boat", "plane"]


def test_calibration_is_that_of_the_scores(net, loaded, data, tmp_path, capsys):
    options = ["--data", data, "--calibration"]
    report = scored(capsys, net, *options, "--by-class", "--output", tmp_path / "out")
    found, probabilities, truth = report["calibration"], [], []
    for path in sorted((data / "val" / "images").iterdir()):
        mask = np.array(Image.open(data / "val" / "labels" / path.name))
        scores = predict(loaded, np.array(Image.open(path)), output="scores").astype(float)
        probabilities.append(log_softmax(scores[mask != 255], axis=-1))
        truth.append(mask[mask != 255])
    logs, truth = np.concatenate(probabilities), np.concatenate(truth)
    probabilities = np.exp(logs)
    assert found["pixels"] == len(truth) == np.sum(report["matrix"])
    assert found["nll"] == pytest.approx(-logs[np.arange(len(truth)), truth].mean())
    assert found["brier"] == pytest.approx(np.square(probabilities - np.eye(4)[truth]).sum(axis=1).mean())
    assert found["confidence"] == pytest.approx(probabilities.max(axis=1).mean())
    assert found["accuracy"] == pytest.approx(report["pixel_accuracy"])
    assert list(found["per_class_ece"]) == list(NAMES)
    assert {"calibration.png", "metrics.png"} < {path.name for path in (tmp_path / "out").iterdir()}
    assert report["matrix"] == scored(capsys, net, "--data", data)["matrix"]
    temperature = found["fitted"]["temperature"]
    again = scored(capsys, net, *options, "--temperature", temperature)["calibration"]
    assert again["temperature"] == temperature
    assert again["nll"] < found["nll"]
    assert main([*map(str, (net, *options))]) == 0
    text = capsys.readouterr().out
    assert f"\n\nCalibration: confidence {100 * found['confidence']:.2f}, accuracy" in text
    assert f"\nTemperature {temperature:.3f} fits these images best: ECE " in text
    message = error_of(capsys, "a.png", "--labels", "b.png", "--calibration")
    assert "--calibration is of a model's scores; --labels scores files." in message


def test_copies_decide_together(net, loaded, data, tmp_path, capsys):
    report = scored(capsys, net, "--data", data, "--tta", "--tta-scales", "0.5,1", "--output", tmp_path)
    matrix = np.zeros((4, 4), int)
    for path in sorted((data / "val" / "images").iterdir()):
        mask = np.array(Image.open(data / "val" / "labels" / path.name))
        labels = predict_augmented(loaded, np.array(Image.open(path)), scales=(0.5, 1))
        np.add.at(matrix, (mask[mask != 255], labels[mask != 255]), 1)
    assert (report["matrix"], report["tta_scales"]) == (matrix.tolist(), [0.5, 1.0])
    title = (tmp_path / "metrics.txt").read_text().splitlines()[0]
    assert title.endswith("; mean of copies at 0.5, 1, plain and mirrored")
    labels = data / "val" / "labels"
    assert "--labels scores files. Leave one of them out" in error_of(capsys, labels, "--labels", labels, "--tta")


def test_output_holds_json_table_and_picture(net, data, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    assert main([str(net), "--data", str(data), "--output", str(out)]) == 0
    text = capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["metrics.json", "metrics.png", "metrics.txt"]
    assert (out / "metrics.txt").read_text() == text
    report = json.loads((out / "metrics.json").read_text())
    assert ["mean", "IU", f"{100 * report['mean_iu']:.2f}"] in [line.split()[:3] for line in text.splitlines()]
    with Image.open(out / "metrics.png") as image:
        assert image.width > image.height > 200
    # Every row of the matrix is one line.
    assert f"[{', '.join(map(str, report['matrix'][1]))}]" in (out / "metrics.json").read_text()


def test_heads_are_printed_and_written_apart(nets, two_heads, tmp_path, capsys):
    assert main([str(nets["heads"]), "--recipe", two_heads, "--output", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert out.index("\nsem\n") < out.index("\ngeo\n")
    report = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert list(report["heads"]["geo"]["per_class_iu"]) == ["sky", "horizontal", "vertical"]
    assert (tmp_path / "out" / "metrics_sem.png").exists()
    assert (tmp_path / "out" / "metrics_geo.png").exists()


def test_a_stage_knows_its_data(net, tmp_path, data, capsys):
    report = scored(capsys, stage(tmp_path / "runs" / "folder_fcn32s", net, "folder_fcn32s", data=data))
    assert (report["recipe"], report["data"]) == ("folder_fcn32s", str(data))
    assert report["classes"] == list(NAMES)


def test_a_stage_trained_on_drawn_scenes_is_scored_on_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(readers.SCENES, "val", (2, 2))
    colour_net(8).save(tmp_path / "net.keras")
    folder = stage(tmp_path / "voc_fcn32s", tmp_path / "net.keras", "voc_fcn32s", overrides={"stand_in": True})
    report = scored(capsys, folder)
    assert (report["recipe"], report["data"], report["split"], report["images"]) == ("voc_fcn32s", None, "val", 2)


def test_options_come_before_what_was_trained(net, tmp_path, capsys):
    other = data_set(tmp_path / "other", 5, split="test")
    overrides = {"classes": str(tmp_path / "gone.txt"), "ignore_label": 3}
    folder = stage(tmp_path / "run", net, "folder_fcn32s", data=tmp_path / "gone", overrides=overrides)
    options = ["--data", other, "--split", "test", "--classes", "4", "--ignore-label", "4"]
    report = scored(capsys, folder, *options)
    truth = np.concatenate([np.array(Image.open(p)).ravel() for p in (other / "test" / "labels").iterdir()])
    assert np.sum(report["matrix"], axis=1).tolist() == np.bincount(truth, minlength=5)[:4].tolist()


def test_classes_default_to_the_models(net, data, capsys):
    report = scored(capsys, net, "--data", data / "val", "--split", "none")
    assert (report["classes"], report["split"]) == (["0", "1", "2", "3"], None)


def test_a_missing_model(capsys, tmp_path):
    assert "nowhere.keras is missing. Name a .keras file" in error_of(capsys, tmp_path / "nowhere.keras")


def test_a_folder_without_a_model(capsys, tmp_path, net):
    assert "holds no best.keras. Name a stage's folder" in error_of(capsys, tmp_path)
    (tmp_path / "camvid_fcn8s").mkdir()
    (tmp_path / "camvid_fcn8s" / "best.keras").write_bytes(net.read_bytes())
    (tmp_path / "other_fcn8s").mkdir()
    (tmp_path / "other_fcn8s" / "best.keras").write_bytes(net.read_bytes())
    assert "several nets as fine as each other. Name one: " in error_of(capsys, tmp_path)


def test_a_model_of_another_format(capsys, tmp_path):
    (tmp_path / "net.h5").write_bytes(b"HDF")
    assert "net.h5 is not a .keras file. Turn a .caffemodel into one with fcn-import-weights" in error_of(
        capsys, tmp_path / "net.h5"
    )


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_model(capsys, tmp_path, net, data, share):
    whole = net.read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: int(share * len(whole))])
    message = error_of(capsys, tmp_path / "cut.keras", "--data", data, "--output", tmp_path / "out")
    assert "cut.keras is damaged, cut off or no .keras file. Copy or save it again." in message
    assert not (tmp_path / "out").exists()


def test_a_damaged_model(capsys, tmp_path, net, data):
    broken = bytearray(net.read_bytes())
    broken[len(broken) // 3 : len(broken) // 2] = bytes(len(broken) // 2 - len(broken) // 3)
    (tmp_path / "broken.keras").write_bytes(broken)
    assert "broken.keras cannot be loaded (" in error_of(capsys, tmp_path / "broken.keras", "--data", data)


def test_weights_that_are_no_numbers(capsys, tmp_path, data):
    """A graph's ReLU turns NaN into 0 on x86: such a net would predict, and be scored, as any other."""
    model = tiny.randomize(FCN32s(4, channels=TINY))
    kernel = model.get_layer("conv3_1").kernel
    weights = keras.ops.convert_to_numpy(kernel).copy()
    weights[0, 0, 0, 0] = np.nan
    kernel.assign(weights)
    model.save(tmp_path / "broken.keras")
    message = error_of(capsys, tmp_path / "broken.keras", "--data", data, "--output", tmp_path / "out")
    assert f"NaN or infinity in layer conv3_1 of {tmp_path / 'broken.keras'}" in message
    assert not (tmp_path / "out").exists()


def test_another_kind_of_model(capsys, tmp_path, data):
    keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 1)]).save(tmp_path / "other.keras")
    assert "is not a network of fcn_keras" in error_of(capsys, tmp_path / "other.keras", "--recipe", "synthetic_fcn8s")


def test_no_data(capsys, net):
    assert f"There is no recipe.json beside {net}: say --data DIR" in error_of(capsys, net)
    assert "This recipe reads images: give their folder with --data DIR." in error_of(
        capsys, net, "--recipe", "camvid_fcn8s"
    )


def test_a_missing_data_folder(capsys, tmp_path, net):
    message = error_of(capsys, net, "--data", tmp_path / "gone")
    assert "gone is not a folder. Name the data set's folder." in message
    folder = stage(tmp_path / "run", net, "folder_fcn32s", data=tmp_path / "gone")
    assert "gone is not a folder. The model was trained on it: say --data DIR." in error_of(capsys, folder)


def test_a_damaged_recipe(capsys, net, tmp_path, data):
    folder = stage(tmp_path / "run", net, "folder_fcn32s", data=data)
    for text in ("{", "[" * 100_000, "\xff"):
        (folder / "recipe.json").write_text(text, encoding="latin-1")
        assert "recipe.json is not JSON" in error_of(capsys, folder)


def test_class_counts_that_differ(capsys, tmp_path, net, data):
    message = error_of(capsys, net, "--data", data, "--classes", 7, "--output", tmp_path / "out")
    assert "The model has 4 classes, the data set 7." in message
    assert not (tmp_path / "out").exists()


def test_an_unreadable_image(capsys, tmp_path, net):
    folder = data_set(tmp_path / "data", 4)
    whole = write(tmp_path / "whole.png", picture(32, 64)).read_bytes()
    (folder / "val" / "images" / "2.png").write_bytes(whole[: len(whole) // 2])
    message = error_of(capsys, net, "--data", folder, "--output", tmp_path / "out")
    assert "2.png cannot be read as an image" in message
    assert not (tmp_path / "out").exists()


def test_a_split_of_void(capsys, tmp_path, net):
    write(tmp_path / "val/images/0.png", picture(8, 8))
    write(tmp_path / "val/labels/0.png", np.full((8, 8), 255, np.uint8))
    assert "Every pixel of the split is void (255)" in error_of(capsys, net, "--data", tmp_path)


def test_an_output_that_cannot_be_written(capsys, tmp_path, net, data):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    before = snapshot(tmp_path)
    for output in (taken, taken / "below", "/proc/1/nothing"):
        message = error_of(capsys, net, "--data", data, "--output", output)
        assert f"--output {output} cannot be written to: " in message
    assert snapshot(tmp_path) == before


def test_help_needs_no_tensorflow():
    code = "import sys; from training.evaluate import main; sys.modules['tensorflow'] = None; main(['--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "pixel accuracy" in done.stdout


def test_label_files_against_true_ones(tmp_path, capsys):
    # Six pixels count: 0 is right twice and once taken for 3, 3 is right twice and once taken for 0.
    truth = np.array([[0, 0, 0, 255], [3, 3, 3, 255]], np.uint8)
    predicted = np.array([[0, 0, 3, 3], [0, 3, 3, 255]], np.uint8)
    write(tmp_path / "truth.png", truth)
    palette_file(tmp_path / "predicted.png", predicted)
    report = scored(capsys, tmp_path / "predicted.png", "--labels", tmp_path / "truth.png", "--output", tmp_path / "o")
    assert report["matrix"] == [[2, 0, 0, 1], [0] * 4, [0] * 4, [1, 0, 0, 2]]
    assert report["per_class_iu"] == {"0": 0.5, "1": None, "2": None, "3": 0.5}
    assert (report["mean_iu"], report["images"], report["labels_without_prediction"]) == (0.5, 1, 0)
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["metrics.json", "metrics.png", "metrics.txt"]
    assert "mean IU           50.00" in (tmp_path / "o" / "metrics.txt").read_text()


def test_folders_of_label_files(tmp_path, capsys):
    generator = np.random.default_rng(0)
    truths, predictions = [], []
    for key in ("a/0", "a/1", "b/0"):
        truth, predicted = generator.integers(0, 4, (7, 5), np.uint8), generator.integers(0, 3, (7, 5), np.uint8)
        predicted[truth == 3] = 3  # where the truth is void, nothing is counted
        write(tmp_path / "truth" / f"{key}.png", truth)
        palette_file(tmp_path / "predicted" / f"{key}.png", predicted)
        truths.append(truth[truth < 3])
        predictions.append(predicted[truth < 3])
    write(tmp_path / "truth" / "unlabelled.png", np.zeros((2, 2), np.uint8))
    (tmp_path / "predicted" / "notes.txt").write_text("mine")
    arguments = [tmp_path / "predicted", "--labels", tmp_path / "truth", "--classes", 3, "--ignore-label", 3]
    report = scored(capsys, *arguments)
    expected = sklearn_metrics.confusion_matrix(np.concatenate(truths), np.concatenate(predictions), labels=range(3))
    assert report["matrix"] == expected.tolist()
    assert (report["images"], report["labels_without_prediction"]) == (3, 1)
    assert main([*map(str, arguments)]) == 0
    printed = capsys.readouterr().out
    assert "3 files, in percent; 1 more labels have no prediction\n" in printed
    assert "\n\nMean IU on 3 images is rough: +-6 or more with others.\n" in printed


def palette_file(path, ids):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(ids)
    picture.putpalette(list(range(256)) * 3)
    picture.save(path)


def test_a_file_and_the_folder_of_its_label(tmp_path, capsys):
    write(tmp_path / "a.png", np.array([[1, 0]], np.uint8))
    write(tmp_path / "truth" / "a.png", np.array([[1, 1]], np.uint8))
    assert scored(capsys, tmp_path / "a.png", "--labels", tmp_path / "truth")["matrix"] == [[0, 0], [1, 1]]


@pytest.mark.parametrize("option", ["--data", "--split", "--recipe"])
def test_options_that_do_not_go_with_label_files(option, capsys):
    message = error_of(capsys, "a.png", "--labels", "b.png", option, "x")
    assert f"{option} says where a model's images are; --labels scores files." in message


def test_the_released_nets_own_output(shared, capsys):
    folder = shared / "data" / "fcn_demo"
    report = scored(capsys, folder / "output_index.png", "--labels", folder / "label.png", "--classes", 21)
    published = {"pixel_accuracy": 0.842514, "mean_accuracy": 0.845463, "mean_iu": 0.719616, "fw_iu": 0.727374}
    assert {name: round(report[name], 6) for name in published} == published
    # Mean IU is over the classes of this one image: the 18 in neither truth nor prediction are left out.
    assert [name for name, iu in report["per_class_iu"].items() if iu is not None] == ["0", "2", "15"]


def test_boundaries_beside_the_four_metrics(net, loaded, data, tmp_path, capsys):
    report = scored(capsys, net, "--data", data, "--boundaries", "--output", tmp_path / "with")
    found = BoundaryScores(4)
    for path in (data / "val" / "images").iterdir():
        found.update(Image.open(data / "val" / "labels" / path.name), predict(loaded, np.array(Image.open(path))))
    expected, bounds = found.result(), report["boundaries"]
    assert list(bounds["trimap"]) == ["1", "2", "4", "8", "16", "32"]
    for width, values in expected["trimap"].items():
        assert bounds["trimap"][str(width)]["mean_iu"] == pytest.approx(values["mean_iu"])
        assert bounds["trimap"][str(width)]["pixels"] == values["pixels"]
    f1s = [None if np.isnan(f1) else f1 for f1 in expected["per_class_boundary_f1"]]
    named = dict(zip(NAMES, f1s, strict=True))
    assert bounds["per_class_boundary_f1"] == pytest.approx(named)
    assert bounds["boundary_f1"] == pytest.approx(np.nanmean(expected["per_class_boundary_f1"]))
    ious = [None if np.isnan(iou) else iou for iou in expected["per_class_boundary_iou"]]
    assert bounds["per_class_boundary_iou"] == pytest.approx(dict(zip(NAMES, ious, strict=True)))
    assert bounds["boundary_iou"] == pytest.approx(np.nanmean(expected["per_class_boundary_iou"]))
    without = scored(capsys, net, "--data", data, "--output", tmp_path / "without")
    assert without.keys() == report.keys() - {"boundaries"}
    near = {"boundary_f1", "boundary_iou", *(f"trimap_{width}_mean_iu" for width in bounds["trimap"])}
    assert without["intervals"] == {name: x for name, x in report["intervals"].items() if name not in near}
    widths = [Image.open(tmp_path / folder / "metrics.png").width for folder in ("without", "with")]
    assert widths[1] > widths[0] + 400


def test_how_sure_the_figures_are(tmp_path, capsys):
    """30 images of which each has one to four of its ten pixels wrong: the interval is that of their mean."""
    wrong = np.random.default_rng(3).integers(1, 5, 30)
    for number, count in enumerate(wrong):
        write(tmp_path / "truth" / f"{number}.png", np.zeros((1, 10), np.uint8))
        write(tmp_path / "labels" / f"{number}.png", (np.arange(10) < count).astype(np.uint8)[None])
    paths = tmp_path / "labels", "--labels", tmp_path / "truth", "--output", tmp_path / "out"
    sure, right = scored(capsys, *paths)["intervals"], 1 - wrong / 10
    assert (sure["images"], sure["to_halve"], sure["level"], sure["resamplings"]) == (30, 120, 0.95, 10_000)
    spread = right.std() / np.sqrt(30)
    assert sure["pixel_accuracy"] == pytest.approx(
        {"low": right.mean() - 1.96 * spread, "high": right.mean() + 1.96 * spread}, abs=0.15 * spread
    )
    assert sure["per_class_iu"]["1"] is None  # in no truth
    assert main([*map(str, paths)]) == 0
    text, low, high = capsys.readouterr().out, *(f"{100 * sure['mean_iu'][end]:.2f}" for end in ("low", "high"))
    assert f"  {low} to {high}\n" in text
    assert "\n95 % intervals, for the choice of these 30 images; 120 would halve them.\n" in text
    assert text.endswith("\nMean IU over the class that the labels hold: " + f"{100 * right.mean():.2f}.\n")


def test_boundaries_of_label_files(tmp_path, capsys):
    """Two halves of four columns, and labels a column late: in a trimap of 1, half of the pixels are right."""
    truth = np.array([[0] * 4 + [3] * 4] * 3, np.uint8)
    labels = np.array([[0] * 5 + [3] * 3] * 3, np.uint8)
    paths = write(tmp_path / "labels.png", labels), "--labels", write(tmp_path / "truth.png", truth), "--boundaries"
    bounds = scored(capsys, *paths)["boundaries"]
    assert (bounds["trimap"]["1"]["pixels"], bounds["trimap"]["1"]["pixel_accuracy"]) == (6, 0.5)
    assert bounds["trimap"]["2"]["per_class_iu"] == {"0": 6 / 9, "1": None, "2": None, "3": 3 / 6}
    assert bounds["per_class_boundary_f1"] == {"0": 0, "1": None, "2": None, "3": 0}
    assert main([*map(str, paths)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("IU  boundary F1  Boundary IoU")  # one image tells no interval
    # A band of one pixel is all of three rows but the inner columns: 8 + 7 pixels, of which the labels' 0 adds two.
    assert lines[3].split() == ["0", "50.00", "100.00", "80.00", "0.00", f"{100 * 9 / 13:.2f}"]
    assert next(line for line in lines if line.startswith("1 px")).split() == ["1", "px", "25.00", "50.00", "25.00"]
    assert "boundary F1        0.00" in lines
    assert "Left out of boundary F1, no boundary in truth or prediction: 1, 2." in lines


def test_images_far_larger_than_the_training_s_are_told_and_scaled_on_demand(loaded, tmp_path, capsys):
    model = keras.models.clone_model(loaded)
    model.set_weights(loaded.get_weights())
    remember_photographs(model, Photographs((16, 20), (16, 20), (20, 20)))
    model.save(tmp_path / "net.keras")
    data_set(tmp_path / "data", 4, sizes=((64, 80), (20, 20)))
    options = [tmp_path / "net.keras", "--data", tmp_path / "data", "--classes", 4]
    assert main([*map(str, options)]) == 0
    title = capsys.readouterr().out.splitlines()[0]
    assert title.endswith("; 1 image far larger than the 20x16 that the model was trained on: see --scale")
    own, trained = scored(capsys, *options), scored(capsys, *options, "--scale", "trained")
    assert "scale" not in own
    assert trained["scale"] == "trained"
    for report, scale in ((own, 1), (trained, None)):
        matrix = np.zeros((4, 4), int)
        for path in sorted((tmp_path / "data" / "val" / "images").iterdir()):
            mask = np.array(Image.open(path.parents[1] / "labels" / path.name))
            labels = predict_scaled(model, np.array(Image.open(path)), scale=scale)
            np.add.at(matrix, (mask[mask != 255], labels[mask != 255]), 1)
        assert report["matrix"] == matrix.tolist()
    reduced = Photographs((16, 20), (16, 20), (16, 20), reduced_to=320)
    remember_photographs(model, reduced)
    model.save(tmp_path / "reduced.keras")
    usual = scored(capsys, tmp_path / "reduced.keras", *options[1:])
    assert usual["scale"] == "trained"
    assert usual["matrix"] == scored(capsys, tmp_path / "reduced.keras", *options[1:], "--scale", "trained")["matrix"]
    assert "--scale is for a model's images" in error_of(capsys, tmp_path, "--labels", tmp_path, "--scale", "trained")


def test_what_fcn_export_wrote(data, tmp_path, capsys):
    path = onnx_file(tmp_path / "net.onnx")
    report = scored(capsys, path, "--data", data)
    matrix = np.zeros((4, 4), int)
    for image in sorted((data / "val" / "images").iterdir()):
        mask = np.array(Image.open(image.parents[1] / "labels" / image.name))
        labels = scores_of(np.array(Image.open(image))).argmax(-1)
        np.add.at(matrix, (mask[mask != 255], labels[mask != 255]), 1)
    assert report["matrix"] == matrix.tolist()
    assert (report["model"], report["classes"]) == (str(path), list(NAMES))
    assert report["runtime"].startswith("ONNX Runtime 1.")
    assert main([str(path), "--data", str(data)]) == 0
    assert capsys.readouterr().out.startswith(f"{path} by ONNX Runtime 1.")
    assert "--tta is for .keras files" in error_of(capsys, path, "--data", data, "--tta")
    assert f"There is no recipe.json beside {path}: say --data DIR" in error_of(capsys, path)
    assert scored(capsys, path, "--data", data, "--scale", "0.5")["scale"] == "0.5"
