"""Labels of whole images, tile by tile, and by shift-and-stitch."""

import gc
import sys
import types
import weakref

import keras
import numpy as np
import pytest

from fcn_keras import inference
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion

NARROW = (((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32)
NARROWEST = (((4, 1), (4, 1), (6, 3), (6, 3), (8, 3)), 12)
HEADS = {"sem": 7, "geo": 3}


def randomize(model, seed=0):
    """Give the scoring layers, which start at zero, and all biases random values."""
    generator = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        if "score" in variable.path or variable.path.endswith("bias"):
            variable.assign(generator.normal(0, 0.3, variable.shape))
    return model


def picture(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.fixture(scope="module")
def net():
    return randomize(FCN8s(21, channels=NARROW))


@pytest.mark.parametrize("size", [(1, 1), (33, 47), (64, 96), (100, 31)])
def test_labels_are_the_argmax_of_the_scores(net, size):
    image = picture(*size)
    scores = net(image[None].astype("float32"), training=False).numpy()[0]
    labels = inference.predict(net, image)
    assert labels.shape == size
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, scores.argmax(-1))
    given = inference.predict(net, image, output="scores")
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, scores, atol=1e-5)


def test_the_first_class_wins_a_tie():
    net = FCN32s(5, channels=NARROW)  # scoring starts at zero: all classes are equal
    np.testing.assert_array_equal(inference.predict(net, picture(40, 50)), np.zeros((40, 50)))


def test_heads_give_a_dict():
    net = randomize(FCN16s({"sem": 7, "geo": 300}, channels=NARROW))
    image = picture(37, 50)
    labels = inference.predict(net, image)
    scores = net(image[None].astype("float32"), training=False)
    assert {head: x.dtype for head, x in labels.items()} == {"sem": np.uint8, "geo": np.uint16}
    for head, given in labels.items():
        np.testing.assert_array_equal(given, scores[head].numpy()[0].argmax(-1))


def test_depth_and_late_fusion():
    rgb, hha = picture(20, 30), picture(20, 30, seed=1)
    late = randomize(LateFusion(4, channels=NARROW))
    inputs = {"rgb": rgb[None].astype("float32"), "hha": hha[None].astype("float32")}
    expected = late(inputs, training=False).numpy()[0].argmax(-1)
    np.testing.assert_array_equal(inference.predict(late, {"hha": hha, "rgb": rgb}), expected)
    early = randomize(FCN32s(4, modality="rgbd", channels=NARROW))
    rgbd = np.concatenate([rgb.astype("uint16"), np.full((20, 30, 1), 4321, "uint16")], -1)
    expected = early(rgbd[None].astype("float32"), training=False).numpy()[0].argmax(-1)
    np.testing.assert_array_equal(inference.predict(early, rgbd), expected)


def test_mixed_precision_is_compared_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        net = randomize(FCN32s(4, channels=NARROW))
    finally:
        keras.config.set_dtype_policy("float32")
    image = picture(40, 33)
    assert inference.predict(net, image, output="scores").dtype == np.float32
    assert inference.predict(net, image).dtype == np.uint8


def test_new_weights_are_seen_and_one_model_is_compiled_for_all_calls(net):
    image = picture(33, 40)
    before = inference.predict(net, image)
    randomize(net, seed=1)
    after = inference.predict(net, image)
    assert (before != after).any()
    randomize(net, seed=0)
    np.testing.assert_array_equal(inference.predict(net, image), before)
    assert len(inference._runners[net]) <= 2
    assert not inference._runners[net]["labels"].jit_compile


def test_a_dropped_model_is_freed():
    net = FCN32s(2, channels=NARROW)
    inference.predict(net, picture(8, 8))
    alive = weakref.ref(net)
    del net
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((5, 7), "uint8"), r"Received shape \(5, 7\). Repeat a grey image 3 times"),
        (np.zeros((1, 5, 7, 3), "uint8"), "one image at a time"),
        (np.zeros((5, 7, 4), "uint8"), r"Drop the alpha channel: image\[..., :3\]"),
        (np.zeros((3, 5, 7), "uint8"), "Channels come last"),
        (np.zeros((0, 7, 3), "uint8"), "at least 1x1"),
        (np.zeros((5, 7, 3), "bool"), "Received dtype bool. Convert it to uint8"),
        (np.full((5, 7, 3), 0.5), "must hold 0-255. Received float64 from 0.5 to 0.5. Multiply by 255"),
        (np.full((5, 7, 3), -20.5, "float32"), "the model subtracts the mean itself"),
        (np.full((5, 7, 3), np.nan, "float32"), "must hold 0-255. Received float32 from nan"),
        (np.full((5, 7, 3), 256, "uint16"), "must hold 0-255. Received uint16 from 256 to 256"),
        ({"rgb": np.zeros((5, 7, 3), "uint8")}, r"takes one image. Received a dict with keys \['rgb'\]"),
    ],
)
def test_wrong_images_are_named(net, image, message):
    with pytest.raises(ValueError, match=message):
        inference.predict(net, image)


