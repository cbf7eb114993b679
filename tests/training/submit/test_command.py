"""`fcn-submit`: the tree and archive that VOC's server takes, and every fault that it would refuse."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_keras.inference import predict
from fcn_keras.models import FCN32s
from tests.training.tiny import NARROW, picture, saved, snapshot, write
from training.submit.command import find_images, main

IDS = ("2008_000006", "2008_000011", "2008_000012")
TREE = Path("results/VOC2012/Segmentation/comp6_test_cls")

pytestmark = pytest.mark.usefixtures("models_once")


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return saved(FCN32s(21, channels=NARROW), tmp_path_factory.mktemp("net") / "net.keras")


@pytest.fixture(scope="module")
def voc(tmp_path_factory):
    """A VOCdevkit with three test images of two sizes, and one of another split."""
    root = tmp_path_factory.mktemp("voc") / "VOCdevkit"
    for number, key in enumerate((*IDS, "2007_000001")):
        pixels = picture(*((33, 40), (21, 18))[number % 2], seed=number)
        write(root / "VOC2012" / "JPEGImages" / f"{key}.jpg", pixels)
    lists = root / "VOC2012" / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "test.txt").write_text("".join(f"{key}\n" for key in IDS))
    return root


@pytest.fixture
def submission(tmp_path, voc):
    """A right tree, written without the command."""
    generator = np.random.default_rng(0)
    for key in IDS:
        with Image.open(voc / "VOC2012" / "JPEGImages" / f"{key}.jpg") as image:
            labels = Image.fromarray(generator.integers(0, 21, (image.height, image.width), np.uint8))
        labels.putpalette(bytes(768))
        (tmp_path / TREE).mkdir(parents=True, exist_ok=True)
        labels.save(tmp_path / TREE / f"{key}.png")
    return tmp_path


def error_of(capsys, *arguments):
    assert main([*map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fcn-submit: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("below", ["", "..", "VOC2012"])
def test_images_are_found_from_any_folder_of_the_tree(voc, below):
    found = find_images(voc / below, 2012, "test")
    assert list(found) == list(IDS)
    assert all(path.samefile(voc / "VOC2012" / "JPEGImages" / f"{key}.jpg") for key, path in found.items())


def test_the_tree_and_the_archive(models_once, net, voc, tmp_path, capsys):
    assert main([str(net), "--data", str(voc), "--output", str(tmp_path)]) == 0
    assert "3 images labelled in" in capsys.readouterr().out
    archive = tmp_path / "comp6_test_cls.tar.gz"
    with tarfile.open(archive, "r:gz") as tar:
        assert tar.getnames() == [(TREE / f"{key}.png").as_posix() for key in IDS]
        assert tar.extractfile(tar.getnames()[0]).read() == (tmp_path / TREE / f"{IDS[0]}.png").read_bytes()
    model = models_once(net)
    for key in IDS:
        image = np.array(Image.open(voc / "VOC2012" / "JPEGImages" / f"{key}.jpg"))
        labels = Image.open(tmp_path / TREE / f"{key}.png")
        assert (labels.format, labels.mode) == ("PNG", "P")
        np.testing.assert_array_equal(np.array(labels), predict(model, image))
        assert labels.getpalette()[3 * 15 : 3 * 16] == [192, 128, 128]  # person
    assert main(["--check", str(tmp_path), "--data", str(voc)]) == 0
    first = snapshot(tmp_path)
    assert main([str(net), "--data", str(voc), "--output", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told == {"images": 3, "labels": str(tmp_path / TREE), "archive": str(archive)}
    assert snapshot(tmp_path) == first


def test_a_folder_of_images_and_another_competition(net, voc, tmp_path):
    write(tmp_path / "images" / "a.png", picture(9, 8))
    (tmp_path / "images" / "notes.txt").write_text("mine")
    options = ["--year", "2011", "--competition", "comp5", "--split", "val"]
    assert main([str(net), "--data", str(tmp_path / "images"), "--output", str(tmp_path / "out"), *options]) == 0
    with tarfile.open(tmp_path / "out" / "comp5_val_cls.tar.gz") as tar:
        assert tar.getnames() == ["results/VOC2011/Segmentation/comp5_val_cls/a.png"]


def test_a_right_tree_passes_unchanged(submission, voc, capsys):
    before = snapshot(submission)
    assert main(["--check", str(submission), "--data", str(voc)]) == 0
    assert "3 files in" in capsys.readouterr().out
    assert main(["--check", str(submission), "--data", str(voc), "--json"]) == 0
    told = {"images": 3, "labels": str(submission / TREE), "archive": None}
    assert json.loads(capsys.readouterr().out) == told
    assert snapshot(submission) == before


def spoil(path, kind):
    """Plant one fault in the second file or beside it."""
    labels = Image.open(path)
    ids = np.array(labels)
    if kind == "missing":
        path.unlink()
    elif kind == "foreign":
        labels.save(path.with_name("2007_000001.png"))
    elif kind == "folder":
        (path.parent / "old").mkdir()
    elif kind == "damaged":
        path.write_bytes(path.read_bytes()[:60])
    elif kind == "grey":
        Image.fromarray(ids).save(path)
    elif kind == "colour":
        labels.convert("RGB").save(path)
    elif kind == "jpeg":
        Image.fromarray(ids).save(path, format="JPEG")
    else:
        ids = {"size": ids[:-1], "void": np.where(ids == 3, 255, ids), "high": np.where(ids == 3, 21, ids)}[kind]
        spoilt = Image.fromarray(ids.astype(np.uint8))
        spoilt.putpalette(bytes(768))
        spoilt.save(path)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "comp6_test_cls lacks 1 of 3 files: 2008_000011.png."),
        ("foreign", "comp6_test_cls holds 1 other files or folders: 2007_000001.png. Take them out."),
        ("folder", "comp6_test_cls holds 1 other files or folders: old. Take them out."),
        ("damaged", "1 of 3 files are bad: 2008_000011.png cannot be read ("),
        ("grey", "2008_000011.png is PNG of mode L, not PNG of mode P."),
        ("colour", "2008_000011.png is PNG of mode RGB, not PNG of mode P."),
        ("jpeg", "2008_000011.png is JPEG of mode L, not PNG of mode P."),
        ("size", "2008_000011.png is (20, 18) (height, width), its image (21, 18)."),
        ("void", "2008_000011.png holds [255], not only 0..20."),
        ("high", "2008_000011.png holds [21], not only 0..20."),
    ],
)
def test_every_fault_is_named(submission, voc, capsys, kind, message):
    spoil(submission / TREE / f"{IDS[1]}.png", kind)
    assert message in error_of(capsys, "--check", submission, "--data", voc)


def test_foreign_files_stop_the_command_before_it_labels(submission, net, voc, capsys):
    spoil(submission / TREE / f"{IDS[1]}.png", "foreign")
    before = snapshot(submission)
    assert "1 other files or folders: 2007_000001.png" in error_of(capsys, net, "--data", voc, "--output", submission)
    assert snapshot(submission) == before


def test_data_that_is_not_there(tmp_path, net, capsys):
    out = ["--output", tmp_path / "out"]
    assert "gone is not a folder. Name VOCdevkit" in error_of(capsys, net, "--data", tmp_path / "gone", *out)
    (tmp_path / "empty").mkdir()
    message = error_of(capsys, net, "--data", tmp_path / "empty", *out)
    assert "empty holds neither images nor VOC2012/JPEGImages." in message
    root = tmp_path / "VOC2012"
    (root / "JPEGImages").mkdir(parents=True)
    message = error_of(capsys, net, "--data", root, *out)
    assert "test.txt is missing. It comes with VOC2012's test data" in message
    (root / "ImageSets" / "Segmentation").mkdir(parents=True)
    (root / "ImageSets" / "Segmentation" / "test.txt").write_text("a b")
    assert "JPEGImages lacks 2 of" in error_of(capsys, net, "--data", root, *out)
    assert not (tmp_path / "out").exists()


def test_models_that_do_not_fit(tmp_path, voc, capsys):
    model = saved(FCN32s(4, channels=NARROW), tmp_path / "four.keras")
    message = error_of(capsys, model, "--data", voc, "--output", tmp_path / "out")
    assert "VOC has 21 classes of RGB images. " in message
    assert "four.keras has 4, and takes rgb." in message
    assert "Name a model" in error_of(capsys, "--data", voc, "--output", tmp_path / "out")
    message = error_of(capsys, model, "--data", voc, "--check", tmp_path)
    assert "--check takes no model" in message
    assert "comp6_test_cls is missing." in error_of(capsys, "--data", voc, "--check", tmp_path)


def test_a_folder_of_images_says_what_it_leaves_alone(submission, voc, tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    for key in IDS:
        (photos / f"{key}.jpg").write_bytes((voc / "VOC2012" / "JPEGImages" / f"{key}.jpg").read_bytes())
    for name in ("notes.md", ".hidden"):
        (photos / name).touch()
    assert main(["--data", str(photos), "--check", str(submission)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Left alone: 1 .md, 1 hidden file."
    (photos / f"{IDS[0]}.png").touch()
    assert "have one id, 2008_000006. Keep one" in error_of(capsys, "--data", photos, "--check", submission)
