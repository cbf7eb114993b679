from pathlib import Path

import keras
import numpy as np
import pytest

from fcn_keras.models import FCN8s, FCN16s, LateFusion
from fcn_keras.photographs import Photographs
from fcn_keras.scaled_inference import photographs_of, remember_photographs
from fcn_keras.weights import Loaded, load_caffemodel, transplant
from tests.fcn_keras.small_nets import CLASSES, CONVOLUTIONS, kernel_of, net, randomise, weights_of
from tests.weight_files import CHANNELS, blob, caffemodel, layer, vgg16_arrays

DATA = Path(__file__).parents[1] / "parity" / "data"
TORCH_WEIGHTS = Path(__file__).parents[3] / "shared" / "data" / "weights" / "vgg16_conv_imagenet_rgb01_f16.npz"


# --- load_caffemodel ----------------------------------------------------------------------------------------


def caffe_arrays(seed=0, classes=CLASSES):
    """Draw Caffe blobs for FCN-32s: `(out, in, kh, kw)`, and a full, asymmetric upsampling."""
    arrays = {k: [w.transpose(3, 2, 0, 1), b] for k, (w, b) in vgg16_arrays(seed, classifier=False).items()}
    draw = np.random.default_rng(seed + 1).standard_normal
    arrays["fc6"], arrays["fc7"] = [draw((32, 20, 7, 7)), draw(32)], [draw((32, 32, 1, 1)), draw(32)]
    arrays["score_fr"], arrays["upscore"] = (
        [draw((classes, 32, 1, 1)), draw(classes)],
        [draw((classes, classes, 64, 64))],
    )
    return {k: [np.float32(a) for a in v] for k, v in arrays.items()}


@pytest.mark.parametrize("v1", [False, True])
def test_caffe_kernels_are_transposed(tmp_path, v1):
    arrays, model = caffe_arrays(), net()
    loaded = load_caffemodel(model, caffemodel(tmp_path / "net.caffemodel", arrays, v1=v1))
    assert loaded == Loaded(copied=(*CONVOLUTIONS, "fc6", "fc7", "score_fr", "upscore"))
    for name, i, o, y, x in (("conv1_1", 2, 5, 0, 1), ("conv3_2", 7, 3, 2, 0), ("fc6", 19, 30, 6, 2)):
        assert kernel_of(model, name)[y, x, i, o] == arrays[name][0][o, i, y, x]
    assert kernel_of(model, "upscore")[60, 3, 4, 1] == arrays["upscore"][0][1, 4, 60, 3]  # (in, out, y, x)
    np.testing.assert_array_equal(model.get_layer("conv5_3").bias, arrays["conv5_3"][1])


@pytest.mark.parametrize("axes", [(), (1, 1)], ids=["new", "V1"])
def test_inner_product_becomes_a_convolution(tmp_path, axes):
    arrays, model = caffe_arrays(), net()
    fc6, fc7 = (arrays[name][0].reshape(32, -1) for name in ("fc6", "fc7"))
    arrays["fc6"][0], arrays["fc7"][0] = fc6.reshape(*axes, 32, -1), fc7.reshape(*axes, 32, 32)
    load_caffemodel(model, caffemodel(tmp_path / "net.caffemodel", arrays))
    pool5 = np.random.default_rng(3).standard_normal((7, 7, 20))
    for_caffe = pool5.transpose(2, 0, 1).ravel()  # C, H, W
    found = np.einsum("yxi,yxio->o", pool5, kernel_of(model, "fc6"))
    np.testing.assert_allclose(found, fc6.astype(np.float64) @ for_caffe, rtol=1e-6)
    np.testing.assert_array_equal(kernel_of(model, "fc7")[0, 0], fc7.T)


