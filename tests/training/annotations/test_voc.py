"""`fcn-doctor --import voc`: the devkit, exports of other tools, faults, real data."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.voc_sbd import CLASSES
from fcn_keras.visualize import colorize
from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import ROAD, SIZE, SKY, ids_of, in_colors, label, names, run_import, voc
from tests.training.tiny import write


def splits_of(out):
    return {split: {path.stem for path in (out / split / "images").iterdir()} for split in ("train", "val")}


@pytest.mark.parametrize("given", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_the_devkit(source, out, given):
    lists = {"train": "ab", "val": "c", "trainval": "abc", "test": "z"}
    voc(source / "VOCdevkit" / "VOC2012", "abc", lists)
    assert run_import("voc", source / given, out) == 0
    assert names(out) == list(CLASSES)
    for number, (split, key) in enumerate((("train", "a"), ("train", "b"), ("val", "c"))):
        np.testing.assert_array_equal(label(out, key, split), ids_of(number))
    assert not (out / "test").exists()
    original = source / "VOCdevkit/VOC2012/JPEGImages/c.jpg"
    assert (out / "val/images/c.jpg").read_bytes() == original.read_bytes()


def test_an_export_of_labelme(source, out):
    voc(source, "abc", masks="SegmentationClassPNG")
    (source / "class_names.txt").write_text("_background_\ncat\ndog")
    (source / "SegmentationClass").mkdir()
    (source / "SegmentationClass" / "a.npy").write_bytes(b"")
    assert run_import("voc", source, out, "--val", "0") == 0
    assert names(out) == ["background", "cat", "dog"]
    np.testing.assert_array_equal(label(out, "b"), ids_of(1))
    (source / "labels.txt").write_text("__ignore__\n_background_\ncat\ndog\n")  # where LabelMe counts from -1
    again = out.with_name("again")
    assert run_import("voc", source, again, "--val", "0", "--classes", source / "labels.txt") == 0
    assert names(again) == ["background", "cat", "dog"]


@pytest.mark.parametrize("as_palette", [False, True])
def test_an_export_of_cvat(source, out, as_palette, capsys):
    voc(source, "ab", {"default": "ab"})
    (source / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad:128,64,128::\nsky:128,128,128:wing,tail:fly\n"
    )
    for number, key in enumerate("ab"):
        ids = np.where(ids_of(number) == 255, 0, ids_of(number))
        image = Image.fromarray(in_colors(ids, ((0, 0, 0), ROAD, SKY)))
        image = image.quantize(colors=3, dither=Image.Dither.NONE) if as_palette else image
        image.save(source / "SegmentationClass" / f"{key}.png")
        np.testing.assert_array_equal(np.array(image.convert("RGB")), in_colors(ids, ((0, 0, 0), ROAD, SKY)))
    assert run_import("voc", source, out) == 0
    assert names(out) == ["background", "road", "sky"]
    found = {key: label(out, key, split) for split in ("train", "val") for key in "ab" if key in splits_of(out)[split]}
    for number, key in enumerate("ab"):
        np.testing.assert_array_equal(found[key], np.where(ids_of(number) == 255, 0, ids_of(number)))
    assert "divided: 20% to val" in capsys.readouterr().out


def test_rgb_masks_in_vocs_colours_and_another_void(source, out):
    voc(source / "VOC2012", "a")
    ids = ids_of(0)
    write(source / "VOC2012/SegmentationClass/a.png", colorize(ids))
    assert run_import("voc", source, out, "--val", "0") == 0
    np.testing.assert_array_equal(label(out, "a"), ids)
    write(source / "VOC2012/SegmentationClass/a.png", np.where(ids == 255, 2, ids).astype(np.uint8))
    again = out.with_name("again")
    assert run_import("voc", source, again, "--val", "0", "--classes", "2", "--ignore-label", "2") == 0
    np.testing.assert_array_equal(label(again, "a"), np.where(ids == 2, 255, ids))


def broken_voc(source, fault):
    root = voc(source / "VOC2012", "abc", {"train": "ac", "val": "b"})
    if fault == "colour":
        write(root / "SegmentationClass/a.png", np.full((*SIZE, 3), 7, np.uint8))
    elif fault == "id":
        write(root / "SegmentationClass/a.png", np.full(SIZE, 70, np.uint8))
    elif fault == "size":
        write(root / "SegmentationClass/a.png", np.zeros((5, 6), np.uint8))
    elif fault == "mask":
        (root / "SegmentationClass/a.png").unlink()
    elif fault == "image":
        (root / "JPEGImages/a.jpg").unlink()
    elif fault == "list":
        (root / "ImageSets/Segmentation/val.txt").write_bytes(b"\xff\xfe\xff")
    elif fault == "no images":
        (root / "JPEGImages").rename(root / "Pictures")
    elif fault == "classes":
        root.rename(source / "export")
    elif fault == "two":
        voc(source / "VOC2007", "a")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("colour", "a.png holds the colour 7, 7, 7 (red, green, blue) at row 0, column 0, which no class"),
        ("id", "a.png holds the ids 70, and 21 classes have the ids 0 to 20"),
        ("size", "a.jpg has 12x16 pixels (height x width), its mask 5x6"),
        ("mask", "train lists 'a', and"),
        ("image", "holds no image of that name. Add it, take the line out of train.txt, or go on without"),
        ("list", "val.txt is not UTF-8 text"),
        ("no images", "JPEGImages is missing. Say where the images are with --images DIR."),
        ("two", "VOC2012. Name one of them."),
    ],
)
def test_voc_faults(source, out, capsys, fault, message):
    broken_voc(source, fault)
    assert run_import("voc", source, out) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not out.exists()


def test_no_voc(source, out, capsys):
    assert run_import("voc", source, out) == 2
    told = capsys.readouterr().err
    assert "holds no folders of VOC's masks. Expected SegmentationClass with PNG masks beside JPEGImages" in told
    broken_voc(source, "classes")
    assert run_import("voc", source / "export", out) == 2
    assert "there is no labelmap.txt or class_names.txt. Say --classes FILE." in capsys.readouterr().err


def test_real_voc(shared, out):
    assert run_import("voc", shared / "data" / "voc", out) == 0
    root = shared / "data" / "voc" / "VOCdevkit" / "VOC2012"
    for split, number in (("train", 300), ("val", 100)):
        assert len(list((out / split / "images").iterdir())) == number
        for path in sorted((out / split / "labels").iterdir())[::25]:
            with Image.open(root / "SegmentationClass" / path.name) as mask:
                np.testing.assert_array_equal(label(out, path.stem, split), np.array(mask))


@pytest.mark.parametrize("kind", ["plain", "colored", "background"])
def test_datumaros_voc(source, out, tmp_path, capsys, kind):
    """With VOC's colours where the set has none; there is no class called `road:::`."""
    unpacked("datumaro", f"voc_segmentation_{kind}", source)
    maps = unpacked("datumaro", "label_maps", tmp_path / "maps")
    assert run_import("voc", source, out) in (0, 1)
    assert "left out, image without mask: 1 (empty)" in capsys.readouterr().out
    assert names(out) == ["background", "road", "car", "sky"]
    for split, key in (("train", "street_1"), ("train", "deep_street_2"), ("val", "street_3")):
        with Image.open(maps / f"{key.replace('deep_', 'deep/')}.png") as ids:
            np.testing.assert_array_equal(label(out, key, split), np.array(ids))


