"""What the signatures answer, beside `fcn_keras.predict`."""

import io

import numpy as np
import pytest
import scipy.special
import tensorflow as tf
from PIL import Image

from fcn_keras import inference
from fcn_keras.colors import class_colors
from fcn_keras.models import FCN8s, FCN32s, LateFusion
from fcn_keras.photographs import Photographs
from fcn_keras.scaled_inference import predict_scaled, remember_photographs
from serving.export.saved_model.frozen_network import freeze
from serving.export.saved_model.limits import MAX_DECODED, Limits
from serving.export.saved_model.signatures import build
from tests.serving.image_files import encode, evaluated, files, picture
from tests.serving.nets import TINY, in_bfloat16, labels_of, randomize

KNOWN = Photographs((40, 50), (40, 50), (40, 50))


def decode(contents):
    return np.asarray(Image.open(io.BytesIO(contents)))


def built(net, *, max_pixels=10_000, extras=(), scale=None):
    """Make the signatures, and save nothing."""
    limits = Limits(max_pixels, max_pixels, MAX_DECODED)
    functions = build(freeze(net)[0], limits=limits, extras=extras, scale=scale)
    return {
        name: lambda f=f, **given: f(*(given[spec.name] for spec in f.input_signature)) for name, f in functions.items()
    }


@pytest.fixture(scope="module")
def two_heads():
    """A network of two heads, and its signatures with all further outputs, for images of up to 2000 pixels."""
    net = randomize(FCN8s({"sem": 3, "geo": 257}, channels=TINY))
    return net, built(net, max_pixels=2000, extras=("color", "counts", "confidence", "confidence_map"))


def test_files_of_all_kinds_and_sizes_get_the_labels_of_predict(net, served):
    contents = list(files().values())
    answer = served.signatures["serving_default"](image_bytes=tf.constant(contents))
    assert set(answer) == {"label_png_bytes", "height", "width", "status"}
    assert set(answer["status"].numpy()) == {b""}
    assert answer["height"].dtype == answer["width"].dtype == tf.int32
    for name, data, png, height, width in zip(
        files(), contents, *(answer[key].numpy() for key in ("label_png_bytes", "height", "width")), strict=True
    ):
        expected = labels_of(net, evaluated(data))
        assert Image.open(io.BytesIO(png)).mode == "L", name
        assert (height, width) == expected.shape, name
        np.testing.assert_array_equal(decode(png), expected, err_msg=name)


def test_tensors_and_scores(net, served):
    images = np.stack([picture(40, 70), picture(40, 70, seed=1)])
    scores = served.signatures["predict_scores"](image=tf.constant(images.astype("float32")))["scores"].numpy()
    labels = served.signatures["predict_tensors"](image=tf.constant(images))["label"].numpy()
    assert labels.dtype == np.uint8
    for image, given, label in zip(images, scores, labels, strict=True):
        expected = inference.predict(net, image, output="scores")
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
        np.testing.assert_array_equal(label, expected.argmax(axis=-1))


def test_no_images_get_no_answers(served):
    answer = served.signatures["serving_default"](image_bytes=tf.constant([], tf.string))
    assert {key: x.shape for key, x in answer.items()} == dict.fromkeys(
        ("label_png_bytes", "height", "width", "status"), (0,)
    )


def test_a_bad_file_does_not_fail_its_neighbours(net, served):
    image = picture(37, 53)
    contents = [b"no image", encode(image), encode(image, "JPEG")[:300], encode(picture(5, 7))]
    answer = {key: x.numpy() for key, x in served.signatures["serving_default"](tf.constant(contents)).items()}
    assert [bool(status) for status in answer["status"]] == [True, False, True, False]
    assert answer["height"].tolist() == [0, 37, 0, 5]
    assert answer["width"].tolist() == [0, 53, 0, 7]
    assert answer["label_png_bytes"][0] == answer["label_png_bytes"][2] == b""
    np.testing.assert_array_equal(decode(answer["label_png_bytes"][1]), labels_of(net, image))


