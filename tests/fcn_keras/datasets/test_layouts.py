import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.folder import Folder
from fcn_keras.datasets.layouts import by_split, divided, find_place, folder_of, inner, lies_among_masks


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((2, 3), np.uint8)).save(folder / name)
    return folder


def test_folders_of_splits_in_any_case(tmp_path):
    touch(tmp_path, "Training/images/a.png", "Training/labels/a.png", "VALID/images/b.png", "VALID/labels/b.png")
    assert Folder(tmp_path, "train", classes=1).ids == ("a",)
    for name in ("val", "valid", "dev", "Validation", "VALID"):
        assert Folder(tmp_path, name, classes=1).ids == ("b",)
    with pytest.raises(ValueError, match=r"has no split 'test'"):
        Folder(tmp_path, "test", classes=1)


def test_splits_within_images_and_labels(tmp_path):
    touch(tmp_path, "images/train/a.png", "images/dev/x/b.png", "labels/train/a.png", "labels/Val/x/b.png")
    touch(tmp_path, "hha/train/a.png")
    assert Folder(tmp_path, "train", classes=1).ids == ("a",)
    assert Folder(tmp_path, "val", classes=1).ids == ("x/b",)
    assert find_place(tmp_path, "train").folder("hha") == tmp_path / "hha" / "train"
    assert Folder(tmp_path, None, classes=1, ids=["train/a"]).ids == ("train/a",)


def test_places_of_photographs_are_no_splits(tmp_path):
    touch(tmp_path, "images/dev/a.png", "labels/dev/a.png", "images/paris/a.png", "labels/paris/a.png")
    assert inner(tmp_path, "images", "labels") == {}
    assert find_place(tmp_path, "val") is None
    assert len(Folder(tmp_path, classes=1)) == 2


def test_two_names_of_one_split(tmp_path):
    touch(tmp_path, "valid/images/a.png", "validation/images/b.png", "train/images/c.png")
    with pytest.raises(ValueError, match=r"has valid and validation, which both mean val. Name one of them"):
        find_place(tmp_path, "val")
    assert find_place(tmp_path, "valid").root == tmp_path / "valid"
    touch(tmp_path, "val/images/d.png")
    assert find_place(tmp_path, "val").root == tmp_path / "val"


def test_lists_go_before_folders_within(tmp_path):
    touch(tmp_path, "images/train/a.png", "images/val/b.png", "labels/train/a.png", "labels/val/b.png")
    (tmp_path / "train.txt").write_text("val/b\n")
    assert Folder(tmp_path, "train", classes=1).ids == ("val/b",)


def test_own_names_where_several_mean_one():
    assert by_split(["training", "valid", "mine"]) == {"training": "train", "valid": "val", "mine": "mine"}
    assert by_split(["val", "valid", "Train"]) == {"val": "val", "valid": "valid", "Train": "train"}


@pytest.mark.parametrize("name", ["masks", "Mask", "annotations", "SegmentationClass", "ground_truth"])
def test_masks_by_another_name(name, tmp_path):
    touch(tmp_path, "train/images/a.png", f"train/{name}/a.png")
    assert Folder(tmp_path, "train", classes=1).ids == ("a",)
    assert list(divided(tmp_path, "images", "labels")) == ["train"]
    whole = touch(tmp_path / "whole", "images/a.png", f"{name}/a.png")
    (whole / "annotations.json").touch()
    assert Folder(whole, classes=1).ids == ("a",)
    assert divided(whole, "images", "labels") == {}
    inside = touch(tmp_path / "inside", "images/train/a.png", f"{name}/train/a.png")
    assert Folder(inside, "train", classes=1).ids == ("a",)


def test_labels_come_before_masks_and_two_others_are_refused(tmp_path):
    touch(tmp_path, "images/a.png", "labels/a.png", "masks/b.png")
    assert Folder(tmp_path, classes=1).ids == ("a",)
    (tmp_path / "labels").rename(tmp_path / "annotations")
    with pytest.raises(
        ValueError, match=r"annotations and masks, which may both hold .* Call the one that does labels"
    ):
        Folder(tmp_path, classes=1)
    (tmp_path / "annotations" / "a.png").rename(tmp_path / "annotations" / "a.xml")
    assert folder_of(tmp_path, "labels") == tmp_path / "masks"


def test_masks_lie_beside_images(tmp_path):
    for name in ("images", "Masks", "train/images", "train/labels", "masks/inner", "alone/masks"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    among = {"Masks/a.png", "train/labels/b/a.png", "masks/inner/a.png"}
    for name in (*among, "images/a.png", "train/images/a.png", "alone/masks/a.png", "a.png"):
        assert lies_among_masks(tmp_path / name, tmp_path) == (name in among)
    assert not lies_among_masks(tmp_path / "train" / "labels" / "a.png", tmp_path / "train" / "labels")