def test_grouped_upsampling_goes_to_the_diagonal(tmp_path):
    arrays, model = caffe_arrays(), net()
    grouped = arrays["upscore"][0][:, :1]
    arrays["upscore"] = [grouped]
    load_caffemodel(model, caffemodel(tmp_path / "net.caffemodel", arrays))
    kernel = kernel_of(model, "upscore")
    for out in range(CLASSES):
        for channel in range(CLASSES):
            expected = grouped[out, 0] if out == channel else np.zeros((64, 64))
            np.testing.assert_array_equal(kernel[:, :, out, channel], expected)


@pytest.mark.parametrize("name", ["voc-fcn8s.caffemodel", "voc-fcn8s.v1.caffemodel"])
def test_file_of_real_caffe(name):
    model = net(FCN8s, 21, padding="caffe")
    loaded = load_caffemodel(model, DATA / name)
    assert len(loaded.copied) == 21
    assert not loaded.missing + loaded.unused
    fixture = np.load(DATA / "voc-fcn8s.npz")
    scores = np.array(model(fixture["image0"][None].astype(np.float32)))[0]
    np.testing.assert_allclose(scores, fixture["score0"], atol=1e-5 * np.abs(fixture["score0"]).max())


def test_what_was_and_was_not_copied_is_said(tmp_path):
    arrays = {"conv1_1": caffe_arrays()["conv1_1"], "fc8": [np.ones((10, 32), np.float32)]}
    model = net()
    before = kernel_of(model, "conv1_2")
    loaded = load_caffemodel(model, caffemodel(tmp_path / "net.caffemodel", arrays))
    assert loaded.copied == ("conv1_1",)
    assert loaded.missing == (*CONVOLUTIONS[1:], "fc6", "fc7", "score_fr", "upscore")
    assert str(loaded) == (
        "Copied (1): conv1_1.\n"
        f"Not in the file, kept as they were (16): {', '.join(loaded.missing)}.\n"
        "In the file, not used (1): fc8."
    )
    np.testing.assert_array_equal(kernel_of(model, "conv1_2"), before)


def test_three_channel_conv1_1_stays_out_of_early_fusion(tmp_path):
    arrays, model = caffe_arrays(), net(modality="rgbd")
    loaded = load_caffemodel(model, caffemodel(tmp_path / "net.caffemodel", arrays))
    assert loaded.missing == ("conv1_1_bgrd",)
    assert loaded.unused == ("conv1_1",)
    wide = np.random.default_rng(2).standard_normal((8, 4, 3, 3)).astype(np.float32)
    arrays["conv1_1_bgrd"] = [wide, arrays.pop("conv1_1")[1]]
    assert not load_caffemodel(model, caffemodel(tmp_path / "net.caffemodel", arrays)).missing
    assert kernel_of(model, "conv1_1_bgrd")[2, 1, 3, 6] == wide[6, 3, 2, 1]


def test_late_fusion_loads_by_name(tmp_path):
    arrays = caffe_arrays()
    both = {"upscore": arrays.pop("upscore")}
    both |= {name + suffix: value for name, value in arrays.items() for suffix in ("color", "hha")}
    loaded = load_caffemodel(net(LateFusion), caffemodel(tmp_path / "net.caffemodel", both))
    assert len(loaded.copied) == 33
    assert not loaded.missing + loaded.unused


def change(name, *arrays):
    return {**caffe_arrays(), name: [np.asarray(a, np.float32) for a in arrays]}