def test_heads_answer_by_name_with_further_outputs(two_heads):
    net, run = two_heads
    image = picture(37, 53)
    answer = {
        key: x.numpy() for key, x in run["serving_default"](image_bytes=tf.constant([encode(image), b""])).items()
    }
    scores = inference.predict(net, image, output="scores")
    labels = {head: x.argmax(axis=-1) for head, x in scores.items()}
    kinds = ("png_bytes", "color_png_bytes", "class_pixels", "confidence", "confidence_map_bytes")
    assert set(answer) == {"height", "width", "status"} | {f"{head}_{kind}" for head in labels for kind in kinds}
    for head, count in {"sem": 3, "geo": 257}.items():
        np.testing.assert_array_equal(decode(answer[f"{head}_png_bytes"][0]), labels[head])  # of geo, in 16 bits
        assert answer[f"{head}_class_pixels"].dtype == np.int64
        expected = [np.bincount(labels[head].ravel(), minlength=count), np.zeros(count)]
        np.testing.assert_array_equal(answer[f"{head}_class_pixels"], expected)
        colors = decode(answer[f"{head}_color_png_bytes"][0])
        np.testing.assert_array_equal(colors, class_colors(count)[labels[head]])
        shares = scipy.special.softmax(scores[head].astype("float64"), axis=-1).max(axis=-1)
        np.testing.assert_allclose(answer[f"{head}_confidence"], [shares.mean(), 0], rtol=1e-5)
        sure = decode(answer[f"{head}_confidence_map_bytes"][0])
        assert sure.dtype == np.uint8
        assert np.abs(sure - 255 * shares).max() < 0.501
        assert answer[f"{head}_color_png_bytes"][1] == answer[f"{head}_confidence_map_bytes"][1] == b""


def test_heads_of_tensors_and_scores(two_heads):
    _, run = two_heads
    image = picture(37, 53)
    tensors = run["predict_tensors"](image=tf.constant(image[None]))
    assert {name: x.dtype for name, x in tensors.items()} == {"sem_label": tf.uint8, "geo_label": tf.uint16}
    scores = run["predict_scores"](image=tf.constant(image[None].astype("float32")))
    assert {name: x.shape[-1] for name, x in scores.items()} == {"sem_scores": 3, "geo_scores": 257}


def test_the_largest_size_is_the_exports(two_heads):
    answer = two_heads[1]["serving_default"](
        image_bytes=tf.constant([encode(picture(40, 50)), encode(picture(41, 50))])
    )
    assert answer["height"].numpy().tolist() == [40, 0]
    assert b"41 pixels high and 50 wide; more than 2000 pixels are refused" in answer["status"].numpy()[1]


@pytest.fixture(scope="module")
def scaled():
    """A network that knows photographs of 40x50, and its signatures, which score at most 3000 pixels."""
    net = randomize(FCN8s(5, channels=TINY))
    remember_photographs(net, KNOWN)
    return net, built(net, max_pixels=3000, extras=("counts", "confidence_map"), scale=KNOWN)


def test_photographs_are_scored_at_the_scale_that_is_known(scaled):
    net, run = scaled
    images = [picture(200, 250), picture(40, 50), picture(55, 56), picture(101, 90)]
    contents = tf.constant([*map(encode, images), b"no image"])
    answer = {name: x.numpy() for name, x in run["serving_default"](image_bytes=contents).items()}
    assert answer["status"][:2].tolist() == answer["status"][3:4].tolist() * 2 == [b""] * 2
    sizes = [answer[name].tolist() for name in ("height", "width", "scored_height", "scored_width")]
    own = [(200, 250, 40, 50), (40, 50, 40, 50), (0, 0, 0, 0), (101, 90, 47, 42), (0, 0, 0, 0)]
    assert list(zip(*sizes, strict=True)) == own
    refused = b"This image is scored at 55 pixels high and 56 wide; more than 3000 pixels are refused. Scale it down."
    assert answer["status"][2] == refused  # it is not far larger, and too large for the limit
    for number in (0, 1, 3):
        expected = predict_scaled(net, images[number])
        given = decode(answer["label_png_bytes"][number])
        assert given.shape == expected.shape
        assert (given == expected).mean() > 0.999  # floats are added in another order
        np.testing.assert_array_equal(answer["class_pixels"][number], np.bincount(given.ravel(), minlength=5))
        sure = predict_scaled(net, images[number], output="confidence")
        assert np.abs(decode(answer["confidence_map_bytes"][number]) - 255 * sure).max() < 0.52


def test_every_photograph_may_come_with_a_scale_of_its_own(scaled):
    net, run = scaled
    image = picture(50, 60)
    texts = ["trained", "none", "30", "0.5", "half"]
    contents = tf.constant([encode(image)] * len(texts))
    answer = {
        name: x.numpy() for name, x in run["serving_scaled"](image_bytes=contents, scale=tf.constant(texts)).items()
    }
    sizes = list(zip(answer["scored_height"].tolist(), answer["scored_width"].tolist(), strict=True))
    assert sizes == [(50, 60), (50, 60), (25, 30), (25, 30), (0, 0)]
    assert [bool(status) for status in answer["status"]] == [False] * 4 + [True]
    for number, scale in enumerate((None, 1, 30, 0.5)):
        given = decode(answer["label_png_bytes"][number])
        assert (given == predict_scaled(net, image, scale=scale)).mean() > 0.999


