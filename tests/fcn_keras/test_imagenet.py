"""VGG16's weights, or a network of ours, into networks: what they are worth here, and what does not fit."""

from pathlib import Path

import keras
import numpy as np
import pytest

from fcn_keras import vgg16_files
from fcn_keras.backbone import VGG16
from fcn_keras.imagenet import OtherWidthError, check_weights, load_imagenet, settled
from fcn_keras.models import FCN8s, FCN32s, LateFusion
from tests.fcn_keras.small_nets import CLASSES, CONVOLUTIONS, kernel_of, net, randomise
from tests.weight_files import CHANNELS, caffemodel, npz, published_h5, torchvision, vgg16_arrays

TORCH_WEIGHTS = Path(__file__).parents[3] / "shared" / "data" / "weights" / "vgg16_conv_imagenet_rgb01_f16.npz"


def test_dense_classifier_becomes_convolutions(tmp_path):
    arrays, model = vgg16_arrays(), net()
    load_imagenet(model, published_h5(tmp_path / "vgg.h5", arrays))
    pool5 = np.random.default_rng(3).standard_normal((7, 7, 20))
    found = np.einsum("yxi,yxio->o", pool5, kernel_of(model, "fc6"))
    np.testing.assert_allclose(found, pool5.ravel() @ arrays["fc6"][0].astype(np.float64), rtol=1e-6)
    np.testing.assert_array_equal(kernel_of(model, "fc7")[0, 0], arrays["fc7"][0])
    np.testing.assert_array_equal(model.get_layer("fc7").bias, arrays["fc7"][1])


def test_narrower_classifier_stays_fresh(tmp_path):
    model = net(channels=(CHANNELS[0], 16))
    before = kernel_of(model, "fc6")
    loaded = load_imagenet(model, published_h5(tmp_path / "vgg.h5", vgg16_arrays()))
    assert loaded.missing == ("fc6", "fc7", "score_fr", "upscore")
    assert loaded.unused == ("fc6", "fc7", "fc8")
    np.testing.assert_array_equal(kernel_of(model, "fc6"), before)


def test_early_fusion_gets_the_mean_for_depth(tmp_path):
    arrays, model = vgg16_arrays(), net(modality="rgbd")
    loaded = load_imagenet(model, published_h5(tmp_path / "vgg.h5", arrays))
    assert loaded.copied[0] == "conv1_1_bgrd"
    kernel, bias = model.get_layer("conv1_1_bgrd").get_weights()
    np.testing.assert_array_equal(kernel[:, :, :3], arrays["conv1_1"][0])
    by_hand = arrays["conv1_1"][0].astype(np.float64).sum(axis=2) / 3
    np.testing.assert_allclose(kernel[:, :, 3], by_hand, atol=1e-6)
    np.testing.assert_array_equal(bias, arrays["conv1_1"][1])


def test_late_fusion_gets_both_backbones(tmp_path):
    arrays, model = vgg16_arrays(), net(LateFusion)
    loaded = load_imagenet(model, published_h5(tmp_path / "vgg.h5", arrays))
    assert set(loaded.missing) == {"score_frcolor", "score_frhha", "upscore"}
    for suffix in ("color", "hha"):
        np.testing.assert_array_equal(kernel_of(model, "conv1_1" + suffix), arrays["conv1_1"][0])
        np.testing.assert_array_equal(kernel_of(model, "fc7" + suffix)[0, 0], arrays["fc7"][0])


# --- preprocessing="torch" -----------------------------------------------------------------------------------


def first_convolution(model, name, image):
    inputs = {k: v[None].astype(np.float32) for k, v in image.items()} if isinstance(image, dict) else image[None]
    return np.array(keras.Model(model.input, model.get_layer(name).output)(inputs))[0]


def torch_convolution(kernel, bias, image):
    """Convolve normalised RGB in float64; valid pixels only."""
    x = (image[..., :3] / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))  # (H-2, W-2, C, 3, 3)
    return np.maximum(np.einsum("hwcyx,yxco->hwo", windows, kernel.astype(np.float64)) + bias, 0)


