"""The archive for CVAT: its layout, colours and classes, and that our own import gives the labels back."""

import zipfile

import numpy as np
import pytest

from tests.training.imported import label, run_import
from tests.training.imported import names as names_in
from tests.training.tiny import picture, write
from training.annotations.cvat_writer import CvatWriter
from training.predict.results import Classes

WITH = ("background", "road", "tree", "pave ment")
WITHOUT = ("road", "tree", "sky")


def maps(count):
    for number, key in enumerate(("deep/a", "b")):
        yield key, np.random.default_rng(number).integers(0, count, (5, 7)).astype(np.uint8).repeat(3, axis=1)


def written(path, names):
    writer = CvatWriter(Classes.named(names, len(names)))
    for key, labels in maps(len(names)):
        writer.add(f"{key}.jpg", labels)
    writer.write(path)
    return zipfile.ZipFile(path)


@pytest.mark.parametrize("names", [WITH, WITHOUT])
def test_our_import_gives_the_labels_back(source, out, tmp_path, names):
    with written(tmp_path / "cvat.zip", names) as archive:
        archive.extractall(source)
    for key, labels in maps(len(names)):
        write(source / "JPEGImages" / f"{key}.jpg", picture(*labels.shape), quality=95)
    assert run_import("auto", source, out, "--val", "0") in (0, 1)
    found = names_in(out)
    assert found == (list(names) if names is WITH else ["background", *names])
    for key, labels in maps(len(names)):
        np.testing.assert_array_equal(np.array(found)[label(out, key)], np.array(names)[labels])


def test_the_layout(tmp_path):
    with written(tmp_path / "cvat.zip", WITHOUT) as archive:
        assert archive.namelist() == [
            "labelmap.txt",
            "ImageSets/Segmentation/default.txt",
            "SegmentationClass/deep/a.png",
            "SegmentationObject/deep/a.png",
            "SegmentationClass/b.png",
            "SegmentationObject/b.png",
        ]
        assert archive.read("labelmap.txt").decode().splitlines() == [
            "# label:color_rgb:parts:actions",
            "background:0,0,0::",
            "road:0,153,255::",
            "tree:255,221,0::",
            "sky:153,68,0::",
        ]
        assert archive.read("ImageSets/Segmentation/default.txt") == b"deep/a\nb\n"
        assert archive.comment == b"fcn-predict"


@pytest.mark.parametrize("own", [[(0, 0, 0), (9, 9, 9), (8, 8, 8)], [(9, 9, 9), (9, 9, 9), (8, 8, 8)]])
def test_colors_that_cvat_could_not_tell_apart_are_vocs(tmp_path, own):
    CvatWriter(Classes.named(WITHOUT, 3, own)).write(tmp_path / "cvat.zip")
    lines = zipfile.ZipFile(tmp_path / "cvat.zip").read("labelmap.txt").decode().splitlines()
    assert lines[1:] == ["background:0,0,0::", "road:128,0,0::", "tree:0,128,0::", "sky:128,128,0::"]


def test_classes_that_it_cannot_hold():
    with pytest.raises(ValueError, match=r"CVAT's masks hold 255 classes\. This model has 256: say --format ids"):
        CvatWriter(Classes.named(tuple(f"c{index}" for index in range(256)), 256))
    with pytest.raises(ValueError, match=r"A class cannot be called 'a:b' in CVAT's labelmap\.txt"):
        CvatWriter(Classes.named(("background", "a:b"), 2))