def test_wrong_dicts_outputs_and_models_are_named(net):
    late = LateFusion(4, channels=NARROW)
    with pytest.raises(ValueError, match=r"keys \['hha', 'rgb'\]. Received: ndarray"):
        inference.predict(late, picture(5, 5))
    with pytest.raises(ValueError, match=r"keys \['hha', 'rgb'\]. Received: \['rgb'\]"):
        inference.predict(late, {"rgb": picture(5, 5)})
    with pytest.raises(ValueError, match=r"one height and width.*'hha': \(5, 6\)"):
        inference.predict(late, {"rgb": picture(5, 5), "hha": picture(5, 6)})
    with pytest.raises(ValueError, match=r"`output` is one of .* Received: 'logits'"):
        inference.predict(net, picture(5, 5), output="logits")
    with pytest.raises(ValueError, match="must be a functional model"):
        inference.predict(keras.Sequential(), picture(5, 5))


@pytest.mark.parametrize("padding", ["same", "caffe"])
@pytest.mark.parametrize("build", [FCN32s, FCN8s])
def test_tiles_give_the_whole_images_result(build, padding):
    net = randomize(build(7, padding=padding, channels=NARROWEST))
    for size, tile in [((577, 33), 32), ((545, 577), 288), ((1, 330), 96), ((40, 40), 1024)]:
        image = picture(*size)
        scores = inference.predict(net, image, output="scores")
        tiled = inference.predict_tiled(net, image, tile=tile, output="scores")
        np.testing.assert_allclose(tiled, scores, rtol=0, atol=1e-5 * np.abs(scores).max())
        labels = inference.predict_tiled(net, image, tile=tile)
        assert labels.dtype == np.uint8
        np.testing.assert_array_equal(labels, scores.argmax(-1))


@pytest.mark.parametrize("padding", ["same", "caffe"])
def test_a_tile_sees_all_that_its_pixels_see(padding):
    # Positive weights and a single bright pixel: whatever it reaches in the whole image is above zero.
    net = FCN32s(1, padding=padding, mean=(0, 0, 0), channels=NARROWEST)
    for variable in net.trainable_variables:
        variable.assign(np.full(variable.shape, 0.5 if variable.path.endswith("kernel") else 0.0))
    for column in (320, 328, 344, 351):
        image = np.zeros((1, 672, 3), "uint8")
        image[0, column] = 255
        whole = inference.predict(net, image, output="scores")
        tiled = inference.predict_tiled(net, image, tile=32, output="scores")
        np.testing.assert_allclose(tiled, whole, rtol=1e-4)


def test_tiles_of_heads_and_of_two_backbones():
    net = randomize(FCN16s(HEADS, channels=NARROW))
    image = picture(600, 40)
    tiled = inference.predict_tiled(net, image, tile=128)
    for head, labels in inference.predict(net, image).items():
        np.testing.assert_array_equal(tiled[head], labels)
    late = randomize(LateFusion(4, skips=1, padding="caffe", channels=NARROW))
    images = {"rgb": image, "hha": picture(600, 40, seed=1)}
    np.testing.assert_array_equal(inference.predict_tiled(late, images, tile=128), inference.predict(late, images))


def test_a_tile_is_computed_in_bounded_memory(net, monkeypatch):
    sizes = []
    run = inference.run
    monkeypatch.setattr(inference, "run", lambda m, x, output: sizes.append(x.shape[:2]) or run(m, x, output))
    inference.predict_tiled(net, picture(1200, 40), tile=96)
    assert max(sizes) == (96 + 2 * 256, 40)  # radius 245 of FCN-8s, on the grid of 32
    assert len(sizes) == 13


@pytest.mark.parametrize("tile", [0, -32, 33, 64.0, True])
def test_tiles_lie_on_the_stride(net, tile):
    with pytest.raises(ValueError, match=r"`tile` is a positive multiple of 32.*Received: "):
        inference.predict_tiled(net, picture(5, 5), tile=tile)


def test_tiling_needs_a_dense_model(net):
    coarse = keras.Model(net.input, net.get_layer("score_fr").output)
    with pytest.raises(ValueError, match=r"needs a model that scores every pixel. .*stride=32"):
        inference.predict_tiled(coarse, picture(5, 5))