@pytest.mark.parametrize("mean", [None, (114.578, 115.294, 108.353)])
def test_torch_weights_see_raw_pixels_as_they_were_trained(tmp_path, mean):
    arrays, model = vgg16_arrays(), net(mean=mean)
    load_imagenet(model, npz(tmp_path / "torch.npz", arrays), preprocessing="torch")
    image = np.random.default_rng(4).integers(0, 256, (32, 32, 3)).astype(np.float32)
    found = first_convolution(model, "conv1_1", image)[1:-1, 1:-1]
    expected = torch_convolution(*arrays["conv1_1"], image)
    np.testing.assert_allclose(found, expected, atol=2e-5 * expected.max())
    np.testing.assert_array_equal(kernel_of(model, "conv1_2"), arrays["conv1_2"][0])


def test_torch_weights_in_early_and_late_fusion(tmp_path):
    arrays = vgg16_arrays()
    path = npz(tmp_path / "torch.npz", arrays)
    image = np.random.default_rng(4).integers(0, 256, (32, 32, 4)).astype(np.float32)
    image[..., 3] = 0  # unknown depth adds nothing
    early = net(modality="rgbd")
    load_imagenet(early, path, preprocessing="torch")
    expected = torch_convolution(*arrays["conv1_1"], image)
    found = first_convolution(early, "conv1_1_bgrd", image)[1:-1, 1:-1]
    np.testing.assert_allclose(found, expected, atol=2e-5 * expected.max())
    kernel = kernel_of(early, "conv1_1_bgrd")
    np.testing.assert_allclose(kernel[:, :, 3], kernel[:, :, :3].mean(axis=2), atol=1e-6)

    late = net(LateFusion)
    load_imagenet(late, path, preprocessing="torch")
    hha = np.broadcast_to(np.float32([132.431, 94.076, 118.477]), (32, 32, 3))  # its mean
    both = {"rgb": image[..., :3], "hha": hha}
    found = first_convolution(late, "conv1_1color", both)[1:-1, 1:-1]
    np.testing.assert_allclose(found, expected, atol=2e-5 * expected.max())
    neutral = first_convolution(late, "conv1_1hha", both)[5, 5]
    np.testing.assert_allclose(neutral, np.maximum(arrays["conv1_1"][1], 0), atol=1e-5)
    flipped = kernel_of(late, "conv1_1hha")[..., ::-1, :] * 255 * np.reshape([0.229, 0.224, 0.225], (3, 1))
    np.testing.assert_allclose(flipped, arrays["conv1_1"][0], rtol=1e-5)


@pytest.mark.skipif(not TORCH_WEIGHTS.exists(), reason="needs ../shared/data")
def test_real_torch_weights(tmp_path):
    model = FCN32s(CLASSES, channels=(VGG16[0], 8))
    loaded = load_imagenet(model, TORCH_WEIGHTS, preprocessing="torch")
    assert loaded.copied == tuple(CONVOLUTIONS)
    with np.load(TORCH_WEIGHTS) as file:
        kernel, bias = file["conv1_1_W"], file["conv1_1_b"]
    image = np.random.default_rng(4).integers(0, 256, (32, 32, 3)).astype(np.float32)
    expected = torch_convolution(kernel, bias, image)
    found = first_convolution(model, "conv1_1", image)[1:-1, 1:-1]
    np.testing.assert_allclose(found, expected, atol=2e-5 * expected.max())


def test_narrower_trunk_is_an_error(tmp_path):
    narrow = net(channels=(((8, 2), (12, 2), (10, 3), (20, 3), (20, 3)), 32))
    with pytest.raises(ValueError, match=r"layer conv3_1: its kernel.*is `channels` narrower"):
        load_imagenet(narrow, published_h5(tmp_path / "vgg.h5", vgg16_arrays()))


