"""What goes over, and what labels are made of it; through the client, whose transports tell bytes and texts apart."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from serving.client.client import Answer, Client, ServingError
from serving.client.payload import file_of, heads_of, scaling_of, value_of
from tests.serving import fake_servers
from tests.serving.fake_servers import png


def picture(height=5, width=7, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def sent(server):
    return server.requests[-1][2]


def test_arrays_and_pil_images_go_over_without_loss(server):
    image = picture(40, 30)
    with Client(server.url) as client:
        client.predict(image[::2, ::-1])  # a view that is not contiguous
        np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(sent(server)["image_bytes"]))), image[::2, ::-1])
        for mode in ("L", "P", "RGBA", "1", "CMYK"):
            assert client.predict(Image.fromarray(image).convert(mode)).shape == (40, 30), mode


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_pil_image_is_turned_as_its_file_is(rest, kind):
    """By EXIF. TIFF files are turned by Pillow itself."""
    stored = Image.fromarray(picture(4, 6))
    stored.getexif()[0x0112] = 6  # a quarter to the right: the stored left column, from below, is the upper row
    file = saved(stored, kind, exif=stored.getexif())
    with Client(rest.url) as client:
        labels = client.predict(Image.open(io.BytesIO(file)))
    assert labels.shape == (6, 4)
    if kind in ("PNG", "TIFF"):  # without loss
        np.testing.assert_array_equal(labels[0], np.array(stored)[::-1, 0, 0] // 16)
    if kind != "TIFF":
        np.testing.assert_array_equal(labels, fake_servers.label(file))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_xmp_turns_no_image(rest, kind):
    """As it turns none in training and on the server, though Pillow's `exif_transpose` believes it."""
    packet = b'<x:xmpmeta tiff:Orientation="6"/>'
    options = {"xmp": packet}
    if kind == "PNG":
        options = {"pnginfo": PngImagePlugin.PngInfo()}
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", packet.decode())
    image = Image.open(io.BytesIO(saved(Image.fromarray(picture(4, 6)), kind, **options)))
    assert image.getexif()[0x0112] == 6
    with Client(rest.url) as client:
        labels = client.predict(image)
    np.testing.assert_array_equal(labels, np.array(image.convert("RGB"))[..., 0] // 16)


def test_damaged_exif_is_no_harm():
    image = Image.fromarray(picture(4, 6))
    for image.info["exif"] in (b"", None, b"Exif\0\0junk", b"\xff" * 100):
        with Image.open(io.BytesIO(file_of(image, "image"))) as sent_image:
            np.testing.assert_array_equal(np.array(sent_image), picture(4, 6))


def test_labels_of_16_bits_and_heads(server):
    wide = (np.arange(12).reshape(3, 4) * 30).astype(np.uint16)
    answer = {"height": 3, "width": 4, "status": b""}
    server.respond = lambda _: {"label_png_bytes": png(wide), **answer}
    with Client(server.url) as client:
        labels = client.predict(b"x")
        assert labels.dtype == np.uint16
        np.testing.assert_array_equal(labels, wide)
        server.respond = lambda _: {"sem_png_bytes": png(wide), "geo_png_bytes": png(wide.astype("uint8")), **answer}
        heads = client.predict(b"x")
    assert set(heads) == {"sem", "geo"}
    np.testing.assert_array_equal(heads["sem"], wide)
    np.testing.assert_array_equal(heads["geo"], wide.astype("uint8"))


@pytest.mark.parametrize(
    ("image", "received"),
    [
        (np.zeros((4, 4), np.uint8), r"`image` is .* \(H, W, 3\) uint8\. Received: uint8 \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"Received: uint8 \(4, 4, 4\)"),
        (np.zeros((4, 4, 3), np.float32), r"Received: float32 \(4, 4, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), r"Received: uint8 \(0, 4, 3\)"),
        (np.zeros((), np.uint8), r"Received: uint8 \(\)"),
        (7, "Received: int"),
        (Image.new("F", (3, 3)), "Received: mode F"),
        (Image.open(io.BytesIO(png(picture())[:60])), "A PIL image cannot be read"),
    ],
)
def test_wrong_images_are_named(image, received):
    with pytest.raises(ValueError, match=received):
        file_of(image, "image")


@pytest.mark.parametrize(
    ("depth", "received"),
    [
        (np.zeros((4, 4), np.uint8), r"`depth` is .* \(H, W\) uint16\. Received: uint8 \(4, 4\)"),
        (np.zeros((4, 4, 1), np.uint16), r"Received: uint16 \(4, 4, 1\)"),
        (Image.new("I;16", (3, 3)), "Received: mode I;16"),
    ],
)
def test_wrong_depth_is_named(depth, received):
    with pytest.raises(ValueError, match=received):
        file_of(depth, "depth")


def test_labels_that_do_not_fit_are_refused(server):
    labels = png(picture(3, 4)[..., 0])
    answer = {"label_png_bytes": labels, "height": 3, "width": 4, "status": b""}
    with Client(server.url) as client:
        for wrong, message in [
            ({"height": 4}, r"the server's labels cannot be read: L \(3, 4\) for an image of \(4, 4\)"),
            ({"label_png_bytes": labels[:50]}, "the server's labels cannot be read"),
            ({"label_png_bytes": b"GIF"}, "the server's labels cannot be read"),
            ({"label_png_bytes": png(np.zeros((3, 4, 3), np.uint8))}, r"cannot be read: RGB \(3, 4\)"),
        ]:
            server.respond = lambda _, wrong=wrong: {**answer, **wrong}
            with pytest.raises(ServingError, match=message) as caught:
                client.predict(b"x")
            assert caught.value.code == "INTERNAL"
        server.respond = lambda _: {"scores": 1.5, "height": 3}
        with pytest.raises(ServingError, match=r"the model gives \['scores'\]\. Expected label_png_bytes"):
            client.predict(b"x")


def test_an_only_output_goes_without_its_name(server):
    image = picture()
    server.signature = {"inputs": {"x": "DT_STRING"}, "outputs": {"label_png_bytes": "DT_STRING"}}
    server.respond = lambda _: {"label_png_bytes": png(image[..., 0])}
    with Client(server.url) as client:
        np.testing.assert_array_equal(client.predict(image), image[..., 0])


def test_other_outputs_are_kept(server):
    counts = [3, 0, 9_000_000_000]
    more = {"color_png_bytes": b"\x89PNG\xff", "class_pixels": counts, "confidence": 0.25}
    server.signature = {
        "inputs": {"image_bytes": "DT_STRING"},
        "outputs": {"label_png_bytes": "DT_STRING", "class_pixels": "DT_INT64", "confidence": "DT_FLOAT"},
    }
    server.respond = lambda inputs: {**fake_servers.respond(inputs), **more}
    image = picture()
    with Client(server.url) as client:
        (answer,) = client.predict_many([image])
    assert answer.image is image
    assert answer.error is None
    np.testing.assert_array_equal(answer.labels, image[..., 0] // 16)
    assert set(answer.outputs) == set(more)
    assert answer.outputs["color_png_bytes"] == b"\x89PNG\xff"
    assert answer.outputs["class_pixels"].dtype == np.int64
    assert answer.outputs["class_pixels"].tolist() == counts
    assert answer.outputs["confidence"].dtype == np.float32
    assert answer.outputs["confidence"] == 0.25


def test_confidence_maps_are_decoded():
    labels, map_ = np.zeros((3, 4), np.uint8), np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    np.testing.assert_array_equal(Answer(None, labels, {"confidence_map_bytes": png(map_)}, None).confidence, map_)
    heads = {f"{head}_confidence_map_bytes": png(map_) for head in ("sem", "geo")}
    answer = Answer(None, {"sem": labels, "geo": labels}, heads, None)
    assert {head: x.tolist() for head, x in answer.confidence.items()} == dict.fromkeys(("sem", "geo"), map_.tolist())
    assert Answer(None, labels, {"confidence": 0.5}, None).confidence is None
    assert Answer(None, None, {}, ValueError()).confidence is None
    for wrong in (b"PNG", png(map_[:2]), png(map_.astype(np.uint16))):
        with pytest.raises(ServingError, match=r"confidence map cannot be read|has 8 bits. Received: uint16"):
            _ = Answer(None, labels, {"confidence_map_bytes": wrong}, None).confidence


def test_how_a_photograph_was_scaled():
    labels = np.zeros((30, 40), np.uint8)
    assert scaling_of(labels, {}) is None
    assert scaling_of(labels, {"scored_height": np.array(30), "scored_width": np.array(40)}) is None
    scored = {"scored_height": np.array(3), "scored_width": np.array(4)}
    assert scaling_of(labels, scored) == scaling_of({"sem": labels, "geo": labels}, scored) == ((30, 40), (3, 4))


def test_heads_are_told_by_the_names_of_outputs():
    assert heads_of(["label_png_bytes", "color_png_bytes", "height", "confidence"]) == [""]
    assert heads_of(["sem_png_bytes", "geo_png_bytes", "sem_color_png_bytes"]) == ["sem", "geo"]
    assert heads_of(["label_png_bytes", "confidence_map_bytes"]) == [""]
    assert heads_of(["scores"]) == []


def test_bytes_are_files_or_texts_by_their_name():
    assert value_of("color_png_bytes", b"\xff") == b"\xff"
    assert value_of("status", b"caf\xc3\xa9 \xff") == "caf\u00e9 \ufffd"
    assert value_of("counts", [1, 2]).tolist() == [1, 2]
