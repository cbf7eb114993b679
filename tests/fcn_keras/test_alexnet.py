"""FCN-AlexNet against the paper's figures and brute force; `parity/test_alexnet_opencv.py` has the scores."""

from pathlib import Path

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.geometry import Grid
from fcn_keras.layers import CeilMaxPooling2D, local_response_normalization
from fcn_keras.receptive_field import receptive_field
from tests.training.tiny import randomize

NARROW = (8, 8, 12, 12, 8), 16
ROOT = Path(__file__).resolve().parents[2]


def net(classes=3, **options):
    return FCNAlexNet(classes, channels=NARROW, **options)


def test_full_net_has_the_papers_57_million_parameters(monkeypatch):
    zeros = keras.initializers.Zeros()  # drawing 57 million numbers takes seconds
    monkeypatch.setattr(keras.initializers.HeNormal, "__call__", lambda _, shape, dtype=None: zeros(shape, dtype))
    model = FCNAlexNet(21)
    counted = (layer.count_params() for layer in model.layers if layer.name != "upscore")
    assert sum(counted) == 56_954_261
    assert model.get_layer("upscore").kernel.shape == (63, 63, 21, 21)
    groups = {layer.name: layer.groups for layer in model.layers if layer.name.startswith("conv")}
    assert groups == {"conv1": 1, "conv2": 2, "conv3": 1, "conv4": 2, "conv5": 2}


def test_receptive_field_is_the_papers():
    model = net()
    field = receptive_field(keras.Model(model.input, model.get_layer("fc7").output))
    assert 2 * field.radius + 1 == 355
    assert field.grid.stride == 32
    assert receptive_field(model).grid == Grid()
    assert model.get_layer("score").offset == 18


@pytest.mark.parametrize("size", [(1, 1), (37, 53), (90, 64)])
def test_scores_have_the_images_size(size):
    assert net()(np.zeros((2, *size, 3), "float32")).shape == (2, *size, 3)


def windows_by_hand(map_, size=3, stride=2):
    """Caffe's rule: as many windows as begin inside and leave nothing uncovered, each over what there is."""
    counts = [int(np.ceil((n - size) / stride)) + 1 for n in map_.shape[:2]]
    return np.array(
        [
            [map_[y * stride : y * stride + size, x * stride : x * stride + size].max((0, 1)) for x in range(counts[1])]
            for y in range(counts[0])
        ]
    )


@pytest.mark.parametrize("size", [(3, 3), (4, 7), (10, 5), (8, 8), (1 + 2 * 5, 2 * 5)])
def test_pooling_counts_windows_as_caffe(size):
    map_ = np.random.default_rng(0).normal(size=(*size, 2)).astype("float32") - 5  # zeros of padding would win
    layer = CeilMaxPooling2D(3, 2)
    expected = windows_by_hand(map_)
    np.testing.assert_array_equal(np.asarray(layer(map_[None]))[0], expected)
    assert layer.compute_output_shape((1, *size, 2)) == (1, *expected.shape)
    assert layer.compute_output_shape((None, None, size[1], 2)) == (None, None, *expected.shape[1:])


def test_normalization_by_hand():
    x = np.random.default_rng(0).normal(0, 200, (2, 3, 4, 7))
    expected = np.empty_like(x)
    for channel in range(7):
        near = [c for c in range(channel - 2, channel + 3) if 0 <= c < 7]
        total = sum(x[..., c] ** 2 for c in near)
        expected[..., channel] = x[..., channel] / (1 + 1e-4 / 5 * total) ** 0.75
    np.testing.assert_allclose(local_response_normalization(keras.ops.array(x, "float32")), expected, rtol=1e-5)


def test_normalization_survives_half_precision():
    x = keras.ops.full((1, 1, 1, 5), 3000.0, "float16")  # its square is beyond 65504
    found = local_response_normalization(x)
    assert keras.backend.standardize_dtype(found.dtype) == "float16"
    assert float(found[0, 0, 0, 2]) == pytest.approx(3000 / (1 + 1e-4 * 3000**2) ** 0.75, rel=1e-3)


def test_one_step_trains_every_layer_but_the_upsampling():
    model = randomize(net(learn_upsampling="none", dropout=0.0))
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    model.compile(fcn.CaffeSGD(1e-3), fcn.PixelCrossentropy(), run_eagerly=True)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 61, 47, 3)).astype("float32")
    assert np.isfinite(model.train_on_batch(image, rng.integers(0, 3, (1, 61, 47))))
    moved = {name for name, old in before.items() if not np.array_equal(old[0], model.get_layer(name).get_weights()[0])}
    assert moved == {"conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "score_fr"}


def test_gradient_of_a_grouped_convolution_is_that_of_its_halves():
    """Descend on a grouped layer and on its two halves: one step, one result."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 6, 5, 4)).astype("float32")
    grouped = keras.Sequential([keras.Input((6, 5, 4)), keras.layers.Conv2D(6, 3, groups=2)])
    image = keras.Input((6, 5, 4))
    halves = [keras.layers.Conv2D(3, 3)(image[..., s]) for s in (slice(0, 2), slice(2, 4))]
    split = keras.Model(image, keras.ops.concatenate(halves, axis=-1))
    kernel, bias = grouped.get_weights()
    split.set_weights([kernel[..., :3], bias[:3], kernel[..., 3:], bias[3:]])
    for model in (grouped, split):
        model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
        model.train_on_batch(x, np.ones((1, 4, 3, 6), "float32"))
    first, _, second, _ = split.get_weights()
    np.testing.assert_allclose(grouped.get_weights()[0], np.concatenate([first, second], -1), rtol=1e-4, atol=1e-6)


def test_saved_and_loaded_it_scores_the_same(tmp_path):
    model = randomize(net(mean=(1, 2, 3), name="mine"))
    model.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    image = np.random.default_rng(0).integers(0, 256, (1, 33, 50, 3)).astype("float32")
    np.testing.assert_array_equal(again(image), model(image))
    assert again.name == "mine"
    assert again.get_layer("preprocess").mean == (1, 2, 3)


def test_transplant_leaves_the_scores_of_other_classes():
    source, target = randomize(net(3)), net(5)
    copied = fcn.transplant(source, target)
    assert copied == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"]
    np.testing.assert_array_equal(target.get_layer("conv4").kernel, source.get_layer("conv4").kernel)


def test_learn_upsampling():
    assert [net(learn_upsampling=x).get_layer("upscore").trainable for x in ("none", "intermediate", "all")] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0,), {}, "`num_classes` is a positive int. Received: 0"),
        (({"a": 2},), {}, "`num_classes` is a positive int. Received: {'a': 2}"),
        ((2,), {"learn_upsampling": "yes"}, "`learn_upsampling` is one of"),
        ((2,), {"channels": ((8, 9, 12, 12, 8), 16)}, "even numbers of filters"),
        ((2,), {"channels": ((8, 8), 16)}, "gives conv1 to conv5"),
    ],
)
def test_wrong_arguments(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        FCNAlexNet(*arguments, **options)
