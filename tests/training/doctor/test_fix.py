"""`fcn-doctor --fix`: the copy passes the doctor for every fault, and the original is never touched."""

import csv
import json
import shutil

import cv2
import numpy as np
import pytest

from fcn_keras.datasets.folder import Folder
from fcn_keras.visualize import palette
from tests.training.faulty import (
    change,
    clean,
    copy_tree,
    luma_cut_off,
    luma_rounded,
    masks,
    pixels,
    turned_by_exif,
    voc_colors,
    write,
)
from tests.training.tiny import picture, snapshot
from training.doctor.command import main
from training.doctor.examination import examination, examine
from training.doctor.fix import fix
from training.hold_out import THRESHOLD, divide
from training.recipes import readers


def fixed(data, *, read_as=(), **options):
    """Fix a data set, see that the copy passes and the original is as it was; return the copy and what was done."""
    before, out = snapshot(data), data.with_name("fixed")
    seen = examination(data, **options)
    assert seen.report.errors
    result = fix(seen, out, read_as=read_as)
    assert snapshot(data) == before
    after = examine(out, classes=result.classes, ignore_label=result.ignore_label)
    assert after.errors == ()
    reader = {"classes": result.classes or out / "classes.txt", "ignore_label": result.ignore_label}
    for split in after.images:
        Folder(out, None if split == "all" else split, **reader).verify()
    return out, result


def same_masks(out, origin, paths=None):
    for path in paths or masks(origin):
        np.testing.assert_array_equal(pixels(out / path.relative_to(origin)), pixels(path))


def same_bytes(out, data, *, but=()):
    """Everything but some files is in the copy, byte for byte."""
    for path in data.rglob("*"):
        if path.is_file() and path not in but:
            assert (out / path.relative_to(data)).read_bytes() == path.read_bytes()


def test_rgb_masks_become_ids(data, origin):
    change(masks(data, "train"), voc_colors)
    out, result = fixed(data)
    same_masks(out, origin)
    same_bytes(out, data, but=masks(data, "train"))
    assert result.written == {"mask-is-rgb": 6}


def test_rgb_masks_of_equal_channels_become_ids(data, origin):
    change(masks(data)[:3], lambda ids: np.repeat(ids[..., None], 3, axis=2))
    same_masks(fixed(data)[0], origin)


def test_rgb_masks_in_unknown_colors_are_left_out(data):
    change(masks(data)[:1], lambda ids: np.stack([ids * 7, ids * 3, 200 - ids], axis=-1).astype(np.uint8))
    out, result = fixed(data)
    assert result.left_out == {"in colours that stand for no class": ["0"]}
    assert not (out / "train" / "images" / "0.png").exists()
    assert not (out / "train" / "labels" / "0.png").exists()


def test_borders_of_unknown_colors_follow_their_neighbours(data, origin):
    lines = [f"{name} {r} {g} {b}\n" for name, (r, g, b) in zip("abcdefgh", palette(8).tolist(), strict=True)]
    (data / "classes.txt").write_text("".join([*lines, "void 224 224 192\n"]))
    change(masks(data), voc_colors)
    path = masks(data)[0]
    colors = pixels(path)
    colors[10:13, 10:13] = (1, 2, 3)
    colors[8:15, 8:15][[0, -1]] = colors[8, 8]
    truth = pixels(origin / path.relative_to(data))
    write(path, colors)
    out, _ = fixed(data)
    away = np.ones(truth.shape, bool)
    away[8:15, 8:15] = False
    np.testing.assert_array_equal(pixels(out / path.relative_to(data))[away], truth[away])


@pytest.mark.parametrize("grey", [luma_rounded, luma_cut_off])
def test_luma_goes_back_to_ids(data, origin, grey):
    change(masks(data), grey)
    same_masks(fixed(data)[0], origin)


def test_ambiguous_luma_becomes_void(data, origin):
    # Pillow makes 38 of class 1 and of class 16, 113 of 3 and of 18.
    change(masks(data), luma_rounded)
    out, result = fixed(data, classes=21)
    for path in masks(origin):
        truth = pixels(path)
        expected = np.where(np.isin(truth, (1, 3)), 255, truth)
        np.testing.assert_array_equal(pixels(out / path.relative_to(origin)), expected)
    assert result.classes == 21


