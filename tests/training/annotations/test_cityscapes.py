"""`fcn-doctor --import cityscapes`: masks of ids, train ids and colours, KITTI's, and those that Datumaro writes."""

import numpy as np
import pytest
from PIL import Image

from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import SIZE, files, label, names, run_import
from tests.training.tiny import picture, write
from training.annotations.cityscapes import LABELS

TRAINED = [name for _, name, train, _ in LABELS if train != 255]


def frames(
    source, ids, mask="gtFine/{}/ulm/ulm_0{}_gtFine_labelIds.png", photo="leftImg8bit/{}/ulm/ulm_0{}_leftImg8bit.png"
):
    for number, split in enumerate(("train", "val")):
        write(source / photo.format(split, number), picture(*ids.shape, seed=number))
        write(source / mask.format(split, number), ids)


def every_id():
    return np.arange(34, dtype=np.uint8).reshape(2, 17)


def truth(name):
    """Return the label maps that Datumaro draws of the same shapes, 0 for what no shape covers."""
    with Image.open(name) as mask:
        return np.array(mask)


def compared(out, tmp_path, expected=lambda ids: ids):
    """Compare everything that was written with Datumaro's own label maps."""
    maps = unpacked("datumaro", "label_maps", tmp_path / "maps")
    for split, key in (("train", "street_1"), ("train", "deep_street_2"), ("val", "street_3")):
        ids = truth(maps / f"{key.replace('deep_', 'deep/')}.png")
        assert len(np.unique(ids)) == 4
        np.testing.assert_array_equal(label(out, key, split), expected(ids))


def test_ids_become_the_classes_that_are_scored(source, out, capsys):
    frames(source, every_id())
    assert run_import("cityscapes", source, out) in (0, 1)
    assert names(out) == TRAINED
    assert len(TRAINED) == 19
    expected = np.full(34, 255)
    expected[[7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]] = np.arange(19)
    np.testing.assert_array_equal(label(out, "ulm/ulm_01", "val"), expected.reshape(2, 17))
    assert "classes: Cityscapes' 19 that are scored (--label-ids)" in capsys.readouterr().out


def test_all_classes(source, out):
    frames(source, every_id())
    assert run_import("cityscapes", source, out, "--label-ids", "all") in (0, 1)
    assert len(names(out)) == 30
    np.testing.assert_array_equal(label(out, "ulm/ulm_00", "train").ravel(), [255] * 4 + list(range(30)))


def test_train_ids(source, out, capsys):
    ids = np.array([[0, 18, 255, 5]], np.uint8).repeat(4, axis=0)
    frames(source, ids, mask="gtFine/{}/ulm/ulm_0{}_gtFine_labelTrainIds.png")
    assert run_import("cityscapes", source, out) in (0, 1)
    np.testing.assert_array_equal(label(out, "ulm/ulm_00", "train"), ids)
    assert names(out) == TRAINED
    assert run_import("cityscapes", source, out.with_name("again"), "--label-ids", "all") == 2
    assert "_labelTrainIds, which hold 19 classes" in capsys.readouterr().err


def test_colours_alone(source, out, capsys):
    colors = np.array([[color for *_, color in LABELS] + [(0, 0, 0)]], np.uint8)
    frames(source, colors[..., 0], mask="gtFine/{}/ulm/ulm_0{}_gtFine_color.png")
    for path in source.rglob("*_color.png"):
        write(path, colors)
    assert run_import("cityscapes", source, out) in (0, 1)
    expected = [train for _, _, train, _ in LABELS] + [255]
    expected[[name for _, name, _, _ in LABELS].index("polegroup")] = 5  # of pole's colour
    np.testing.assert_array_equal(label(out, "ulm/ulm_00", "train")[0], expected)
    assert "colours do not tell polegroup from pole" in capsys.readouterr().out


def test_fine_before_coarse_and_what_is_left_out(source, out, capsys):
    frames(source, np.full((4, 4), 7, np.uint8))
    frames(source, np.full((4, 4), 26, np.uint8), mask="gtCoarse/{}/ulm/ulm_0{}_gtCoarse_labelIds.png")
    write(source / "leftImg8bit/val/ulm/ulm_09_leftImg8bit.png", picture(4, 4))
    write(source / "gtFine/val/ulm/ulm_08_gtFine_labelIds.png", np.zeros((4, 4), np.uint8))
    write(source / "gtFine/val/ulm/ulm_01_gtFine_instanceIds.png", np.zeros((4, 4), np.uint8))
    (source / "license.txt").write_text("")
    assert run_import("cityscapes", source, out) in (0, 1)
    assert (label(out, "ulm/ulm_01", "val") == 0).all()
    told = capsys.readouterr().out
    assert "left out, image without mask: 1 (val/ulm/ulm_09)" in told
    assert "left out, mask without image: 1 (val/ulm/ulm_08)" in told
    assert "left out, file of no known use: 1 (license.txt)" in told


