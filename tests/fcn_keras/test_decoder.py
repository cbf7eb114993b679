"""The decoder: its layout, and what a hidden convolution before the skips' scores and a smaller fc6 change."""

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.decoder import Layout, check_classes
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from fcn_keras.receptive_field import receptive_field

TINY = ((4, 1), (4, 1), (6, 1), (6, 1), (8, 1)), 8
OWN = {"channels": TINY, "fc6_kernel": 3, "skip_channels": (5, 3)}


def randomized(model, seed=0):
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if layer.name.startswith("score") and layer.weights:
            layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return model


@pytest.fixture(scope="module")
def net():
    return randomized(FCN8s(4, **OWN))


def test_the_layers_have_the_shapes_asked_for(net):
    assert net.get_layer("fc6").kernel.shape == (3, 3, 8, 8)
    assert net.get_layer("skip_pool4").kernel.shape == (3, 3, 6, 5)
    assert net.get_layer("skip_pool3").kernel.shape == (3, 3, 6, 3)
    assert net.get_layer("score_pool4").kernel.shape == (1, 1, 5, 4)
    assert net.get_layer("score_pool3").kernel.shape == (1, 1, 3, 4)


def test_by_default_nothing_stands_before_the_scores():
    names = [layer.name for layer in FCN8s(4, channels=TINY).layers]
    assert not [name for name in names if name.startswith("skip")]
    assert FCN8s(4, channels=TINY).get_layer("fc6").kernel_size == (7, 7)


def test_fcn32s_has_no_skip_and_fcn16s_one():
    assert not [x.name for x in FCN32s(4, **OWN).layers if x.name.startswith("skip")]
    assert [x.name for x in FCN16s(4, **OWN).layers if x.name.startswith("skip")] == ["skip_pool4"]


def test_a_skip_is_a_convolution_with_relu_and_a_score(net):
    """Compute pool3's score of one image by NumPy, in float64, from the pool itself."""
    image = np.random.default_rng(1).uniform(0, 255, (1, 64, 96, 3)).astype("float32")
    parts = keras.Model(net.input, [net.get_layer("pool3").output, net.get_layer("score_pool3").output])
    pool, score = (np.asarray(x, "float64") for x in parts(image))
    kernel, bias = (w.astype("float64") for w in net.get_layer("skip_pool3").get_weights())
    framed = np.pad(pool, [(0, 0), (1, 1), (1, 1), (0, 0)])
    height, width = pool.shape[1:3]
    hidden = bias + sum(framed[:, i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3))
    weight, offset = (w.astype("float64") for w in net.get_layer("score_pool3").get_weights())
    np.testing.assert_allclose(score, np.maximum(hidden, 0) @ weight[0, 0] + offset, rtol=1e-4, atol=1e-4)


def test_fc6_sees_128_pixels_less(net):
    wide = receptive_field(FCN8s(4, channels=TINY, skip_channels=(5, 3)))
    assert wide.radius - receptive_field(net).radius == 2 * 32


def test_tiles_and_saved_files_give_the_same_labels(net, tmp_path):
    image = np.random.default_rng(2).integers(0, 256, (150, 170, 3), np.uint8)
    labels = fcn.predict(net, image)
    assert len(np.unique(labels)) > 1
    np.testing.assert_array_equal(fcn.predict_tiled(net, image, tile=64), labels)
    net.save(tmp_path / "net.keras")
    np.testing.assert_array_equal(fcn.predict(keras.saving.load_model(tmp_path / "net.keras"), image), labels)


def test_skips_are_transplanted_into_a_finer_net_and_a_stream_of_late_fusion():
    source = FCN16s(4, **OWN)
    assert "skip_pool4" in fcn.transplant(source, FCN8s(4, **OWN))
    fused = LateFusion(4, skips=1, **OWN)
    assert "skip_pool4color" in fcn.transplant(source, fused, suffix="color")
    kernel = fused.get_layer("skip_pool4color").get_weights()[0]
    np.testing.assert_array_equal(kernel, source.get_layer("skip_pool4").get_weights()[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fc6_kernel": 4}, "`fc6_kernel` is an odd side, such as 7. Received: 4"),
        ({"fc6_kernel": 3, "padding": "caffe"}, "is made for `fc6_kernel=7`. Received: 3"),
        ({"skip_channels": (64,)}, "a width for each of pool4, pool3. Received: \\(64,\\)"),
        ({"skip_channels": (64, 0)}, "a width for each of pool4, pool3"),
    ],
)
def test_layouts_that_cannot_be_built(options, message):
    with pytest.raises(ValueError, match=message):
        FCN8s(4, channels=TINY, **options)


def test_skips_and_classes_out_of_range():
    with pytest.raises(ValueError, match="Received: 3"):
        Layout(3, "same", False, "none", TINY, 7, None, 0.5)
    with pytest.raises(ValueError, match="Received: True"):
        check_classes(True)
