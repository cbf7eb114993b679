"""`fcn-compare`: two models or two folders of labels, what is written, and what a user reads when they do not match."""

import json
import logging
from functools import partial

import numpy as np
import pytest
from PIL import Image

from tests.training import tiny
from tests.training.tiny import data_set, snapshot, stage, write
from training.compare.command import main
from training.evaluate.command import main as evaluate

FOUR = ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu")


reported, error_of = partial(tiny.printed, main), partial(tiny.error_of, main)
pytestmark = pytest.mark.usefixtures("models_once")


@pytest.fixture(scope="module")
def pair(nets):
    """Two saved nets of four classes."""
    return [nets["coarse"], nets["fine"]]


@pytest.fixture(scope="module")
def data(four_classes):
    return four_classes


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """Folders `truth`, `a` and `b` of 4 label files: A says 0 everywhere, B is right but for 2x2 pixels."""
    folder = tmp_path_factory.mktemp("labels")
    for number in range(4):
        truth = np.zeros((8, 10), np.uint8)
        truth[:, 5:] = 1
        truth[0, 0] = 255
        right = np.where(truth == 255, 0, truth)
        right[4:6, 1:3] = 2
        for name, ids in (("truth", truth), ("a", np.zeros_like(truth)), ("b", right)):
            write(folder / name / f"{number}.png", ids)
    return folder


def test_each_models_numbers_are_fcn_evaluates(pair, data, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    options = ["--data", data, "--boundaries", "--resamplings", 200]
    report = reported(capsys, *pair, *options, "--output", out)
    for which, net in zip("ab", pair, strict=True):
        assert report[which] == str(net)
        alone = tiny.printed(evaluate, capsys, net, "--data", data, "--boundaries")
        found = {name: value[which] for name, value in report["metrics"].items()}
        assert {name: found[name] for name in FOUR} == pytest.approx({name: alone[name] for name in FOUR})
        assert found["boundary_f1"] == pytest.approx(alone["boundaries"]["boundary_f1"])
        for width, values in alone["boundaries"]["trimap"].items():
            assert found[f"trimap_{width}_mean_iu"] == pytest.approx(values["mean_iu"])
        ius = {name: value[which] for name, value in report["per_class_iu"].items()}
        assert ius == pytest.approx(alone["per_class_iu"])
        assert report["pixels"]["counted"] == np.sum(alone["matrix"])
        right = report["pixels"]["both_right"] + report["pixels"][f"{which}_right"]
        assert right == np.trace(alone["matrix"])
    assert report["bootstrap"] == {"resamplings": 200, "seed": 0, "interval": 0.95}
    assert json.loads((out / "compare.json").read_text()) == report
    assert report["verdict"] in (out / "compare.txt").read_text()
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))
    pictures = [file for file in files if file.startswith("pictures/")]
    differing = [image["name"] for image in report["per_image"] if image["differ"]]
    assert pictures == [f"pictures/{i:02}_{name.removeprefix('image ')}.png" for i, name in enumerate(differing, 1)]
    assert set(files) - set(pictures) == {"compare.png", "trimaps.png"}
    with Image.open(out / pictures[0]) as picture:
        assert picture.width > 1000


def test_labels_and_themselves(labels, capsys):
    arguments = [labels / "b", labels / "b", "--labels", labels / "truth", "--resamplings", 100, "--boundaries"]
    report = reported(capsys, *arguments)
    assert report["verdict"] == "A and B give every pixel that counts the same class."
    assert {value["p"] for value in report["metrics"].values()} == {1.0}
    assert main([*map(str, arguments)]) == 0
    assert "There is no image where they differ.\n" in capsys.readouterr().out


def test_label_files_worked_by_hand(labels, tmp_path, capsys):
    """79 pixels an image count. A has 39 of 0 right, 40 of 1 wrong. B has 35 of 0 and all of 1 right, 4 are 2."""
    options = ["--labels", labels / "truth", "--resamplings", 100, "--output", tmp_path]
    report = reported(capsys, labels / "a", labels / "b", *options)
    found = report["metrics"]
    assert (found["pixel_accuracy"]["a"], found["pixel_accuracy"]["b"]) == pytest.approx((39 / 79, 75 / 79))
    assert found["mean_iu"]["a"] == pytest.approx((39 / 79 + 0) / 2)
    assert found["mean_iu"]["b"] == pytest.approx((35 / 39 + 1 + 0) / 3)
    # All images are alike: chance has nothing to choose from.
    assert found["mean_iu"]["low"] == pytest.approx(found["mean_iu"]["difference"])
    assert report["pixels"] == {
        "counted": 316,
        "differ": 176,
        "both_right": 140,
        "a_right": 16,
        "b_right": 160,
        "both_wrong_otherwise": 0,
        "both_wrong_alike": 0,
    }
    assert list(report["per_class_iu"]) == ["0", "1", "2"]
    assert report["per_class_iu"]["2"]["a"] is None
    assert [image["name"] for image in report["per_image"]] == ["0", "1", "2", "3"]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [f"0{i}_{i - 1}.png" for i in range(1, 5)]
    assert "4 images are few: the interval is too narrow." in report["verdict"]


