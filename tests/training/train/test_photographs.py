"""What a stage's network remembers: sizes of the split, factors and windows of the recipe."""

from dataclasses import replace
from types import SimpleNamespace

from fcn_keras.photographs import Photographs
from training.recipes import catalogue
from training.train.photographs import trained_photographs


def test_the_split_and_what_the_recipe_draws():
    examples = SimpleNamespace(sizes=[(360, 480), (720, 960), (100, 80)])
    camvid = catalogue.find("camvid_fcn32s")
    known = Photographs((100, 80), (360, 480), (720, 960), scales=(0.5, 1.0), crop=(180, 240))
    assert trained_photographs(camvid, examples) == known
    shrunk = trained_photographs(camvid, SimpleNamespace(sizes=examples.sizes, reduces=True))
    assert shrunk == replace(known, reduced=True)
    plain = trained_photographs(replace(camvid, augment=None), examples)
    assert plain == replace(known, scales=None, crop=None)


def test_sizes_that_nobody_knows():
    recipe = catalogue.find("camvid_fcn32s")
    assert trained_photographs(recipe, SimpleNamespace()) is None
    assert trained_photographs(recipe, SimpleNamespace(sizes=[])) is None
