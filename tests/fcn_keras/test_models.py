"""The networks: sizes, names, options, and that they are the classifier they come from."""

import keras
import numpy as np
import pytest

from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion

NETS = (FCN32s, FCN16s, FCN8s)
RNG = np.random.default_rng(0)


def pixels(*shape):
    return RNG.integers(0, 256, shape).astype("float32")


def randomise(model, seed=0):
    """Give every layer but the upsampling weights that make it count."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if layer.weights and "upscore" not in layer.name:
            shapes = [w.shape for w in layer.get_weights()]
            scale = np.sqrt(2 / np.prod(shapes[0][:-1]))
            layer.set_weights([rng.normal(size=s).astype("float32") * scale for s in shapes])
    return model


@pytest.mark.parametrize("padding", ["same", "caffe"])
@pytest.mark.parametrize("build", NETS)
def test_same_size_out_for_every_size(build, padding, narrow):
    model = build(3, padding=padding, channels=narrow)
    for size in [(1, 1), (2, 31), (32, 64), (33, 97), (75, 50)]:
        assert model(pixels(2, *size, 3)).shape == (2, *size, 3)


def test_released_layer_names(narrow):
    names = {layer.name for layer in FCN8s(21, channels=narrow).layers}
    convolutions = {f"conv{b}_{i}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1)}
    assert convolutions | {f"pool{i}" for i in range(1, 6)} <= names
    assert {"fc6", "fc7", "score_fr", "upscore2", "score_pool4", "fuse_pool4"} <= names
    assert {"upscore_pool4", "score_pool3", "fuse_pool3", "upscore8", "score"} <= names
    assert {"upscore2", "upscore16"} <= {layer.name for layer in FCN16s(21, channels=narrow).layers}
    assert "upscore" in {layer.name for layer in FCN32s(21, channels=narrow).layers}


def test_crop_offsets_of_the_released_networks(narrow):
    def offsets(build):
        return [x.offset for x in build(21, padding="caffe", channels=narrow).layers if hasattr(x, "offset")]

    assert [offsets(build) for build in NETS] == [[19], [5, 27], [5, 9, 31]]


def test_scores_start_at_zero(narrow):
    assert not np.asarray(FCN8s(4, channels=narrow)(pixels(1, 40, 40, 3))).any()


@pytest.mark.parametrize(
    ("learn", "trainable"),
    [
        ("none", set()),
        ("intermediate", {"upscore2", "upscore_pool4"}),
        ("all", {"upscore2", "upscore_pool4", "upscore8"}),
    ],
)
def test_learned_upsampling(learn, trainable, narrow):
    model = FCN8s(3, learn_upsampling=learn, channels=narrow)
    assert {x.name for x in model.layers if "upscore" in x.name and x.trainable} == trainable


def test_at_once_scales_the_skips_and_not_the_trunk(narrow):
    plain, scaled = (randomise(FCN8s(3, at_once=flag, channels=narrow)) for flag in (False, True))
    image = pixels(1, 64, 64, 3)

    def output(model, name):
        return np.asarray(keras.Model(model.input, model.get_layer(name).output)(image))

    np.testing.assert_array_equal(output(plain, "fc7"), output(scaled, "fc7"))
    for pool, factor in (("pool4", 1e-2), ("pool3", 1e-4)):
        np.testing.assert_allclose(output(scaled, f"scale_{pool}"), factor * output(plain, pool), rtol=1e-6)


def test_two_heads_share_one_trunk(narrow):
    both = randomise(FCN16s({"sem": 5, "geo": 3}, channels=narrow))
    image = pixels(1, 50, 70, 3)
    out = both(image)
    assert {head: scores.shape for head, scores in out.items()} == {"sem": (1, 50, 70, 5), "geo": (1, 50, 70, 3)}
    alone = FCN16s(3, channels=narrow)
    for layer in alone.layers:
        if layer.weights:
            name = layer.name if layer.name.startswith(("conv", "fc")) else layer.name + "_geo"
            layer.set_weights(both.get_layer(name).get_weights())
    np.testing.assert_allclose(np.asarray(alone(image)), np.asarray(out["geo"]), rtol=1e-5, atol=1e-5)


def test_early_fusion_has_its_own_first_layer(narrow):
    model = FCN32s(4, modality="rgbd", channels=narrow)
    assert model.input.shape == (None, None, None, 4)
    assert model.get_layer("conv1_1_bgrd").kernel.shape == (3, 3, 4, 8)
    assert model(pixels(1, 33, 40, 4)).shape == (1, 33, 40, 4)


@pytest.mark.parametrize("skips", [0, 1, 2])
def test_late_fusion_averages_its_streams(skips, narrow):
    build = NETS[skips]
    fused = LateFusion(3, skips=skips, channels=narrow)
    streams = {key: randomise(build(3, modality=key, channels=narrow), seed) for seed, key in enumerate(("rgb", "hha"))}
    for key, suffix in (("rgb", "color"), ("hha", "hha")):
        for layer in streams[key].layers:
            if layer.weights and "upscore" not in layer.name:
                fused.get_layer(layer.name + suffix).set_weights(layer.get_weights())
    images = {"rgb": pixels(1, 45, 61, 3), "hha": pixels(1, 45, 61, 3)}
    expected = sum(np.asarray(streams[key](images[key])) for key in streams) / 2
    np.testing.assert_allclose(np.asarray(fused(images)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("kind", ["rgb", "rgbd", "heads", "late"])
def test_save_and_load(kind, policy, narrow, tmp_path):
    keras.config.set_dtype_policy(policy)
    try:
        model = {
            "rgb": lambda: FCN8s(3, padding="caffe", at_once=True, channels=narrow),
            "rgbd": lambda: FCN16s(3, modality="rgbd", mean=(1, 2, 3), channels=narrow),
            "heads": lambda: FCN32s({"sem": 4, "geo": 2}, channels=narrow),
            "late": lambda: LateFusion(3, skips=1, channels=narrow),
        }[kind]()
    finally:
        keras.config.set_dtype_policy("float32")
    randomise(model)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    channels = 4 if kind == "rgbd" else 3
    image = pixels(1, 37, 50, channels)
    inputs = {"rgb": image, "hha": pixels(1, 37, 50, 3)} if kind == "late" else image
    before, after = model(inputs), again(inputs)
    for a, b in zip(keras.tree.flatten(before), keras.tree.flatten(after), strict=True):
        assert keras.backend.standardize_dtype(a.dtype) == "float32"
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0,), {}, r"`num_classes` is a positive int.*Received: 0"),
        ((True,), {}, r"`num_classes` is a positive int"),
        (({},), {}, r"names at least one head"),
        ((3,), {"padding": "valid"}, r"`padding` is one of.*Received: 'valid'"),
        ((3,), {"learn_upsampling": True}, r"`learn_upsampling` is one of.*Received: True"),
        ((3,), {"modality": "depth"}, r"`modality` is one of.*Received: 'depth'"),
        ((3,), {"mean": (1, 2)}, r"`mean` is three numbers"),
    ],
)
def test_arguments_out_of_range(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        FCN8s(*arguments, **options)


def test_late_fusion_skips():
    with pytest.raises(ValueError, match=r"`skips` is 0, 1 or 2. Received: 3"):
        LateFusion(3, skips=3)


def test_full_size():
    """134,346,581 parameters at stride 32 for 21 classes, 10,773 more at 16, 5,397 more at 8; upsampling apart."""
    model = FCN8s(21, padding="caffe")
    count = {x.name: x.count_params() for x in model.layers if "upscore" not in x.name}
    assert sum(count.values()) == 134_362_751
    assert count["score_pool3"] == 5_397
    assert count["score_pool4"] == 10_773
    assert model(pixels(1, 375, 500, 3)).shape == (1, 375, 500, 21)
