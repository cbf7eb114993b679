"""Models that cannot be exported, and names that do not fit."""

import keras
import numpy as np
import pytest

from fcn_keras.models import FCN32s
from serving.export.checks import check_model, class_names
from tests.serving.nets import TINY


def test_models_of_other_shapes_are_named():
    fixed = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(2, 1)])
    image = keras.Input((None, None, 3))
    listed = keras.Model(image, [keras.layers.Conv2D(2, 1)(image), keras.layers.Conv2D(3, 1)(image)])
    for model in (keras.Sequential(), fixed, keras.Sequential([keras.Input((None, None, 5))]), listed, "model.keras"):
        with pytest.raises(ValueError, match="`model` is a network of fcn_keras"):
            check_model(model)


def test_another_backend_is_named(net, monkeypatch):
    check_model(net)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match=r"Received the Keras backend 'jax'.*KERAS_BACKEND=tensorflow"):
        check_model(net)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_layers_whose_weights_are_no_numbers_are_named(value):
    net = FCN32s(2, channels=TINY, name="broken")
    for name in ("conv1_1", "fc6"):
        kernel = net.get_layer(name).kernel.numpy()
        kernel[0, 0, 0, 1] = value
        net.get_layer(name).kernel.assign(kernel)
    with pytest.raises(ValueError, match=r"NaN or infinity in layers conv1_1, fc6 of broken\."):
        check_model(net)


def test_names_are_checked_by_head():
    assert class_names(None, {"": 2}) == {}
    assert class_names(["a", "b"], {"": 2}) == {"": ("a", "b")}
    assert class_names({"geo": "ab"}, {"sem": 3, "geo": 2}) == {"geo": ("a", "b")}
    with pytest.raises(ValueError, match=r"heads \['geo', 'sem'\] of this model. Received: 'sky'"):
        class_names({"sky": ["a"]}, {"sem": 3, "geo": 2})
