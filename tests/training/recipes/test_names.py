"""The names of the recipes agree with the recipes; what is meant by a name that is none."""

import pytest

from training.recipes import names
from training.recipes.names import require_name, require_reading


def test_names_are_those_of_the_recipes():
    from training.recipes.catalogue import RECIPES
    from training.recipes.readers import OWN_FOLDERS, synthetic

    assert tuple(RECIPES) == names.NAMES
    read = {name: getattr(recipe.data, "func", recipe.data) for name, recipe in RECIPES.items()}
    assert {name for name in read if names.reads_own_folder(name)} == {n for n in read if read[n] in OWN_FOLDERS}
    assert {name for name in read if names.reads_nothing(name)} == {n for n in read if read[n] is synthetic}
    for name in names.NAMES:
        require_name(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("voc_fcn8x", r"Did you mean voc_fcn8s\?$"),
        ("fcn16s", r"For your own folder say --data DIR --model fcn16s\.$"),
        ("photos", r"Your own folder\? Say --data photos\.$"),
        ("zebra", r"There are: synthetic_fcn32s, "),
    ],
)
def test_names_that_are_none(name, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(ValueError, match=rf"^No recipe is called '{name}'\. {hint}"):
        require_name(name)


@pytest.mark.parametrize(
    ("name", "directory", "message"),
    [
        ("synthetic_fcn8s", "photos", "drawn, not read"),
        ("voc_fcn8s", None, "give their folder with --data DIR"),
        ("voc_fcn8s", "photos", "voc_fcn8s knows how its data is read: leave out --classes, for your own folder"),
    ],
)
def test_what_does_not_go_together(name, directory, message):
    with pytest.raises(ValueError, match=message):
        require_reading(name, directory, {"--classes": "3", "--ignore-label": None})


def test_what_goes_together():
    require_reading(None, "photos", {"--classes": "3"})
    require_reading("quick_fcn8s", "photos", {"--classes": "3"})
    require_reading("synthetic_fcn8s", None, {"--classes": None})


def test_a_recipe_that_was_added_is_known(monkeypatch):
    from training.recipes.catalogue import RECIPES

    monkeypatch.setitem(RECIPES, "mine", RECIPES["voc_fcn8s"])
    require_name("mine")
    require_reading("mine", None, {})


def test_losses_are_those_of_the_package():
    from fcn_keras.losses.weighted_sum import BY_NAME

    assert set(names.LOSSES) == set(BY_NAME)
    names.require_losses("crossentropy + 0.5*dice")
