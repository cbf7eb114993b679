"""A recipe: what it refuses, and how it is written down."""

import json
from dataclasses import replace
from functools import partial

import pytest

from training.recipes.catalogue import RECIPES
from training.recipes.recipe import Recipe, describe


def build(**changes):
    return Recipe(
        **{"name": "tiny", "model": len, "data": max, "steps": 6, "steps_per_epoch": 2, "learning_rate": 1.0, **changes}
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, r"`steps` is at least 1\. Received: 0"),
        ({"accumulate": 0}, r"`accumulate` is at least 1\. Received: 0"),
        ({"steps": 5}, r"`steps` must be a multiple of `steps_per_epoch`.* Received: 5 and 2"),
        ({"dtype_policy": "half"}, r"`dtype_policy` is one of .* Received: 'half'"),
        ({"learning_rate": 0.0}, r"`learning_rate` is above 0\. Received: 0.0"),
    ],
)
def test_values_that_cannot_be(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_epochs_and_sources():
    assert build().epochs == 3
    assert build().sources == {}
    assert build(init_from="coarse").sources == {"": "coarse"}
    assert build(init_from={"color": "a", "hha": "b"}).sources == {"color": "a", "hha": "b"}


def test_it_is_written_down_as_json():
    recipe = build(augment=partial(min, 3, key=len), buckets=((8, 9),), splits=("a", "b"))
    written = describe(recipe)
    assert json.loads(json.dumps(written)) == written
    assert (written["model"], written["augment"]) == ("len", "min(3, key=len)")
    assert (written["buckets"], written["splits"]) == ([[8, 9]], ["a", "b"])
    assert describe(replace(recipe, seed=2)) != written
    assert {describe(recipe)["name"] for recipe in RECIPES.values()} == set(RECIPES)
