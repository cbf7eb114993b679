"""`fcn-doctor --import voc` and `--import rgb`: layouts, class files of several tools, unknown colours, real data."""

import numpy as np
import pytest
from PIL import Image

from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import SIZE, TEXT, files, ids_of, in_colors, label, names, rgb, run_import
from tests.training.tiny import picture, write


def splits_of(out):
    return {split: {path.stem for path in (out / split / "images").iterdir()} for split in ("train", "val")}


LAYOUTS = {
    "images and masks": ("images/{}.png", "masks/{}.png"),
    "images and labels": ("images/{}.jpg", "labels/{}.bmp"),
    "suffix": ("images/{}.png", "masks/{}_mask.png"),
    "CamVid": ("701_StillsRaw_full/{}.png", "LabeledApproved_full/{}_L.png"),
    "sub-folders": ("images/x/{}.png", "masks/x/{}.png"),
    "one split": ("train/images/{}.png", "train/masks/{}.png"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_undivided_layouts(source, out, layout):
    image, mask = LAYOUTS[layout]
    rgb(source, image, mask)
    assert run_import("rgb", source, out, "--val", "0") == 0
    assert names(out) == ["road", "sky", "car"]
    for number, key in enumerate("abc"):
        np.testing.assert_array_equal(label(out, f"x/{key}" if "x/" in image else key), ids_of(number))


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("{0}/images/{1}.png", "{0}/masks/{1}.png"),
        ("images/{0}/{1}.png", "masks/{0}/{1}.png"),
        ("{0}/{1}.png", "{0}_labels/{1}_L.png"),
        ("{0}/{1}.png", "{0}annot/{1}.png"),
    ],
)
@pytest.mark.parametrize(
    ("first", "second"), [("train", "val"), ("train", "valid"), ("Train", "VALID"), ("Train", "VAL"), ("TRN", "Dev")]
)
def test_divided_layouts(source, out, image, mask, first, second):
    for number, (split, key) in enumerate(((first, "a"), (second, "b"))):
        write(source / image.format(split, key), picture(*SIZE, seed=number))
        write(source / mask.format(split, key), in_colors(ids_of(number)))
    (source / "classes.txt").write_text(TEXT)
    assert run_import("rgb", source, out) == 0
    np.testing.assert_array_equal(label(out, "a", "train"), ids_of(0))
    np.testing.assert_array_equal(label(out, "b", "val"), ids_of(1))


@pytest.mark.parametrize(
    ("image", "mask"), [("{0}/images/{1}.png", "{0}/masks/{1}.png"), ("images/{0}/{1}.png", "masks/{0}/{1}.png")]
)
def test_folders_of_one_split_and_a_split_without_masks(source, out, image, mask, capsys):
    for number, (split, key) in enumerate((("train", "a"), ("val", "b"), ("test", "c"))):
        write(source / image.format(split, key), picture(*SIZE, seed=number))
        if split != "test":
            write(source / mask.format(split, key), in_colors(ids_of(number)))
    (source / "classes.txt").write_text(TEXT)
    assert run_import("rgb", source, out) == 0
    assert "left out, folder of a split without masks: 1 (test)" in capsys.readouterr().out
    for pattern in (image, mask):
        write(source / pattern.format("validation", "d"), in_colors(ids_of(0)))
    assert run_import("rgb", source, out.with_name("b")) == 2
    told = capsys.readouterr().err
    assert "val and validation both mean the split val. Join or rename them." in told
    assert not out.with_name("b").exists()


def test_folders_may_be_named(source, out, capsys):
    rgb(source, "photographs/{}.png", "truth/{}.png")
    folders = ("--images", source / "photographs", "--masks", source / "truth", "--val", "0")
    assert run_import("rgb", source, out, *folders) == 0
    assert run_import("rgb", source, out.with_name("b"), *folders[:2]) == 2
    assert "--images and --masks go together" in capsys.readouterr().err
    assert run_import("rgb", source, out.with_name("b")) == 2
    assert "holds no folders of images and masks: expected" in capsys.readouterr().err


def test_without_class_file_or_with_a_number(source, out, capsys):
    rgb(source)
    assert run_import("rgb", source, out, "--classes", "3") == 2
    assert "--classes 3 gives no colours" in capsys.readouterr().err
    (source / "classes.txt").rename(source / "mine.txt")
    assert run_import("rgb", source, out) == 2
    assert "has no class file (classes.txt, label_colors.txt" in capsys.readouterr().err
    assert run_import("rgb", source, out, "--classes", source / "mine.txt") == 0