def test_model_without_vgg16(tmp_path):
    image = keras.Input((4,))
    with pytest.raises(ValueError, match=r"`model` must have the layers conv1_1 ... fc7"):
        load_imagenet(keras.Model(image, keras.layers.Dense(3)(image)), tmp_path / "x.h5")
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(8, 3, name="conv1_1")(image)
    bare = keras.Model(image, keras.layers.Conv2D(32, 1, name="fc6")(x))
    with pytest.raises(ValueError, match='`preprocessing="torch"` needs the layer preprocess'):
        load_imagenet(bare, npz(tmp_path / "vgg.npz", vgg16_arrays()), preprocessing="torch")


def test_published_file_is_chosen_by_width(tmp_path, monkeypatch):
    asked = []
    path = published_h5(tmp_path / "vgg.h5", vgg16_arrays())

    def get_file(name, url, **options):
        asked.append((name, url, options))
        return str(path)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    assert "fc6" in load_imagenet(net()).copied
    vgg16_files.download(True)
    (narrow, url, options), (full, _, _) = asked
    assert narrow == "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert url == keras.src.applications.vgg16.WEIGHTS_PATH_NO_TOP
    assert options == {"cache_subdir": "models", "file_hash": "6d6bbae143d832006294945121d1f1fc"}
    assert full == "vgg16_weights_tf_dim_ordering_tf_kernels.h5"


# --- whose pixels -------------------------------------------------------------------------------------------


def test_whose_pixels_is_told_by_the_kind_of_file(tmp_path):
    arrays = vgg16_arrays(classifier=False)
    keras_file, torch_file = published_h5(tmp_path / "v.h5", arrays), torchvision(tmp_path / "v.safetensors", arrays)
    caffe_file = caffemodel(tmp_path / "v.caffemodel", {k: (np.zeros((8, 3, 3, 3)), b) for k, (_, b) in arrays.items()})
    assert settled(None, None)[0] == settled(keras_file, None)[0] == settled(caffe_file, None)[0] == "caffe"
    given = "Its weights were trained on RGB / 255 minus mean over std (torch), as given."
    assert settled(keras_file, "torch") == ("torch", given)
    assert settled(torch_file, None) == (
        "torch",
        "Its weights were trained on RGB / 255 minus mean over std (torch), as the names in the file are PyTorch's.",
    )
    value, why = settled(torch_file, "caffe")
    assert value == "caffe"
    assert "right only for Caffe's weights that were given PyTorch's names" in why
    with pytest.raises(ValueError, match=r"A \.caffemodel was trained on BGR 0-255 .*v\.caffemodel"):
        settled(caffe_file, "torch")
    with pytest.raises(ValueError, match=r"`preprocessing` is one of .*Received: 'tf'"):
        settled(keras_file, "tf")


def test_safetensors_are_folded_unless_their_pixels_are_said(tmp_path):
    arrays = vgg16_arrays()
    path = torchvision(tmp_path / "vgg.safetensors", arrays)
    image = np.random.default_rng(4).integers(0, 256, (32, 32, 3)).astype(np.float32)
    model = net()
    loaded = load_imagenet(model, path)
    found = first_convolution(model, "conv1_1", image)[1:-1, 1:-1]
    expected = torch_convolution(*arrays["conv1_1"], image)
    np.testing.assert_allclose(found, expected, atol=2e-5 * expected.max())
    assert str(loaded).endswith("(torch), as the names in the file are PyTorch's.")
    load_imagenet(model, path, preprocessing="caffe")
    np.testing.assert_array_equal(kernel_of(model, "conv1_1"), arrays["conv1_1"][0])


# --- a network of ours --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A saved FCN-8s with other classes."""
    model = randomise(net(FCN8s, classes=3))
    path = tmp_path_factory.mktemp("ours") / "best.keras"
    model.save(path)
    return model, path