def test_three_folders(labels, tmp_path, capsys):
    """A twice and B: both pairs of A and B differ by the same, the pair of A and itself by nothing."""
    arguments = [labels / "a", labels / "b", labels / "a", "--labels", labels / "truth", "--boundaries"]
    report = reported(capsys, *arguments, "--output", tmp_path)
    assert [report[x] for x in "abc"] == [str(labels / name) for name in "aba"]
    assert report["models"]["A"] == report["models"]["C"]
    two = reported(capsys, *arguments[:2], *arguments[3:])["metrics"]
    for name, value in two.items():
        assert report["models"]["B"][name]["value"] == pytest.approx(value["b"])
    assert [(x["a"], x["b"]) for x in report["pairs"]] == [("A", "B"), ("B", "C"), ("A", "C")]
    assert report["pairs"][0]["p_corrected"] == pytest.approx(3 * report["pairs"][0]["p"])
    assert report["verdict"] == "B is better than all others. 4 images are few: the intervals are too narrow."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compare.json", "compare.png", "compare.txt"]
    text = (tmp_path / "compare.txt").read_text()
    assert text.startswith(f"A  {labels / 'a'}\nB  {labels / 'b'}\nC  {labels / 'a'}\n")
    assert report["verdict"] in text
    assert "--resamplings is at least 240 for the 3 pairs of 3 models. Received: 239." in error_of(
        capsys, *arguments, "--resamplings", 239
    )
    many = [labels / "a"] * 27
    assert "At most 26 models are compared at once. Received: 27." in error_of(
        capsys, *many, "--labels", labels / "truth"
    )


def test_a_third_model_of_other_classes(nets, pair, data, capsys):
    message = error_of(capsys, *pair, nets["heads"], "--data", data)
    assert "A has 4 classes, C 8 sem, 3 geo. Compare models of the same classes." in message


def test_two_files(labels, capsys):
    options = ["--labels", labels / "truth" / "0.png", "--resamplings", 100]
    report = reported(capsys, labels / "a" / "0.png", labels / "b" / "1.png", *options)
    assert report["verdict"].endswith("one image does not tell chance.")
    assert report["metrics"]["mean_iu"]["p"] is None


def test_pictures_are_as_many_as_asked(labels, tmp_path, capsys):
    arguments = [labels / "a", labels / "b", "--labels", labels / "truth", "--output", tmp_path, "--pictures", 1]
    reported(capsys, *arguments, "--resamplings", 100)
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["01_0.png"]


def test_names_too_long_for_a_file_are_cut(labels, tmp_path, capsys):
    name = f"{'n' * 240}.png"
    for folder in ("truth", "a", "b"):
        write(tmp_path / folder / name, np.array(Image.open(labels / folder / "0.png")))
    arguments = [tmp_path / "a", tmp_path / "b", "--labels", tmp_path / "truth", "--output", tmp_path / "out"]
    reported(capsys, *arguments, "--resamplings", 100)
    assert [path.name for path in (tmp_path / "out" / "pictures").iterdir()] == [f"01_{'n' * 100}.png"]


def test_verbose_names_the_images(labels, capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger("fcn-compare"), "handlers", [])
    monkeypatch.setattr(logging.getLogger("fcn-compare"), "level", logging.WARNING)
    arguments = [labels / "a", labels / "b", "--labels", labels / "truth", "--resamplings", 100, "-v"]
    assert main([*map(str, arguments)]) == 0
    logging.getLogger("fcn-compare").handlers.clear()
    assert "fcn-compare: 3: 4 of 4 scored\n" in capsys.readouterr().err


def test_stages_know_their_split(pair, tmp_path, capsys):
    """A .keras file alone is scored as the stage beside it is."""
    data = data_set(tmp_path / "data", 4, sizes=((32, 40),))
    a = stage(tmp_path / "a", pair[0], "folder_fcn32s", data=data, overrides={"classes": 4})
    report = reported(capsys, a, pair[1], "--resamplings", 100)
    assert (report["data"], report["split"], report["images"]) == (str(data), "val", 1)
    assert list(report["per_class_iu"]) == ["0", "1", "2", "3"]


def test_stages_of_other_splits(pair, data, tmp_path, capsys):
    a = stage(tmp_path / "a", pair[0], "folder_fcn32s", data=data)
    two = data_set(data_set(tmp_path / "two", 4), 4, split="test")
    b = stage(tmp_path / "b", pair[1], "folder_fcn32s", data=two, overrides={"classes": 4})
    message = error_of(capsys, a, b)
    assert f"a/best.keras is scored on {data}, val; " in message
    assert f"b/best.keras is scored on {two}, val. Say --data and --split" in message
    c = stage(tmp_path / "c", pair[1], "folder_fcn32s", data=two, overrides={"splits": ["val", "test"]})
    assert f"{two}, test. Say --data and --split" in error_of(capsys, a, c, "--data", two, "--classes", 4)