def test_unknown_colours_are_counted_and_named_over_all_masks(source, out, capsys):
    rgb(source)
    for key, color, number in (("a", (9, 9, 9), 5), ("c", (10, 20, 30), 3)):
        pixels = np.array(Image.open(source / f"masks/{key}.png"))
        pixels.reshape(-1, 3)[20 : 20 + number] = color
        write(source / f"masks/{key}.png", pixels)
    assert run_import("rgb", source, out) == 2
    told = capsys.readouterr().err
    assert "2 of 3 masks, first " in told
    assert "hold 2 colours that classes.txt does not have, by their pixels: (9, 9, 9) 5, (10, 20, 30) 3." in told
    assert "(as `void R G B` if they are to be ignored), or say --unknown-colors void or near." in told
    assert run_import("rgb", source, out, "--unknown-colors", "void", "--val", "0") == 0
    expected = ids_of(0).ravel()
    expected[20:25] = 255
    np.testing.assert_array_equal(label(out, "a").ravel(), expected)
    assert "unknown colours: void." in capsys.readouterr().out


def test_jpeg_masks_are_refused_or_taken_near(source, out, capsys):
    size = (48, 64)
    ids = ids_of(0, size=(12, 16)).repeat(4, axis=0).repeat(4, axis=1)
    write(source / "images/a.png", picture(*size))
    write(source / "masks/a.jpg", in_colors(ids), quality=90)
    (source / "classes.txt").write_text(TEXT)
    assert run_import("rgb", source, out) == 2
    assert "JPEG does not keep colours: get the masks as PNG" in capsys.readouterr().err
    assert run_import("rgb", source, out, "--unknown-colors", "near", "--val", "0") == 0
    assert (label(out, "a") == ids).mean() > 0.97
    write(source / "masks/a.jpg", ids)
    assert run_import("rgb", source, out.with_name("b")) == 2
    assert "a.jpg is a grey JPEG file, which keeps neither colours nor ids" in capsys.readouterr().err


def test_colours_near_to_none_are_refused(source, out, capsys):
    rgb(source, keys="a")
    write(source / "masks/a.png", np.full((*SIZE, 3), 250, np.uint8))
    assert run_import("rgb", source, out, "--unknown-colors", "near") == 2
    assert "holds mostly colours that are near to no class's" in capsys.readouterr().err


def test_what_has_no_partner_is_counted(source, out, capsys):
    rgb(source)
    write(source / "images/d.png", picture(*SIZE))
    (source / "images/c.png").unlink()
    assert run_import("rgb", source, out, "--val", "0") == 0
    told = capsys.readouterr().out
    assert "left out, image without mask: 1 (d)" in told
    assert "left out, mask without image: 1 (c)" in told
    assert len(files(out)) == 5
    for path in (source / "images").iterdir():
        path.unlink()
    assert run_import("rgb", source, out.with_name("b")) == 2
    assert "no image has a mask of the same name" in capsys.readouterr().err


def test_a_damaged_mask_may_be_skipped(source, out, capsys):
    rgb(source)
    (source / "masks/b.png").write_bytes(b"no mask")
    assert run_import("rgb", source, out) == 2
    assert "b.png cannot be read as an image" in capsys.readouterr().err
    assert run_import("rgb", source, out, "--on-error", "skip", "--val", "0") == 0
    assert [name for name in files(out) if "labels" in name] == ["labels/a.png", "labels/c.png"]


def test_real_camvid_in_colours(shared, source, out):
    root = shared / "data" / "camvid" / "val"
    table = np.array([(i % 3 * 100, i // 3 * 60, 40 + i) for i in range(12)], np.uint8)
    keys = sorted(path.stem for path in (root / "images").iterdir())[::10]
    (source / "images").mkdir()
    for key in keys:
        (image,) = (root / "images").glob(f"{key}.*")
        (source / "images" / image.name).write_bytes(image.read_bytes())
        write(source / "masks" / f"{key}_L.png", table[np.array(Image.open(root / "labels" / f"{key}.png"))])
    lines = [f"{r} {g} {b} {'Void' if i == 11 else f'class {i}'}\n" for i, (r, g, b) in enumerate(table.tolist())]
    (source / "label_colors.txt").write_text("".join(lines))
    assert run_import("rgb", source, out, "--val", "0") == 0
    for key in keys:
        ids = np.array(Image.open(root / "labels" / f"{key}.png"))
        np.testing.assert_array_equal(label(out, key), np.where(ids == 11, 255, ids))


@pytest.mark.parametrize("kind", ["plain", "colored", "background"])
def test_datumaros_camvid(source, out, tmp_path, kind):
    """Datumaro names no colours where the set has none, and paints VOC's; black is what no shape covers."""
    unpacked("datumaro", f"camvid_{kind}", source)
    maps = unpacked("datumaro", "label_maps", tmp_path / "maps")
    assert run_import("auto", source, out) in (0, 1)
    assert names(out) == ["background", "road", "car", "sky"]
    for split, key in (("train", "street_1"), ("train", "deep_street_2"), ("val", "street_3")):
        with Image.open(maps / f"{key.replace('deep_', 'deep/')}.png") as ids:
            np.testing.assert_array_equal(label(out, key, split), np.array(ids))
    if kind == "colored":
        assert run_import("rgb", source, out.with_name("void"), "--unlabelled", "void") in (0, 1)
        assert names(out.with_name("void")) == ["road", "car", "sky"]
