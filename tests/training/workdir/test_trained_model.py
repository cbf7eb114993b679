"""Load a trained model, and the names of its classes."""

import keras
import pytest

from fcn_keras.models import FCN32s
from tests.training.tiny import NARROW
from training.workdir.trained_model import class_names_beside, load_model


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
