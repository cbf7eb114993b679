"""A network that is cut computes what the whole one computes, and its parts share its weights."""

import keras
import numpy as np
import pytest

from fcn_keras.models import FCN8s, FCN32s, LateFusion
from training.features.cut import cut

TINY = ((4, 1), (4, 1), (6, 1), (6, 1), (8, 1)), 8
NETS = {
    "8s": lambda: FCN8s(4, channels=TINY, fc6_kernel=3, skip_channels=(5, 3)),
    "two heads": lambda: FCN32s({"sem": 3, "geo": 2}, channels=TINY),
    "late fusion": lambda: LateFusion(3, skips=2, channels=TINY),
    "caffe's padding, all at once": lambda: FCN8s(4, channels=TINY, padding="caffe", at_once=True),
}


def freeze(model, *prefixes):
    for layer in model.layers:
        if layer.name.startswith(prefixes):
            layer.trainable = False
    return model


def pixels(model, height=70, width=90):
    generator = np.random.default_rng(0)
    return keras.tree.map_structure(
        lambda x: generator.uniform(0, 255, (2, height, width, x.shape[-1])).astype("float32"), model.input
    )


def run(parts, images):
    """Run both parts, one after the other, with zeros for what is there for its size alone."""
    height, width = keras.tree.flatten(images)[0].shape[1:3]
    maps = parts.frozen(images) | {
        name: np.zeros((2, height, width, channels)) for name, channels in parts.sizes.items()
    }
    return parts.trainable([keras.ops.convert_to_tensor(maps[name]) for name in parts.inputs])


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("name", NETS)
def test_both_parts_give_the_scores_of_the_whole_bit_for_bit(name, policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = NETS[name]()
        for layer in model.layers:
            if layer.name.startswith("score") and layer.weights:
                layer.set_weights([np.random.default_rng(1).normal(size=w.shape) for w in layer.get_weights()])
        images = pixels(model)
        for prefixes in (("conv",), ("conv1", "conv2", "conv3", "conv4"), ("conv1", "conv2", "conv3")):
            for layer in model.layers:
                layer.trainable = not layer.name.startswith("upscore")
            parts = cut(freeze(model, *prefixes))
            for ours, theirs in zip(
                *(keras.tree.flatten(scores) for scores in (run(parts, images), model(images))), strict=True
            ):
                np.testing.assert_array_equal(ours, theirs)
    finally:
        keras.config.set_dtype_policy("float32")


def test_the_borders_of_fcn8s():
    model = NETS["8s"]()
    parts = cut(freeze(model, "conv"))
    assert set(parts.inputs) == {"pool3", "pool4", "pool5", "preprocess"}
    assert parts.sizes == {"preprocess": 3}
    assert set(parts.frozen.output) == {"pool3", "pool4", "pool5"}
    thawed = cut(freeze(NETS["8s"](), "conv1", "conv2", "conv3", "conv4"), kept=["pool5"])
    assert set(thawed.inputs) - {"preprocess"} == {"pool3", "pool4"}
    assert set(thawed.frozen.output) == {"pool3", "pool4", "pool5"}


def test_the_part_trains_the_whole():
    model = freeze(NETS["8s"](), "conv")
    parts = cut(model)
    parts.trainable.get_layer("fc6").kernel.assign_add(np.ones((3, 3, 8, 8)))
    parts.trainable.get_layer("score_fr").bias.assign([1, 2, 3, 4])
    images = pixels(model)
    np.testing.assert_array_equal(run(parts, images), model(images))
    assert [v.path for v in parts.trainable.trainable_variables] == [v.path for v in model.trainable_variables]


def test_the_whole_is_saved_as_before(tmp_path):
    model = freeze(NETS["8s"](), "conv")
    cut(model)
    model.save(tmp_path / "net.keras")
    images = pixels(model)
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "net.keras")(images), model(images))


def test_a_network_of_which_all_learns_is_not_cut():
    with pytest.raises(ValueError, match="all of it learns"):
        cut(NETS["8s"]())
