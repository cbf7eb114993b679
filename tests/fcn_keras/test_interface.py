"""What a network says of itself, and its copies in float32 and in bfloat16."""

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras import keras_files
from fcn_keras.interface import class_counts, heads_of, in_bfloat16, in_float32, inputs_of, modality_of, pixels_of
from fcn_keras.layers import MatrixConv2D
from tests.serving.nets import randomize

TINY = (((4, 1),) * 5, 8)
IMAGE, HHA = np.zeros((2, 3, 3), np.uint8), np.ones((2, 3, 3), np.uint8)
EXAMPLE = {"image": IMAGE, "hha": HHA, "depth": np.full((2, 3), 1500, np.uint16), "label": np.zeros((2, 3), np.uint8)}


@pytest.mark.parametrize("modality", ["rgb", "hha", "rgbd"])
def test_a_network_says_what_it_takes(modality):
    model = fcn.FCN32s(2, modality=modality, channels=TINY)
    assert modality_of(model) == modality
    assert list(inputs_of(model)) == ["image"]
    assert class_counts(model) == {"": 2}
    assert fcn.predict(model, pixels_of(EXAMPLE, modality)).shape == (2, 3)


def test_late_fusion_takes_two_images():
    model = fcn.LateFusion(3, channels=TINY)
    assert modality_of(model) == "rgb_hha"
    assert sorted(inputs_of(model)) == ["hha", "rgb"]
    pixels = pixels_of(EXAMPLE, "rgb_hha")
    assert pixels["rgb"] is IMAGE
    assert pixels["hha"] is HHA


def test_depth_is_the_fourth_channel():
    pixels = pixels_of(EXAMPLE, "rgbd")
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels[..., 3], 1500)
    np.testing.assert_array_equal(pixels[..., :3], IMAGE)


def test_classes_are_counted_by_head():
    assert class_counts(fcn.FCN32s({"sem": 5, "geo": 3}, channels=TINY)) == {"sem": 5, "geo": 3}
    assert heads_of({"sem": 1}) == {"sem": 1}
    assert heads_of("sky") == {"": "sky"}


def test_other_models_are_told_apart():
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1)], name="mine")
    with pytest.raises(ValueError, match="mine is not a network of fcn_keras: it has no `Preprocess`"):
        modality_of(model)


@pytest.fixture(scope="module")
def half():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return fcn.FCN32s(3, channels=TINY)
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("matrices", [True, False])
def test_the_float32_copy_scores_as_one_built_in_float32(half, matrices):
    copy = in_float32(half, matrices=matrices)
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    assert any(isinstance(layer, MatrixConv2D) for layer in copy.layers) == matrices
    plain = fcn.FCN32s(3, channels=TINY)
    plain.set_weights(half.get_weights())
    image = np.random.default_rng(0).integers(0, 256, (33, 40, 3)).astype(np.uint8)
    scores = [fcn.predict(model, image, output="scores") for model in (copy, plain)]
    np.testing.assert_allclose(*scores, atol=1e-4)


def test_the_float32_copy_can_be_built_anew(half):
    """Whoever saves it finds the initializers that its network was made with."""
    kernels = [layer["config"].get("kernel_initializer") for layer in in_float32(half).get_config()["layers"]]
    assert kernels == [layer["config"].get("kernel_initializer") for layer in half.get_config()["layers"]]


def test_the_float32_copy_has_no_optimizer(half):
    half.compile("sgd", "mse")
    assert not in_float32(half).compiled


def test_a_float32_network_is_not_copied():
    model = fcn.FCN32s(3, channels=TINY)
    assert in_float32(model) is model
    assert in_float32(model, matrices=False) is not model


@pytest.mark.parametrize(
    "build",
    [
        lambda: fcn.FCN8s(5, padding="caffe", channels=TINY),
        lambda: fcn.FCN8s({"sem": 3, "geo": 2}, modality="rgbd", at_once=True, skip_channels=(4, 4), channels=TINY),
        lambda: fcn.FCNAlexNet(3, channels=((4, 6, 6, 6, 6), 8)),
        lambda: fcn.LateFusion(4, channels=TINY),
    ],
)
def test_the_backbone_is_in_bfloat16_and_what_makes_scores_in_float32(build):
    copy = in_bfloat16(build())
    backbone = ("conv", "pool", "norm", "fc", "drop", "skip", "scale")
    for layer in copy.layers:
        assert layer.compute_dtype == ("bfloat16" if layer.name.startswith(backbone) else "float32")
        assert all(weight.dtype == layer.compute_dtype for weight in layer.weights)
    assert all(x.dtype == "float32" for x in keras.tree.flatten([copy.input, copy.output]))
    assert in_bfloat16(copy) is copy


def test_bfloat16_moves_scores_by_hundredths_in_one_pass_and_in_stages(tmp_path):
    model = randomize(fcn.FCN8s(5, padding="caffe", channels=TINY))
    copy = in_bfloat16(model)
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    calls = ((model, 512), (copy, 512), (copy, 0.3))
    exact, *found = (fcn.predict(net, image, output="scores", memory=memory) for net, memory in calls)
    for scores in found:
        assert scores.dtype == np.float32
        assert 1e-4 < np.abs(scores - exact).max() / np.abs(exact).max() < 2e-2
        assert np.mean(scores.argmax(-1) == exact.argmax(-1)) > 0.97
    copy.save(tmp_path / "net.keras")
    loaded = keras_files.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(fcn.predict(loaded, image, output="scores"), found[0])
    assert {weight.dtype for weight in in_float32(copy).weights} == {"float32"}