def test_frames_in_sub_folders(source, out, tmp_path):
    """As CVAT's `Segmentation mask 1.1` has them, of tasks whose images lie in folders."""
    unpacked("datumaro", "voc_nested", source)
    maps = unpacked("datumaro", "label_maps", tmp_path / "maps")
    assert run_import("auto", source, out, "--on-error", "skip") in (0, 1)
    for split, key in (("train", "deep/street_2"), ("val", "street_3")):
        with Image.open(maps / f"{key}.png") as ids:
            np.testing.assert_array_equal(label(out, key, split), np.array(ids))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["road", "sky", "Void"], {0: 0, 1: 1, 2: 255, 255: 255}),
        (["unlabeled", "road", "sky"], {0: 255, 1: 0, 2: 1, 255: 255}),
        (["__ignore__", "_background_", "road", "sky"], {0: 0, 1: 1, 2: 2, 255: 255}),
    ],
)
def test_a_void_class_keeps_the_ids_of_the_others(source, out, capsys, lines, expected):
    """Ids in the masks count every line; LabelMe's `__ignore__` alone has none."""
    voc(source, "abc")
    (source / "class_names.txt").write_text("\n".join(lines))
    assert run_import("voc", source, out, "--val", "0") in (0, 1)
    for number, key in enumerate("abc"):
        np.testing.assert_array_equal(label(out, key), np.vectorize(expected.get)(ids_of(number)))
    told = capsys.readouterr().out
    void = next((index for index, value in expected.items() if value == 255 and index < 3), None)
    assert (f"id {void}, {lines[void]}, is void" in told) if void is not None else "is void" not in told


@pytest.mark.parametrize(("train", "val"), [("train", "valid"), ("Train", "Valid"), ("training", "dev")])
def test_lists_of_any_name_of_a_split_divide(source, out, capsys, train, val):
    voc(source / "VOCdevkit" / "VOC2012", "abc", {train: "ab", val: "c", "trainval": "abc", "first": "a"})
    assert run_import("voc", source, out) == 0
    assert splits_of(out) == {"train": {"a", "b"}, "val": {"c"}}
    assert "left out, list of no split: 1 (first.txt)" in capsys.readouterr().out


def test_a_list_alone_divides_nothing_and_is_named(source, out, capsys):
    voc(source / "VOCdevkit" / "VOC2012", "abc", {"train": "ab"})
    assert run_import("voc", source, out, "--val", "0") == 0
    assert "left out, list that alone divides nothing: 1 (train.txt)" in capsys.readouterr().out


def test_two_lists_of_one_split(source, out, capsys):
    voc(source / "VOCdevkit" / "VOC2012", "abc", {"train": "ab", "val": "c", "valid": "b"})
    assert run_import("voc", source, out) == 2
    assert "val.txt and valid.txt are both lists of val" in capsys.readouterr().err