def stride_4_net(pad):
    """A net of stride 4 whose scores see 10x10 pixels."""
    layers = keras.layers
    image = keras.Input((None, None, 3))
    x = layers.ZeroPadding2D(pad)(image)
    x = layers.Conv2D(6, 3, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(7, 3, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    return keras.Model(image, layers.Conv2D(5, 1, name="score")(x))


@pytest.mark.parametrize("size", [(13, 9), (1, 1), (4, 18)])
def test_stitched_scores_are_those_of_the_patch_around_each_pixel(size):
    keras.utils.set_random_seed(0)
    net, bare = stride_4_net(8), stride_4_net(0)
    bare.set_weights(net.get_weights())
    image = picture(*size)
    around = np.pad(image.astype("float32"), ((4, 5), (4, 5), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(around, (10, 10), (0, 1))  # (H, W, 3, 10, 10)
    patches = patches.reshape(-1, 3, 10, 10).transpose(0, 2, 3, 1)
    expected = bare(patches).numpy().reshape(*size, 5)  # one score a patch
    dense = inference.shift_and_stitch(net, image, stride=4)
    assert dense.dtype == np.float32
    np.testing.assert_allclose(dense, expected, atol=1e-3)


@pytest.mark.parametrize(("padding", "first", "pixel"), [("same", 0, 3), ("caffe", 3, 0)])
def test_stitched_scores_hold_the_coarse_ones_at_their_centres(padding, first, pixel):
    # Score 0 is centred on pixel 3.5, or -23.5 with the released padding.
    net = randomize(FCN8s(HEADS, padding=padding, channels=NARROW))
    fused = {head: net.get_layer(f"fuse_pool3_{head}").output for head in HEADS}
    coarse = keras.Model(net.input, fused)
    image = picture(33, 20)
    dense = inference.shift_and_stitch(coarse, image, stride=8)
    for head, scores in inference.predict(coarse, image, output="scores").items():
        assert dense[head].shape == (33, 20, HEADS[head])
        found = dense[head][pixel::8, pixel::8]
        scores = scores[first : first + found.shape[0], first : first + found.shape[1]]
        np.testing.assert_allclose(found, scores, rtol=0, atol=1e-5 * np.abs(scores).max())


def test_shifts_uncover_what_preprocessing_turns_into_zeros():
    late, early = LateFusion(2, mean=(1, 2, 3), channels=NARROW), FCN32s(2, modality="rgbd", channels=NARROW)
    pixels = inference._mean_pixels(late)
    for key, name in (("rgb", "preprocesscolor"), ("hha", "preprocesshha")):
        assert not late.get_layer(name)(pixels[key][None, None, None]).numpy().any()
    assert not early.get_layer("preprocess")(inference._mean_pixels(early)[None, None, None]).numpy().any()
    np.testing.assert_array_equal(inference._mean_pixels(stride_4_net(0)), np.zeros(3))


def test_wrong_strides_and_unpadded_nets_are_named(net):
    for stride in (0, -4, 4.0, True):
        with pytest.raises(ValueError, match=r"`stride` is a positive int. Received"):
            inference.shift_and_stitch(stride_4_net(8), picture(9, 9), stride=stride)
    with pytest.raises(ValueError, match=r"scores at stride 1. Received: stride=8. Cut the last upsampling off"):
        inference.shift_and_stitch(net, picture(9, 9), stride=8)
    with pytest.raises(ValueError, match=r"must score the whole image.*Let it pad its input"):
        inference.shift_and_stitch(stride_4_net(0), picture(30, 30), stride=4)


@pytest.mark.parametrize(("precision", "lines"), [("f32", 0), ("bf16", 1)])
def test_openvino_says_once_where_it_is_less_exact(monkeypatch, caplog, precision, lines):
    """As on processors with AVX512_BF16 or AMX."""
    hint = types.SimpleNamespace(get_type_name=lambda: precision)
    core = types.SimpleNamespace(get_property=lambda device, name: hint)
    monkeypatch.setitem(sys.modules, "openvino", types.SimpleNamespace(Core=lambda: core))
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    inference._warn_of_bfloat16.cache_clear()
    image = np.zeros((3, 4, 3), np.uint8)
    for _ in range(2):
        inference.predict(FCN32s(2, channels=NARROWEST), image)
    told = [record.getMessage() for record in caplog.records if record.name == "fcn_keras"]
    assert [line.startswith("OpenVINO computes in half precision (bf16)") for line in told] == [True] * lines