def test_foreground_of_255_becomes_1(data):
    change(masks(data), lambda ids: np.where(ids > 2, 255, 0).astype(np.uint8))
    out, result = fixed(data, classes=2)
    for path in masks(data):
        np.testing.assert_array_equal(pixels(out / path.relative_to(data)), pixels(path) // 255)
    assert result.classes == 2


@pytest.mark.parametrize("options", [{}, {"ignore_label": 0}], ids=["void 255", "void 0"])
def test_one_is_subtracted(data, origin, options):
    void = options.get("ignore_label", 255)
    change(masks(data), lambda ids: np.where(ids == 255, void, ids + 1).astype(np.uint8))
    out, result = fixed(data, **options)
    same_masks(out, origin)
    assert result.ignore_label == 255


def test_ids_out_of_range_become_void(data, origin):
    change(masks(data)[:2], lambda ids: np.where(ids == 255, 8, ids).astype(np.uint8))
    same_masks(fixed(data, read_as=["last-void"])[0], origin)


def test_strays_become_void_and_what_changed_is_listed(data):
    change(masks(data)[:1], lambda ids: np.where(ids == 1, 77, ids).astype(np.uint8))
    had = pixels(masks(data)[0])
    out, result = fixed(data)
    np.testing.assert_array_equal(pixels(out / "train/labels/0.png"), np.where(had == 77, 255, had))
    rows = list(csv.reader((out / "changes.csv").open()))
    assert rows == [["file", "what", "ids"], ["train/labels/0.png", "ids-out-of-range", "77 -> 255 (1,002 pixels)"]]
    assert result.changes == [tuple(rows[1])]
    assert examine(out).left_alone == {}


def by_zero(ids):
    """Give 0 to what is void, and 1 to 8 to the classes."""
    return np.where(ids == 255, 0, ids + 1).astype(np.uint8)


def test_nothing_is_guessed_where_two_readings_fit(data, origin, tmp_path, capsys):
    change(masks(data), lambda ids: by_zero(ids))
    out = tmp_path / "out"
    assert main([str(data), "--fix", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "0 is unlabelled, 1 to 8 are the classes" in line
    assert "8 is void (last-void)" in line
    assert "Say --read-as zero-void or --read-as last-void or --read-as zero-background. Nothing was written." in line
    assert not out.exists()
    assert main([str(data), "--fix", str(out), "--read-as", "zero-void", "--read-as", "last-void"]) == 2
    assert main([str(data), "--fix", str(out), "--read-as", "from-one"]) == 2
    assert main([str(data), "--read-as", "zero-void"]) == 2
    assert "--read-as goes with --fix OUT" in capsys.readouterr().err
    assert not out.exists()
    out, result = fixed(data, read_as=["zero-void"])
    same_masks(out, origin)
    assert len(result.changes) == 10
    assert result.changes[0][2].startswith("3 -> 2 (1,765 pixels); 1 -> 0 (1,242 pixels)")
    assert "; 0 -> 255 (316 pixels);" in result.changes[0][2]


def test_zero_may_be_a_background_that_is_not_named(data, origin):
    change(masks(data), lambda ids: by_zero(ids))
    out, result = fixed(data, read_as=["zero-background"])
    same_masks(out, data)
    names = (data / "classes.txt").read_text()
    assert (out / "classes.txt").read_text() == f"background\n{names}"
    assert result.changes == [("classes.txt", "background put first", "")]


def test_one_class_name_for_masks_of_0_and_1(data, capsys):
    (data / "classes.txt").write_text("crack\n")
    change(masks(data), lambda ids: (ids > 2).astype(np.uint8))
    assert main([str(data)]) == 1
    assert "put background first in the class file" in " ".join(capsys.readouterr().out.split())
    out, _ = fixed(data, read_as=["zero-background"])
    assert Folder(out, "train").class_names == ("background", "crack")
    same_masks(out, data)


def test_one_class_name_for_masks_of_0_and_255(data, tmp_path):
    (data / "classes.txt").write_text("crack\n")
    change(masks(data), lambda ids: np.where(ids > 2, 255, 0).astype(np.uint8))
    with pytest.raises(ValueError, match=r"becomes 1, and 0 a background, .* --read-as void-255"):
        fix(examination(data), tmp_path / "out")
    out, _ = fixed(data, read_as=["foreground-255"])
    assert Folder(out, "train").class_names == ("background", "crack")
    for path in masks(data):
        np.testing.assert_array_equal(pixels(out / path.relative_to(data)), pixels(path) // 255)


def test_ids_that_were_multiplied_to_be_seen(data, origin, tmp_path):
    change(masks(data), lambda ids: np.where(ids == 255, 255, 31 * ids).astype(np.uint8))
    with pytest.raises(ValueError, match=r"multiplied by 31, .* Say --read-as multiples or --read-as others-void"):
        fix(examination(data), tmp_path / "out")
    out, result = fixed(data, read_as=["multiples"])
    same_masks(out, origin)
    assert result.changes[0][2].startswith("62 -> 2 (1,765 pixels); 31 -> 1 (1,002 pixels)")


def test_classes_that_the_file_lacks(data, tmp_path):
    (data / "classes.txt").write_text("a\nb\nc\n")
    with pytest.raises(ValueError, match=r"3, 4, 5, 6, 7 are void.* Say --read-as others-void"):
        fix(examination(data), tmp_path / "out")
    out, _ = fixed(data, read_as=["others-void"])
    for path in masks(data):
        had = pixels(path)
        np.testing.assert_array_equal(pixels(out / path.relative_to(data)), np.where(had > 2, 255, had))


def test_ids_from_one_of_classes_that_nobody_counted(data, tmp_path):
    (data / "classes.txt").unlink()
    change(masks(data), lambda ids: np.where(ids == 255, 255, ids + 1).astype(np.uint8))
    with pytest.raises(ValueError, match=r"the ids begin at 1.* or there is a class 0, which no mask shows"):
        fix(examination(data), tmp_path / "out")
    assert fixed(data, read_as=["from-one"])[1].classes == 8
    shutil.rmtree(data.with_name("fixed"))
    out, result = fixed(data, read_as=["zero-absent"])
    assert result.classes == 9
    same_masks(out, data)


def test_two_different_files_of_one_id(data, tmp_path):
    write(data / "val" / "labels" / "2.bmp", 0 * pixels(data / "val" / "labels" / "2.png"))
    with pytest.raises(ValueError, match=r"Perhaps of two files .*the first .* Say --read-as first-file"):
        fix(examination(data), tmp_path / "out")
    out, result = fixed(data, read_as=["first-file"])
    assert not pixels(out / "val" / "labels" / "2.bmp").any()
    assert result.changes == [("val/labels/2.png", "left out: second file of its id", "")]


def test_mixed_ids_become_true_ones(tmp_path):
    data = clean(tmp_path / "data", height=120, width=168)
    truth = {path: pixels(path) for path in masks(data)}
    size = (210, 150)
    for path, ids in truth.items():
        write(path, cv2.resize(ids, size, interpolation=cv2.INTER_LINEAR))
        image = data / path.parent.parent.name / "images" / path.name
        write(image, cv2.resize(pixels(image), size, interpolation=cv2.INTER_LINEAR))
    out, result = fixed(data)
    assert result.written["mask-resized-smoothly"] == 10
    for path, ids in truth.items():
        nearest = cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST)
        counted = nearest != 255  # the void rim is one pixel wide and gets lost
        right = pixels(out / path.relative_to(data)) == nearest
        wrong_before = (pixels(path) != nearest)[counted].mean()
        assert (~right)[counted].mean() < 0.5 * wrong_before


def test_jpeg_masks_become_png(data):
    path = masks(data)[0]
    write(path.with_suffix(".jpg"), cv2.resize(pixels(path), (84, 60), interpolation=cv2.INTER_NEAREST), quality=95)
    path.unlink()
    out, _ = fixed(data)
    assert (out / "train" / "labels" / "0.png").exists()
    assert not (out / "train" / "labels" / "0.jpg").exists()


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_exif_is_dropped_where_masks_fit_the_unturned_pixels(data, origin, suffix):
    path = data / "train" / "images" / "1.png"
    image = pixels(path)
    path.unlink()
    turned_by_exif(path.with_suffix(suffix), 6, image)
    unturned = pixels(path.with_suffix(suffix))
    out, _ = fixed(data)
    written = Folder(out, "train")[1]["image"]
    assert np.abs(written.astype(int) - unturned).mean() < (1 if suffix == ".jpg" else 1e-9)
    same_masks(out, origin)


def test_pixels_are_turned_where_masks_fit_the_turned_ones(data, tmp_path):
    path = data / "train" / "images" / "1.png"
    image = pixels(path)
    turned_by_exif(path, 6, np.rot90(image).copy())  # 6: turn by 90 degrees clockwise to see it upright
    seen = examination(data)
    fix(seen, tmp_path / "out")
    np.testing.assert_array_equal(pixels(tmp_path / "out" / "train" / "images" / "1.png"), image)
    assert examine(tmp_path / "out").findings == ()


def test_masks_of_the_same_shape_are_resized_and_others_left_out(data):
    first, second = masks(data)[:2]
    small = pixels(first)[::2, ::2]
    write(first, small)
    write(second, pixels(second)[:, :60])
    out, result = fixed(data)
    np.testing.assert_array_equal(pixels(out / "train" / "labels" / "0.png"), small.repeat(2, axis=0).repeat(2, axis=1))
    assert result.left_out == {"image and mask of different shape": ["1"]}


def test_what_lacks_a_part_is_left_out(data):
    (data / "train" / "images" / "0.png").write_bytes(b"no picture")
    masks(data)[1].write_bytes(b"no mask")
    (data / "train" / "images" / "2.png").unlink()
    (data / "train" / "labels" / "3.png").unlink()
    write(data / "val" / "images" / "2.bmp", pixels(data / "val" / "images" / "2.png"))
    out, result = fixed(data)
    assert result.left_out == {
        "image unreadable": ["0"],
        "mask unreadable": ["1"],
        "mask without image": ["2"],
        "image without mask": ["3"],
    }
    assert sorted(path.name for path in (out / "train" / "images").iterdir()) == ["4.png", "5.png"]


@pytest.mark.parametrize("mirrored", [False, True])
def test_duplicates_leave_the_training_split(data, mirrored):
    image = pixels(data / "val" / "images" / "3.png")
    write(data / "train" / "images" / "2.png", np.ascontiguousarray(image[:, ::-1]) if mirrored else image)
    out, result = fixed(data)
    assert result.left_out == {"also in another split (from train)": ["2"]}
    assert not (out / "train" / "labels" / "2.png").exists()
    assert (out / "val" / "images" / "3.png").exists()


def test_lists_are_corrected(data, tmp_path):
    flat = tmp_path / "flat"
    for kind in ("images", "labels"):
        copy_tree(data / "train" / kind, flat / kind)
    (flat / "classes.txt").write_bytes((data / "classes.txt").read_bytes())
    (flat / "train.txt").write_text("0.png\n1\n2\n2\ngone\n5\n")
    (flat / "val.txt").write_text("3\n4\n5\n")
    out, result = fixed(flat)
    assert (out / "train.txt").read_text() == "0\n1\n2\n"
    assert (out / "val.txt").read_bytes() == (flat / "val.txt").read_bytes()
    assert (out / "images" / "5.png").exists()
    assert result.left_out == {
        "neither image nor mask": ["gone"],
        "also in another split (from train)": ["5"],
    }


def test_command_says_what_it_did(data, tmp_path, capsys):
    change(masks(data), lambda ids: np.where(ids == 255, 255, ids + 1).astype(np.uint8))
    out = tmp_path / "out"
    out.mkdir()
    assert main([str(data), "--fix", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "ids-off-by-one: 10" in printed
    assert "The copy has no errors, no notes." in printed
    assert main([str(data), "--fix", str(tmp_path / "again"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["fix"]["written"] == {"ids-off-by-one": 10}
    assert report["fix"]["findings"] == []


def test_linked_folders_are_copied_too(data, tmp_path):
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "train").symlink_to(data / "train")
    (linked / "val").symlink_to(data / "val")
    (linked / "train" / "again").symlink_to(linked)
    change(masks(data, "val")[:1], voc_colors)
    fix(examination(linked, classes=8), tmp_path / "out")
    assert len(masks(tmp_path / "out")) == 10
    assert examine(tmp_path / "out", classes=8).findings == ()


def test_where_the_copy_may_lie(data, tmp_path, capsys):
    for out, message in ((data / "fixed", "lies in the data set itself"), (data.parent, "is not empty")):
        assert main([str(data), "--fix", str(out)]) == 2
        assert message in capsys.readouterr().err
    for path in data.glob("*/images/*"):
        path.write_bytes(b"no picture")
    assert main([str(data), "--fix", str(tmp_path / "out")]) == 2
    assert "no pair of" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def undivided(folder, number=12):
    for index in range(number):
        write(folder / "images" / f"{index}.png", picture(20, 24, seed=index))
        write(folder / "labels" / f"{index}.png", np.full((20, 24), index % 2, np.uint8))
    (folder / "classes.txt").write_text("a\nb\n")
    return folder


def test_fix_divides_a_copy(source, out, capsys):
    before = snapshot(undivided(source))
    assert main([str(source), "--fix", str(out), "--val", "0.3"]) == 0
    assert snapshot(source) == before
    chosen = divide(map(str, range(12)), 0.3)
    assert set((out / "val.txt").read_text().split()) == chosen
    assert len(Folder(out, "train")) + len(Folder(out, "val")) == 12
    assert f"in val.txt: {len(chosen)}" in capsys.readouterr().out


def test_fix_keeps_near_duplicates_in_one_part(source, out, capsys):
    """Images 3 to 6 are one of those of 12 that go to either part alone."""
    undivided(source)
    alone = divide(map(str, range(12)), 0.4)
    assert 0 < len(alone & set("3456")) < 4
    for number in "456":
        (source / "images" / f"{number}.png").write_bytes((source / "images" / "3.png").read_bytes())
    assert main([str(source), "--fix", str(out), "--val", "0.4"]) == 0
    val = set((out / "val.txt").read_text().split())
    assert val == divide(map(str, range(12)), 0.4, together=["3456"])
    assert len(val & set("3456")) in (0, 4)
    assert "Mind" not in capsys.readouterr().out
    assert examine(out).errors == ()


def test_fix_warns_of_a_film(source, out, capsys):
    undivided(source)
    for number in range(1, 7):
        (source / "images" / f"{number}.png").write_bytes((source / "images" / "0.png").read_bytes())
    main([str(source), "--fix", str(out), "--val", "0.4"])
    assert "Mind: 7 of 12 images are near-duplicates" in capsys.readouterr().out
    assert set((out / "val.txt").read_text().split()) == divide(map(str, range(12)), 0.4)


def test_fix_leaves_out_of_the_lists_what_it_leaves_out(source, out):
    undivided(source)
    (source / "labels/3.png").write_bytes(b"no mask")
    assert main([str(source), "--fix", str(out), "--val", "0.3"]) == 0
    listed = (out / "train.txt").read_text().split() + (out / "val.txt").read_text().split()
    assert sorted(listed, key=int) == [str(n) for n in range(12) if n != 3]


def test_fix_divides_no_single_pair(source, out, capsys):
    undivided(source, 1)
    assert main([str(source), "--fix", str(out), "--val", "0.3"]) == 2
    assert "holds but one pair that can be used" in capsys.readouterr().err
    assert not out.exists()


def test_fix_divides_nothing_twice(source, out, capsys):
    undivided(source)
    (source / "train.txt").write_text("0\n1\n")
    assert main([str(source), "--fix", str(out), "--val", "0.3"]) == 2
    assert "is divided already: train." in capsys.readouterr().err
    assert not out.exists()


def test_who_validated_before_a_fix_and_its_division_validates_after(source, out):
    """`fcn-train` holds images out of a folder; `--fix --val` divides a copy, to which images were added."""
    before = readers.folder(undivided(source, 30), "val", held_out=0.2, held_out_by=THRESHOLD).ids
    (source / "labels/3.png").write_bytes(b"no mask")
    undivided(source, 40)
    (source / "labels/5.png").unlink()
    assert main([str(source), "--fix", str(out), "--val", "0.2"]) == 0
    train, val = (set((out / f"{split}.txt").read_text().split()) for split in ("train", "val"))
    assert 1 < len(before) < 15
    assert set(before) - {"5"} <= val
    assert not set(before) & train
    assert len(train) + len(val) == 39
