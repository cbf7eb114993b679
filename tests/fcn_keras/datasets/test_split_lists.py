import unicodedata

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.folder import Folder
from fcn_keras.datasets.layouts import Place
from fcn_keras.datasets.split_lists import read_list


@pytest.fixture
def tree(tmp_path):
    for number, key in enumerate(["a", "my photo 2", "z/é"]):
        for kind, suffix in (("images", ".png"), ("labels", "_mask.png")):
            path = tmp_path / kind / f"{key}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((2, 3), number, np.uint8)).save(path)
    return tmp_path


@pytest.mark.parametrize("gap", [" ", "\t", ",", " , ", ";"])
def test_two_columns_as_paddleseg_writes_them(tree, gap):
    lines = [f"images/{key}.png{gap}labels/{key}_mask.png" for key in ("z/é", "a", "my photo 2")]
    (tree / "train.txt").write_text("\n".join(lines), encoding="utf-8")
    pairs = Folder(tree, "train", classes=3)
    assert pairs.ids == ("z/é", "a", "my photo 2")
    assert [pair["label"][0, 0] for pair in pairs] == [2, 0, 1]
    assert Folder(tree, "train", classes=3, ids=["a"])[0]["label"][0, 0] == 0


def test_ids_may_have_spaces(tree):
    for path in list((tree / "labels").rglob("*.png")):
        path.rename(path.with_name(path.name.replace("_mask", "")))
    (tree / "val.txt").write_text("my photo 2\nimages/a.png\n" + unicodedata.normalize("NFD", "z/é"), encoding="utf-8")
    assert Folder(tree, "val", classes=3).ids == ("my photo 2", "a", "z/é")


def test_columns_that_are_not_understood(tree):
    lines = ["/SegNet/CamVid/train/a.png /SegNet/CamVid/trainannot/a.png", "../images/a.png ../labels/a.png"]
    (tree / "train.txt").write_text("\n".join(lines))
    listed = read_list(tree / "train.txt", Place(tree), {"a"})
    assert listed.unknown == lines
    with pytest.raises(ValueError, match=r"train.txt has 2 lines of several columns that name no files .*'/SegNet"):
        Folder(tree, "train", classes=3)