def test_a_truth_that_is_read_in_two_ways(pair, data, tmp_path, capsys):
    a = stage(tmp_path / "a", pair[0], "folder_fcn32s", data=data)
    b = stage(tmp_path / "b", pair[1], "folder_fcn32s", data=data, overrides={"ignore_label": 2})
    assert "The true labels of image 0 differ between A and B. Compare on one split" in error_of(capsys, a, b)


def test_other_classes(nets, pair, data, tmp_path, capsys):
    message = error_of(capsys, pair[0], nets["heads"], "--data", data, "--output", tmp_path / "out")
    assert "A has 4 classes, B 8 sem, 3 geo. Compare models of the same classes." in message
    assert not (tmp_path / "out").exists()
    a = stage(tmp_path / "a", pair[0], "folder_fcn32s", data=data)
    (tmp_path / "classes.txt").write_text("sky\nroad\nvan\ntree")
    b = stage(tmp_path / "b", pair[1], "folder_fcn32s", data=data, overrides={"classes": str(tmp_path / "classes.txt")})
    assert "A calls a class 'car' that B calls 'van'." in error_of(capsys, a, b)


def test_heads_are_compared_apart(nets, two_heads, tmp_path, capsys):
    options = ["--recipe", two_heads, "--output", tmp_path / "out", "--resamplings", 100]
    report = reported(capsys, nets["heads"], nets["other_heads"], *options)
    assert list(report["heads"]["geo"]["per_class_iu"]) == ["sky", "horizontal", "vertical"]
    assert report["heads"]["sem"]["pixels"] != report["heads"]["geo"]["pixels"]
    assert report["heads"]["sem"]["pixels"]["differ"]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"compare_sem.png", "compare_geo.png", "compare.json", "compare.txt", "pictures"}
    assert "\n\ngeo\nmetric" in (tmp_path / "out" / "compare.txt").read_text()
    # The two say the same of "geo" everywhere: there is nothing to picture.
    assert not report["heads"]["geo"]["pixels"]["differ"]
    assert {path.name[2:6] for path in (tmp_path / "out" / "pictures").iterdir()} == {"_sem"}


def test_nothing_says_which_images(pair, capsys):
    message = error_of(capsys, *pair)
    assert f"There is no recipe.json beside {pair[0]} or {pair[1]}: say --data DIR, or --recipe NAME." in message


def test_label_files_that_do_not_match(labels, tmp_path, capsys):
    write(tmp_path / "fewer" / "0.png", np.zeros((8, 10), np.uint8))
    message = error_of(capsys, labels / "a", tmp_path / "fewer", "--labels", labels / "truth")
    assert "fewer lacks 3 of the other's label files, such as 1. Compare labels of the same images." in message
    write(tmp_path / "truth" / "0.png", np.zeros((8, 10), np.uint8))
    write(tmp_path / "truth" / "1.png", np.ones((8, 10), np.uint8))
    files = labels / "a" / "0.png", labels / "a" / "1.png"
    assert "The true labels of 0 differ between A and B." in error_of(capsys, *files, "--labels", tmp_path / "truth")


@pytest.mark.parametrize("option", ["--data", "--split", "--recipe"])
def test_options_that_do_not_go_with_label_files(option, capsys):
    message = error_of(capsys, "a.png", "b.png", "--labels", "c.png", option, "x")
    assert f"{option} says where a model's images are; --labels scores files." in message


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--resamplings", 99, "--resamplings is at least 100. Received: 99."),
        ("--seed", -1, "--seed is not negative. Received: -1."),
        ("--pictures", -1, "--pictures is not negative. Received: -1."),
    ],
)
def test_numbers_that_make_no_sense(option, value, message, labels, capsys):
    assert message in error_of(capsys, labels / "a", labels / "b", "--labels", labels / "truth", option, value)


def test_a_split_of_void(tmp_path, capsys):
    void = write(tmp_path / "void.png", np.full((2, 3), 255, np.uint8))
    some = write(tmp_path / "some.png", np.zeros((2, 3), np.uint8))
    assert "Every pixel of the split is void (255)" in error_of(capsys, some, some, "--labels", void)


def test_nothing_is_left_of_a_comparison_that_fails(labels, tmp_path, capsys):
    (tmp_path / "b").mkdir()
    for path in (labels / "b").iterdir():
        (tmp_path / "b" / path.name).write_bytes(path.read_bytes())
    write(tmp_path / "b" / "3.png", np.full((8, 10), 255, np.uint8))
    before = snapshot(tmp_path)
    arguments = [labels / "a", tmp_path / "b", "--labels", labels / "truth", "--output", tmp_path / "b"]
    assert "A prediction may hold 0..254, never void." in error_of(capsys, *arguments)
    assert snapshot(tmp_path) == before
    assert "--output /proc/1/nothing cannot be written to: " in error_of(capsys, *arguments[:-1], "/proc/1/nothing")
