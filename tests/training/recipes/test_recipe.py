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
        ({"patience": 0}, r"`patience` is at least 1\. Received: 0"),
        ({"warm_up": 6}, r"`warm_up` is from 0 to below the 6 steps\. Received: 6"),
        ({"warm_up": -1}, r"`warm_up` is from 0 to below the 6 steps\. Received: -1"),
        ({"clip": 0.0}, r"`clip` is a norm above 0\. Received: 0.0"),
        ({"clip": float("inf")}, r"`clip` is a norm above 0\. Received: inf"),
        ({"ema": 1.0}, r"`ema` is a momentum above 0 and below 1, such as 0\.99\. Received: 1.0"),
        ({"ema": 0.0}, r"`ema` is a momentum above 0 and below 1, such as 0\.99\. Received: 0.0"),
        ({"raw_scores": True}, r"`raw_scores` goes with `ema`"),
        ({"mix": max}, r"`batch_size` is at least 2\. Received: 1"),
        ({"loss": "hinge"}, r"A loss is one of .* Received: 'hinge'"),
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


def test_what_came_later_is_written_down_where_it_is_used():
    """Runs of before have no such settings, and still are of the same recipe."""
    later = {
        "warm_up",
        "rate_factors",
        "clip",
        "ema",
        "raw_scores",
        "patience",
        "loss",
        "label_smoothing",
        "hardest",
        "mix",
    }
    assert not later & set(describe(build()))
    used = {"warm_up": 2, "rate_factors": {"conv": 0.1}, "clip": 1.0, "ema": 0.9, "raw_scores": True, "patience": 3}
    used |= {"loss": "crossentropy+dice", "label_smoothing": 0.1, "hardest": 0.5}
    written = describe(build(batch_size=2, mix=max, **used))
    assert {name: written[name] for name in later} == {**used, "mix": "max"}
    for recipe in RECIPES.values():
        assert not later & set(describe(recipe)), recipe.name