NAN = caffe_arrays()["conv3_1"][0].copy()
NAN[3, 2, 1, 0] = np.nan
REFUSED = {
    "classes": (
        caffe_arrays(classes=7),
        r"score_fr kernel \(7, 32, 1, 1\) where the model takes \(5, 32, 1, 1\); upsc",
    ),
    "advice": (caffe_arrays(classes=7), "If `num_classes` differs, build a model with the file's"),
    "bias": (change("conv1_1", np.ones((8, 3, 3, 3)), np.ones(7)), r"conv1_1 bias \(7,\) where the model takes \(8,\)"),
    "bias axes": (change("fc7", np.ones((32, 32)), np.ones((4, 8))), r"fc7 bias \(4, 8\)"),
    "no bias": (change("fc7", np.ones((32, 32))), "fc7 has 1 arrays where the model takes 2"),
    "extra": (change("upscore", np.ones((5, 5, 64, 64)), np.ones(5)), "upscore has 2 arrays where the model takes 1"),
    "product": (change("fc6", np.ones((32, 979)), np.ones(32)), r"fc6 kernel \(32, 979\)"),
    "group": (change("upscore", np.ones((5, 2, 64, 64))), r"upscore kernel \(5, 2, 64, 64\)"),
    "nothing": ({"conv1": [np.ones(3, np.float32)]}, "with conv1 ...; the model has conv1_1, conv1_2"),
    "nan": (change("conv3_1", NAN, np.ones(16)), "NaN or infinity in layer conv3_1"),
    "inf": (change("conv3_1", np.ones((16, 12, 3, 3)), [np.inf, -np.inf] * 8), "NaN or infinity in layer conv3_1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_caffemodel_that_does_not_fit_changes_nothing(tmp_path, untouched, case):
    arrays, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as error:
        load_caffemodel(untouched, caffemodel(tmp_path / "net.caffemodel", arrays))
    assert "net.caffemodel" in str(error.value)


def test_layer_that_is_no_convolution(tmp_path):
    image = keras.Input((4,))
    model = keras.Model(image, keras.layers.Dense(3, name="fc6")(image))
    with pytest.raises(ValueError, match="fc6 is a Dense in the model"):
        load_caffemodel(model, caffemodel(tmp_path / "net.caffemodel", caffe_arrays()))


def at_once_arrays(pool4=0.01):
    draw = np.random.default_rng(5).standard_normal
    scale = {"scale_pool4": [np.full(20, pool4)], "score_pool4": [draw((CLASSES, 20, 1, 1)), draw(CLASSES)]}
    return {k: [np.float32(a) for a in v] for k, v in scale.items()}


def test_fixed_scales_are_confirmed_not_copied(tmp_path):
    path = caffemodel(tmp_path / "net.caffemodel", at_once_arrays())
    loaded = load_caffemodel(net(FCN16s, at_once=True), path)
    assert loaded.copied == ("score_pool4",)
    assert loaded.confirmed == ("scale_pool4",)
    assert loaded.unused == ()
    assert "Fixed, and the same (1): scale_pool4." in str(loaded)


@pytest.mark.parametrize(
    ("at_once", "scale", "message"),
    [
        (True, 0.5, "score_pool4 expects a pool times 0.5, where the model's is times 0.01"),
        (
            False,
            0.01,
            "score_pool4 expects a pool times 0.01, where the model's is times 1. Scaled skips .*at_once=True",
        ),
        (True, None, "score_pool4 expects a pool times 1, where the model's is times 0.01"),
    ],
)
def test_other_scales_are_refused(tmp_path, at_once, scale, message):
    arrays = at_once_arrays(scale or 1)
    if scale is None:
        del arrays["scale_pool4"]
    with pytest.raises(ValueError, match=message):
        load_caffemodel(net(FCN16s, at_once=at_once), caffemodel(tmp_path / "net.caffemodel", arrays))


def test_damaged_and_missing_caffemodel(tmp_path, untouched):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(layer("conv1_1", blob(np.ones(3)))[:-2])
    with pytest.raises(ValueError, match=r"must be a whole .caffemodel"):
        load_caffemodel(untouched, path)
    with pytest.raises(FileNotFoundError):
        load_caffemodel(untouched, tmp_path / "absent")


# --- transplant ---------------------------------------------------------------------------------------------


def test_transplant_to_the_finer_net():
    source, target = randomise(net(FCN16s)), net(FCN8s)
    fresh = weights_of(target)
    copied = transplant(source, target)
    assert copied == [*CONVOLUTIONS, "fc6", "fc7", "score_fr", "upscore2", "score_pool4"]
    theirs, ours = weights_of(source), weights_of(target)
    for key in ours:
        expected = theirs if key.split("/")[0] in copied else fresh
        np.testing.assert_array_equal(ours[key], expected[key], err_msg=key)


def test_transplant_shares_no_memory():
    source, target = randomise(net()), net()
    before = np.array(kernel_of(source, "fc6"))
    transplant(source, target)
    target.get_layer("fc6").kernel.assign_add(keras.ops.ones((7, 7, 20, 32)))
    np.testing.assert_array_equal(kernel_of(source, "fc6"), before)
    np.testing.assert_array_equal(kernel_of(target, "fc6"), before + 1)


def test_transplant_to_other_classes_keeps_the_trunk():
    source, target = randomise(net(FCN16s)), net(FCN16s, 3)
    assert transplant(source, target) == [*CONVOLUTIONS, "fc6", "fc7"]
    assert not kernel_of(target, "score_fr").any()


@pytest.mark.parametrize("suffix", ["color", "hha"])
def test_transplant_into_late_fusion(suffix):
    heads = {"sem": 4, "geo": 3}
    source, target = randomise(net(FCN16s, heads)), net(LateFusion, heads, skips=1)
    copied = transplant(source, target, suffix=suffix)
    scores = [f"score_{x}{suffix}_{head}" for head in heads for x in ("fr", "pool4")]
    assert sorted(copied) == sorted([n + suffix for n in (*CONVOLUTIONS, "fc6", "fc7")] + scores)
    np.testing.assert_array_equal(kernel_of(target, f"score_fr{suffix}_geo"), kernel_of(source, "score_fr_geo"))
    np.testing.assert_array_equal(kernel_of(target, "conv4_2" + suffix), kernel_of(source, "conv4_2"))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16", "float16"])
def test_transplant_between_dtype_policies(policy):
    source = randomise(net())
    keras.config.set_dtype_policy(policy)
    try:
        target = net()
    finally:
        keras.config.set_dtype_policy("float32")
    transplant(source, target)
    dtype = target.get_layer("fc6").kernel.dtype
    expected = keras.ops.cast(keras.ops.cast(kernel_of(source, "fc6"), dtype), "float32")
    np.testing.assert_array_equal(keras.ops.cast(target.get_layer("fc6").kernel, "float32"), expected)
    back = net()
    transplant(target, back)
    np.testing.assert_array_equal(kernel_of(back, "fc6"), expected)


def test_transplant_tells_of_the_photographs():
    first, second = Photographs((8, 8), (9, 9), (9, 9)), Photographs((5, 5), (5, 5), (5, 5))
    source, target, fused = net(), net(FCN16s), net(LateFusion)
    remember_photographs(source, first)
    transplant(source, target)
    transplant(source, fused, suffix="color")
    assert photographs_of(target) == photographs_of(fused) == first
    assert fused.get_layer("preprocesshha").photographs is None
    remember_photographs(source, second)
    transplant(source, target)  # what it knows itself stays
    assert photographs_of(target) == first


def test_transplant_that_does_not_fit_changes_nothing(untouched):
    wide = net(channels=(CHANNELS[0], 48))
    with pytest.raises(ValueError, match=r"same shapes .*fc6: \[\(7, 7, 20, 48\), \(48,\)\] into \[\(7, 7, 20, 32\)"):
        transplant(wide, untouched)
    with pytest.raises(ValueError, match=r"Received: fcn32s .suffix 'colour'. with conv1_1.*; the model has conv1_1"):
        transplant(net(), untouched, suffix="colour")


@pytest.mark.parametrize(("source", "target"), [(True, False), (False, True)])
def test_transplant_between_scaled_and_unscaled_skips(source, target):
    numbers = ("0.01", "1") if source else ("1", "0.01")
    with pytest.raises(ValueError, match="expects a pool times {}, where the model's is times {}".format(*numbers)):
        transplant(net(FCN16s, at_once=source), net(FCN16s, at_once=target))
    assert "fc6" in transplant(net(at_once=source), net(FCN16s, at_once=target))
