"""`fcn-doctor --import voc` and `--import rgb`: layouts, class files of several tools, unknown colours, real data."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.voc_sbd import CLASSES
from fcn_keras.visualize import colorize, palette
from tests.training.imported import files, label, names, run_import
from tests.training.tiny import picture, write
from training.annotations.class_colors import Colors, read_colors

SIZE = (12, 16)
ROAD, SKY, CAR = (128, 64, 128), (128, 128, 128), (64, 0, 128)
TEXT = "road 128 64 128\nsky 128 128 128\ncar 64 0 128\nvoid 0 0 0\n"


def ids_of(number, classes=3, size=SIZE):
    """Draw blocks of ids and some void."""
    coarse = np.random.default_rng(number).integers(0, classes, (size[0] // 4, size[1] // 4)).astype(np.uint8)
    ids = coarse.repeat(4, axis=0).repeat(4, axis=1)
    ids[0, :3] = 255
    return ids


def in_colors(ids, colors=(ROAD, SKY, CAR)):
    table = np.zeros((256, 3), np.uint8)
    table[: len(colors)] = colors
    return table[ids]


def palette_png(path, ids):
    image = Image.fromarray(ids)
    image.putpalette(palette().astype(np.uint8).tobytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


# ---- voc


def voc(root, keys, lists=None, masks="SegmentationClass"):
    for number, key in enumerate(keys):
        write(root / "JPEGImages" / f"{key}.jpg", picture(*SIZE, seed=number), quality=95)
        palette_png(root / masks / f"{key}.png", ids_of(number))
    for name, members in (lists or {}).items():
        path = root / "ImageSets" / "Segmentation" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{key}\n" for key in members))
    return root


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


def splits_of(out):
    return {split: {path.stem for path in (out / split / "images").iterdir()} for split in ("train", "val")}


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
        ("colour", "a.png holds the colour (7, 7, 7) at (y, x) = (0, 0), which no class has"),
        ("id", "a.png holds [70], and 21 classes have the ids 0 to 20"),
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


# ---- rgb


def rgb(source, image="images/{}.png", mask="masks/{}.png", keys="abc", text=TEXT):
    for number, key in enumerate(keys):
        write(source / image.format(key), picture(*SIZE, seed=number))
        write(source / mask.format(key), in_colors(ids_of(number)))
    (source / "classes.txt").write_text(text)
    return source


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
@pytest.mark.parametrize("second", ["val", "valid"])
def test_divided_layouts(source, out, image, mask, second):
    for number, (split, key) in enumerate((("train", "a"), (second, "b"))):
        write(source / image.format(split, key), picture(*SIZE, seed=number))
        write(source / mask.format(split, key), in_colors(ids_of(number)))
    (source / "classes.txt").write_text(TEXT)
    assert run_import("rgb", source, out) == 0
    np.testing.assert_array_equal(label(out, "a", "train"), ids_of(0))
    np.testing.assert_array_equal(label(out, "b", "val"), ids_of(1))


def test_folders_may_be_named(source, out, capsys):
    rgb(source, "photographs/{}.png", "truth/{}.png")
    folders = ("--images", source / "photographs", "--masks", source / "truth", "--val", "0")
    assert run_import("rgb", source, out, *folders) == 0
    assert run_import("rgb", source, out.with_name("b"), *folders[:2]) == 2
    assert "--images and --masks go together" in capsys.readouterr().err
    assert run_import("rgb", source, out.with_name("b")) == 2
    assert "holds no folders of images and masks: expected" in capsys.readouterr().err


FILES = {
    "name first": TEXT,
    "CamVid": "128 64 128\t\troad\n128 128 128\tsky\n64 0 128\tcar\n0 0 0\t\tVoid\n",
    "csv": "name,r,g,b\nroad,128,64,128\nsky,128,128,128\ncar, 64, 0, 128\nVoid,0,0,0\n",
    "CVAT": "# label:color_rgb:parts:actions\nroad:128,64,128::\nsky:128,128,128::\ncar:64,0,128::\nvoid:0,0,0::\n",
    "comments": "# mine\n\nroad 128 64 128 # grey\nsky 128 128 128\ncar 64 0 128\nvoid 0 0 0\n",
}


@pytest.mark.parametrize("kind", FILES)
def test_class_files(tmp_path, kind):
    (tmp_path / "c").write_text(FILES[kind])
    colors = read_colors(tmp_path / "c")
    assert colors.names == ("road", "sky", "car")
    found, known = colors.translate(np.array([[ROAD, SKY, CAR, (0, 0, 0), (1, 2, 3)]], np.uint8))
    assert found.tolist() == [[0, 1, 2, 255, 255]]
    assert known.tolist() == [[True, True, True, True, False]]


def test_several_colours_of_one_name_are_one_class(tmp_path):
    (tmp_path / "c").write_text("road 1 1 1\nlane marking 2 2 2\nroad 3 3 3\n")
    colors = read_colors(tmp_path / "c")
    assert colors.names == ("road", "lane marking")
    assert colors.translate(np.array([[(1, 1, 1), (2, 2, 2), (3, 3, 3)]], np.uint8))[0].tolist() == [[0, 1, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("road 128 64 256\n", ":1 has the colour (128, 64, 256)"),
        ("road 1 2 3\nsky 1 2 3\n", ":2 gives the colour (1, 2, 3) a second time"),
        ("road 1 2 3\nsky\n", ":2 has no colour, other lines have"),
        ("void 1 2 3\n", "names no class but void"),
        ("road\n", "gives no colours"),
        ("", "gives no colours"),
        ("\xff", "is not a readable class file"),
    ],
)
def test_class_files_that_are_wrong(source, out, capsys, text, message):
    rgb(source)
    (source / "classes.txt").write_text(text, encoding="latin-1")
    assert run_import("rgb", source, out) == 2
    assert message in capsys.readouterr().err


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


def test_nearest_prefers_exact_colours():
    colors = Colors([("a", (0, 0, 0)), ("b", (10, 0, 0)), ("c", (20, 0, 0))])
    pixels = np.array([[(0, 0, 0), (4, 0, 0), (6, 1, 0), (10, 0, 0), (19, 2, 0)]], np.uint8)
    assert colors.nearest(pixels, "").tolist() == [[0, 0, 1, 1, 2]]


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
