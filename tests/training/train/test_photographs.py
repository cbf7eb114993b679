"""What a stage's network remembers: sizes of the split, factors and windows of the recipe."""

from dataclasses import replace
from types import SimpleNamespace

from fcn_keras.photographs import Photographs, scaled_size, size_within
from training.recipes import catalogue
from training.train.photographs import trained_photographs


def test_the_split_and_what_the_recipe_draws():
    examples = SimpleNamespace(sizes=[(360, 480), (720, 960), (100, 80)])
    camvid = catalogue.find("camvid_fcn32s")
    known = Photographs((100, 80), (360, 480), (720, 960), scales=(0.5, 1.0), crop=(180, 240))
    assert trained_photographs(camvid, examples) == known
    shrunk = trained_photographs(camvid, SimpleNamespace(sizes=examples.sizes, most_pixels=700_000))
    assert shrunk == replace(known, reduced_to=700_000)
    plain = trained_photographs(replace(camvid, augment=None), examples)
    assert plain == replace(known, scales=None, crop=None)


def test_sizes_that_nobody_knows():
    recipe = catalogue.find("camvid_fcn32s")
    assert trained_photographs(recipe, SimpleNamespace()) is None
    assert trained_photographs(recipe, SimpleNamespace(sizes=[])) is None


def test_prediction_reduces_as_training_did():
    """Also where training had no image to reduce, and the one to validate on is large."""
    plain = replace(catalogue.find("camvid_fcn32s"), augment=None)
    own = [(110, 90), (90, 110), (45, 45), (3, 5000), (44, 45), (3000, 4000), (1, 2001)]
    for trained in (own, own[2:3]):
        sizes = [size_within(size, 2000) for size in trained]
        known = trained_photographs(plain, SimpleNamespace(sizes=sizes, most_pixels=2000))
        assert [scaled_size(size, known) for size in own] == [size_within(size, 2000) for size in own]
