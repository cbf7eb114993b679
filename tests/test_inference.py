"""Labels of whole images, tile by tile, and by shift-and-stitch."""

import gc
import weakref

import keras
import numpy as np
import pytest

from fcn_keras import inference
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion

NARROW = (((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32)
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
