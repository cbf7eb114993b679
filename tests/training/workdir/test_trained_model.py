"""Load a trained model, and the names of its classes."""

import keras
import numpy as np
import pytest

from fcn_keras.colors import DISTINCT
from fcn_keras.models import FCN32s
from tests.training.tiny import NARROW
from training.workdir.trained_model import class_colors_beside, class_names_beside, load_model


def test_a_network_comes_without_its_optimizer(tmp_path):
    model = FCN32s(3, channels=NARROW)
    model.compile("sgd", "mse")
    model.save(tmp_path / "best.keras")
    loaded = load_model(tmp_path / "best.keras")
    assert loaded.output.shape[-1] == 3
    assert not loaded.compiled


def test_another_model_than_this_packages(tmp_path):
    keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1)]).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match=r"other\.keras: .*no `Preprocess` layer\. Build one with fcn_keras\.FCN8s"):
        load_model(tmp_path / "other.keras")


def test_class_names_lie_beside_the_model(tmp_path):
    (tmp_path / "classes.txt").write_text("road\nsky\n")
    (tmp_path / "classes_geo.txt").write_text("flat\n")
    assert class_names_beside(tmp_path / "best.keras") == ("road", "sky")
    assert class_names_beside(tmp_path / "best.keras", "geo") == ("flat",)
    assert class_names_beside(tmp_path / "best.keras", "sem") is None


def test_class_colors_lie_beside_the_model(tmp_path):
    best, names = tmp_path / "best.keras", ("road", "sky")
    np.testing.assert_array_equal(class_colors_beside(best, "", names), DISTINCT[:2])
    (tmp_path / "classes.txt").write_text("road 1 2 3\nsky 4 5 6\n")
    np.testing.assert_array_equal(class_colors_beside(best, "", names), [(1, 2, 3), (4, 5, 6)])
    np.testing.assert_array_equal(class_colors_beside(best, "", ("car", "tree")), DISTINCT[:2])
    own = {(7, 7, 7): 1, (8, 8, 8): 0}
    np.testing.assert_array_equal(class_colors_beside(best, "", names, own), [(8, 8, 8), (7, 7, 7)])
    (tmp_path / "palette.txt").write_text("9 9 9\n0 0 255\n")
    np.testing.assert_array_equal(class_colors_beside(best, "", names, own), [(9, 9, 9), (0, 0, 255)])
    (tmp_path / "palette_geo.txt").write_text("3 2 1\n")
    assert class_colors_beside(best, "geo", 1).tolist() == [[3, 2, 1]]


def test_a_stage_lists_names_that_look_like_colors(tmp_path):
    (tmp_path / "classes.txt").write_text("road 1 2 3\nsky 4 5 6\n")
    (tmp_path / "recipe.json").write_text("{}")
    names = class_names_beside(tmp_path / "best.keras")
    assert names == ("road 1 2 3", "sky 4 5 6")
    np.testing.assert_array_equal(class_colors_beside(tmp_path / "best.keras", "", names), DISTINCT[:2])
