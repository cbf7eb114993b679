"""Whose model a stage has to beat: that of the one before, if network and validation images are the same."""

import json
from dataclasses import replace
from functools import partial

import pytest

from training.recipes import catalogue
from training.recipes.overrides import Overrides
from training.recipes.readers import folder
from training.train.predecessor import predecessor


@pytest.fixture
def finished(tmp_path):
    """A workdir in which the head's stage is finished."""
    stage = tmp_path / "quick_fcn8s_head"
    stage.mkdir()
    row = {"epoch": 2, "val_mean_iu": 0.74}
    (stage / "summary.json").write_text(json.dumps({"best": row, "last": {"epoch": 4, "val_mean_iu": 0.7}}))
    return tmp_path


def test_the_head_of_the_same_network(finished):
    chain = catalogue.chain("quick_fcn8s", Overrides(held_out=0.2, validation_images=7, dtype_policy="mixed_bfloat16"))
    found = predecessor(chain[1], chain, finished)
    assert (found.name, found.mean_iu, found.row["epoch"]) == ("quick_fcn8s_head", 0.74, 2)
    assert found.best == finished / "quick_fcn8s_head" / "best.keras"
    assert predecessor(chain[0], chain, finished) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"validation_images": 5},
        {"data": partial(folder, held_out=0.5)},
        {"splits": ("train", "test")},
        {"model_options": {"fc6_kernel": 7}},
        {"dtype_policy": "mixed_bfloat16"},
        {"init_from": {"color": "quick_fcn8s_head", "hha": "quick_fcn8s_head"}},
    ],
)
def test_other_images_or_another_network_cannot_be_compared(finished, changes):
    head, last = catalogue.chain("quick_fcn8s")
    assert predecessor(replace(last, **changes), [head, last], finished) is None


@pytest.mark.parametrize("name", ["folder_fcn8s", "nyud_fcn16s_rgb_hha", "voc_fcn16s"])
def test_a_finer_network_has_nothing_to_beat(tmp_path, name):
    chain = catalogue.chain(name)
    assert all(predecessor(recipe, chain, tmp_path) is None for recipe in chain)
