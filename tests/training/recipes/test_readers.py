"""Where recipes read from, and which of one's own images are held out."""

import numpy as np
import pytest
from PIL import Image

from training.hold_out import divide
from training.recipes.catalogue import RECIPES
from training.recipes.readers import folder, folder_with_hha, has_hha, has_two_heads, synthetic


@pytest.fixture
def photos(tmp_path):
    """Five images and masks of one pixel that nobody divided."""
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
        for index in range(5):
            Image.fromarray(np.zeros((1, 1), np.uint8)).save(tmp_path / name / f"{index}.png")
    return tmp_path


@pytest.mark.parametrize("rule", [None, "threshold"])
def test_held_out_images_are_neither_trained_on_nor_lost(photos, rule):
    reading = {"classes": 2, "held_out": 0.4, "held_out_by": rule}
    parts = {split: folder(photos, split, **reading).ids for split in ("train", "val")}
    assert set(parts["val"]) == (divide("01234", 0.4) if rule else {"3", "4"})
    assert sorted(parts["train"] + parts["val"]) == list("01234")
    assert parts["train"] == tuple(sorted(parts["train"]))


def test_near_duplicates_are_held_out_together(photos):
    reading = {"classes": 2, "held_out": 0.4, "held_out_by": "together"}
    alone = set(folder(photos, "val", **reading).ids)
    assert alone == divide("01234", 0.4)
    together = [[min(alone), min(set("01234") - alone)]]
    parts = {split: folder(photos, split, together=together, **reading).ids for split in ("train", "val")}
    assert len({key in parts["val"] for key in together[0]}) == 1
    assert sorted(parts["train"] + parts["val"]) == list("01234")


def test_hha_images_are_read_with_the_images_held_out_too(photos):
    assert not has_hha(photos)
    (photos / "hha").mkdir()
    assert has_hha(photos)
    for index in range(5):
        Image.fromarray(np.full((1, 1, 3), index, np.uint8)).save(photos / "hha" / f"{index}.png")
    reading = {"classes": 2, "held_out": 0.4, "held_out_by": "threshold"}
    for split in ("train", "val"):
        examples = folder_with_hha(photos, split, **reading)
        assert examples.ids == folder(photos, split, **reading).ids
        assert [int(example["hha"][0, 0, 0]) for example in examples] == [int(key) for key in examples.ids]


def test_a_split_may_have_hha_images(tmp_path):
    (tmp_path / "train" / "images").mkdir(parents=True)
    (tmp_path / "hha").mkdir()  # no images beside it
    assert not has_hha(tmp_path)
    (tmp_path / "train" / "hha").mkdir()
    assert has_hha(tmp_path)


def test_a_split_of_ones_own_is_not_divided(photos):
    for split, keys in {"train": "012", "val": "34"}.items():
        (photos / f"{split}.txt").write_text("\n".join(keys))
    assert folder(photos, "val", classes=2, held_out=0.2).ids == ("3", "4")
    assert folder(photos, "train", classes=2, held_out=0.2).ids == ("0", "1", "2")


def test_a_list_of_training_images_is_divided(photos):
    (photos / "train.txt").write_text("0\n2\n4\n")
    reading = {"classes": 2, "held_out": 0.2, "held_out_by": "threshold"}
    assert sorted(folder(photos, "train", **reading).ids + folder(photos, "val", **reading).ids) == ["0", "2", "4"]


@pytest.mark.parametrize(
    "name", ["voc_fcn32s", "context_fcn32s", "nyud_fcn32s_rgb", "sift_flow_fcn32s", "stanford_fcn32s"]
)
def test_a_data_set_needs_its_folder(name, tmp_path):
    recipe = RECIPES[name]
    with pytest.raises(ValueError, match="give their folder with --data DIR"):
        recipe.data(None, recipe.splits[0])
    with pytest.raises(ValueError, match=str(tmp_path)):
        recipe.data(tmp_path, recipe.splits[0])


def test_drawn_scenes_have_two_splits_and_no_folder(tmp_path):
    assert len(synthetic(None, "val")) == 80
    with pytest.raises(ValueError, match="Leave --data out"):
        synthetic(tmp_path, "val")
    with pytest.raises(ValueError, match=r"have the splits train, val\. Received: 'test'"):
        synthetic(None, "test")


def test_which_data_sets_have_two_heads():
    named = {name for name, recipe in RECIPES.items() if has_two_heads(recipe.data)}
    assert named == {name for name in RECIPES if name.startswith(("sift_flow", "stanford"))}