def test_images_in_a_folder_of_their_own(source, out):
    frames(source / "gt", every_id(), photo="../left/leftImg8bit/{}/ulm/ulm_0{}_leftImg8bit.png")
    assert run_import("cityscapes", source / "gt", out, "--images", source / "left") in (0, 1)
    assert "val/images/ulm/ulm_01.png" in files(out)


def test_kitti(source, out):
    for number in range(2):
        write(source / f"training/image_2/00000{number}_10.png", picture(2, 17, seed=number))
        write(source / f"training/semantic/00000{number}_10.png", every_id())
        write(source / f"testing/image_2/00000{number}_10.png", picture(2, 17, seed=9))
    assert run_import("auto", source, out, "--val", "0") in (0, 1)
    assert label(out, "000001_10").ravel()[[0, 7, 26, 33]].tolist() == [255, 0, 13, 18]
    assert names(out) == TRAINED


@pytest.mark.parametrize("kind", ["plain", "colored", "background"])
def test_datumaros_cityscapes(source, out, tmp_path, kind):
    unpacked("datumaro", f"cityscapes_{kind}", source)
    assert run_import("auto", source, out) in (0, 1)
    assert names(out) == ["background", "road", "car", "sky"]
    compared(out, tmp_path)
    for path in [*source.rglob("*_labelIds.png")]:
        path.unlink()
    assert run_import("cityscapes", source, out.with_name("colors")) in (0, 1)
    compared(out.with_name("colors"), tmp_path)


@pytest.mark.parametrize("colors", [False, True])
def test_datumaros_unlabelled_pixels_as_void(source, out, tmp_path, colors):
    unpacked("datumaro", "cityscapes_plain", source)
    for path in [*source.rglob("*_labelIds.png")] if colors else []:
        path.unlink()
    assert run_import("cityscapes", source, out, "--unlabelled", "void") in (0, 1)
    assert names(out) == ["road", "car", "sky"]
    compared(out, tmp_path, lambda ids: np.where(ids == 0, 255, ids - 1))


def test_datumaros_kitti(source, out, tmp_path, capsys):
    """Datumaro merges what no shape covers with the first class where no class is background: so it is said."""
    unpacked("datumaro", "kitti_segmentation_background", source)
    assert run_import("auto", source, out) in (0, 1)
    compared(out, tmp_path)
    unpacked("datumaro", "kitti_segmentation_colored", source.with_name("merged"))
    capsys.readouterr()
    assert run_import("cityscapes", source.with_name("merged"), out.with_name("again")) in (0, 1)
    assert names(out.with_name("again")) == ["road", "car", "sky"]
    compared(out.with_name("again"), tmp_path, lambda ids: np.where(ids == 0, 0, ids - 1))
    assert "id 0: road, and what nothing covers if Datumaro wrote this" in capsys.readouterr().out


def test_what_is_none(source, out, capsys):
    write(source / "a.png", picture(*SIZE))
    assert run_import("cityscapes", source, out) == 2
    assert "holds no masks of Cityscapes' or KITTI's" in capsys.readouterr().err
    write(source / "gtFine/train/a_gtFine_labelIds.png", np.zeros(SIZE, np.uint8))
    assert run_import("cityscapes", source, out) == 2
    assert "No mask has an image" in capsys.readouterr().err
    assert run_import("cityscapes", source, out, "--classes", "4") == 2
    assert "--classes 4 gives no names" in capsys.readouterr().err
    assert run_import("cityscapes", source / "nowhere", out) == 2


@pytest.mark.parametrize("end", ["labelIds", "labelTrainIds", "color"])
def test_masks_of_cityscapes_own_scripts(source, out, tmp_path, end):
    unpacked("cityscapes", "cityscapes", source)
    kept = unpacked("cityscapes", "cityscapes", tmp_path / "kept")
    for path in [*source.rglob("*_gtFine_*.png")]:
        if not path.stem.endswith(f"_{end}"):
            path.unlink()
    assert run_import("auto", source, out) in (0, 1)
    for number, split in enumerate(("train", "val")):
        key = f"ulm/ulm_00000{number}_000019"
        trained, ids = (
            truth(kept / f"gtFine/{split}/{key}_gtFine_{name}.png") for name in ("labelTrainIds", "labelIds")
        )
        assert len(np.unique(trained)) == 20
        expected = np.where((ids == 18) & (end == "color"), 5, trained)  # polegroup has pole's colour
        np.testing.assert_array_equal(label(out, key, split), expected)