def test_a_network_of_ours_gives_all_but_what_scores(ours):
    source, path = ours
    model = net()
    fresh = {name: kernel_of(model, name) for name in ("score_fr", "upscore")}
    loaded = load_imagenet(model, path)
    assert loaded.copied == (*CONVOLUTIONS, "fc6", "fc7")
    assert loaded.missing == ("score_fr", "upscore")
    assert set(loaded.unused) == {"score_fr", "score_pool3", "score_pool4", "upscore2", "upscore_pool4", "upscore8"}
    assert loaded.pixels == ""
    for name in loaded.copied:
        for mine, theirs in zip(model.get_layer(name).get_weights(), source.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    for name, kernel in fresh.items():
        np.testing.assert_array_equal(kernel_of(model, name), kernel)


def test_a_network_of_ours_with_the_same_classes_gives_its_scores_too(ours):
    source, path = ours
    model = net(classes=3)
    assert load_imagenet(model, path).copied[-1] == "score_fr"
    np.testing.assert_array_equal(kernel_of(model, "score_fr"), kernel_of(source, "score_fr"))


def test_a_network_of_ours_fills_both_backbones_of_late_fusion(ours):
    source, path = ours
    model = net(LateFusion)
    loaded = load_imagenet(model, path)
    assert set(loaded.missing) == {"score_frcolor", "score_frhha", "upscore"}
    assert "fc7" not in loaded.unused
    for suffix in ("color", "hha"):
        np.testing.assert_array_equal(kernel_of(model, "conv4_2" + suffix), kernel_of(source, "conv4_2"))


def test_a_network_of_ours_that_does_not_fit_changes_nothing(ours, untouched, tmp_path):
    _, path = ours
    with pytest.raises(ValueError, match=r"knows its own pixels: leave preprocessing out\. Received: 'caffe', .*best"):
        load_imagenet(untouched, path, preprocessing="caffe")
    narrow = tmp_path / "narrow.keras"
    net(channels=(((4, 1),) * 5, 8)).save(narrow)
    with pytest.raises(
        OtherWidthError, match=r"8-12-16-20-20 filters, fc6 and fc7 32 wide\. Received: .*narrow"
    ) as error:
        load_imagenet(untouched, narrow)
    assert (error.value.received, error.value.expected) == ((4, 4, 4, 4, 4, 8), (8, 12, 16, 20, 20, 32))
    depth = tmp_path / "depth.keras"
    net(modality="rgbd").save(depth)
    with pytest.raises(ValueError, match=r"same kind of images.*depth\.keras with conv1_1_bgrd, the model has conv1_1"):
        load_imagenet(untouched, depth)
    image = keras.Input((8, 8, 3))
    keras.Model(image, keras.layers.Conv2D(3, 1, name="a")(image)).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match=r"other\.keras must have the layers conv1_1 \.\.\. fc7 of VGG16"):
        load_imagenet(untouched, tmp_path / "other.keras")
    path = tmp_path / "damaged.keras"
    path.write_bytes(narrow.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"damaged\.keras"):
        load_imagenet(untouched, path)


# --- looked at before a network is built --------------------------------------------------------------------


def test_what_fits_is_told_without_a_network(ours, tmp_path):
    _, network = ours
    for path in (network, published_h5(tmp_path / "v.h5", vgg16_arrays()), npz(tmp_path / "v.npz", vgg16_arrays())):
        check_weights(path, CHANNELS)
        check_weights(path, (CHANNELS[0], 32))
    check_weights(tmp_path / "v.h5", (CHANNELS[0], 16))  # without fc6 and fc7
    with pytest.raises(OtherWidthError, match=r"fc7 16 wide\. Received"):
        check_weights(network, (CHANNELS[0], 16))
    with pytest.raises(ValueError, match=r"conv1_1: its kernel has shape \(3, 3, 3, 8\), the model's \(3, 3, 3, 64\)"):
        check_weights(tmp_path / "v.h5", VGG16)