def test_tensors_are_scored_at_that_scale_too(scaled):
    net, run = scaled
    for size in ((120, 150), (45, 45)):
        images = np.stack([picture(*size), picture(*size, seed=1)])
        labels = run["predict_tensors"](image=tf.constant(images))["label"].numpy()
        assert labels.dtype == np.uint8
        for image, given in zip(images, labels, strict=True):
            assert (given == predict_scaled(net, image)).mean() > 0.999
        scores = run["predict_scores"](image=tf.constant(images.astype("float32")))["scores"]
        assert scores.shape == (2, *size, 5)  # these are of every pixel, as ever


def test_a_network_that_takes_more_than_colour_is_scaled():
    net = randomize(FCN32s(5, modality="rgbd", channels=TINY))
    run = built(net, scale=40)
    image, depth = picture(80, 90), np.random.default_rng(0).integers(0, 9000, (80, 90), dtype=np.uint16)
    rgbd = np.concatenate([image.astype("uint16"), depth[..., None]], axis=-1)
    expected = predict_scaled(net, rgbd, scale=40)
    answer = run["serving_default"](
        image_bytes=tf.constant([encode(image)]), depth_png_bytes=tf.constant([encode(depth)])
    )
    assert (decode(answer["label_png_bytes"].numpy()[0]) == expected).mean() > 0.999
    assert (run["predict_tensors"](image=tf.constant(rgbd[None]))["label"][0] == expected).numpy().mean() > 0.999


def test_depth_comes_as_16_bit_png():
    net = randomize(FCN32s(5, modality="rgbd", channels=TINY))
    run = built(net)
    image, depth = picture(40, 50), np.random.default_rng(0).integers(0, 9000, (40, 50), dtype=np.uint16)
    rgbd = np.concatenate([image.astype("uint16"), depth[..., None]], axis=-1)
    expected = labels_of(net, rgbd)

    def ask(image, depth):
        return run["serving_default"](image_bytes=tf.constant([image]), depth_png_bytes=tf.constant([depth]))

    answer = ask(encode(image), encode(depth))
    np.testing.assert_array_equal(decode(answer["label_png_bytes"].numpy()[0]), expected)
    np.testing.assert_array_equal(run["predict_tensors"](image=tf.constant(rgbd[None]))["label"][0], expected)
    no_depth = b"depth_png_bytes: Depth must be a 16-bit grey PNG in millimetres."
    assert ask(encode(image), encode(depth.astype("uint8")))["status"].numpy() == [no_depth]
    assert ask(encode(image), b"")["status"].numpy() == [no_depth]
    assert ask(b"", encode(depth))["status"].numpy()[0].startswith(b"image_bytes: This is not a JPEG")
    sizes = b"image_bytes and depth_png_bytes must have one height and width."
    assert ask(encode(image), encode(depth[:, :-1].copy()))["status"].numpy() == [sizes]


def test_late_fusion_takes_two_files():
    net = randomize(LateFusion(5, channels=TINY))
    run = built(net)
    rgb, hha = picture(40, 50), picture(40, 50, seed=1)
    expected = labels_of(net, {"rgb": rgb, "hha": hha})
    pngs = {"rgb_bytes": tf.constant([encode(rgb)]), "hha_bytes": tf.constant([encode(hha)])}
    np.testing.assert_array_equal(decode(run["serving_default"](**pngs)["label_png_bytes"].numpy()[0]), expected)
    pixels = {"rgb": tf.constant(rgb[None]), "hha": tf.constant(hha[None])}
    np.testing.assert_array_equal(run["predict_tensors"](**pixels)["label"][0], expected)


def test_mixed_precision_is_served_in_float32():
    mixed = in_bfloat16(lambda: FCN32s(5, at_once=True, channels=TINY))
    single = FCN32s(5, at_once=True, channels=TINY)
    single.set_weights(mixed.get_weights())
    image = picture(40, 50)
    scores = built(mixed)["predict_scores"](image=tf.constant(image[None].astype("float32")))
    expected = inference.predict(single, image, output="scores")
    np.testing.assert_allclose(scores["scores"][0], expected, rtol=0, atol=1e-5 * np.abs(expected).max())
