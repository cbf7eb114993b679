"""The client against servers that fail, stall and cut the connection; the server's messages are the real ones."""

import io
import itertools
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.client import client as module
from serving.client.client import Client, ImageRefused, ServingError
from tests.serving import fake_servers
from tests.serving.fake_servers import png

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def servers():
    with fake_servers.rest() as rest, fake_servers.rpc() as rpc:
        yield {"rest": rest, "rpc": rpc}


def fresh(fake):
    """Give a server back its good manners."""
    url, paths = fake.url, getattr(fake, "paths", None)
    fake.__init__()
    fake.url, fake.paths = url, paths
    return fake


@pytest.fixture(params=["rest", "rpc"])
def server(request, servers):
    return fresh(servers[request.param])


@pytest.fixture
def rest(servers):
    return fresh(servers["rest"])


@pytest.fixture
def rpc(servers):
    return fresh(servers["rpc"])


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)


def picture(height=5, width=7, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def sent(server):
    return server.requests[-1][2]


def test_an_image_in_every_form_gives_its_labels(server, tmp_path):
    image = picture()
    (tmp_path / "a.png").write_bytes(png(image))
    file = (tmp_path / "a.png").read_bytes()
    with Client(server.url, model="m") as client:
        for form in (tmp_path / "a.png", str(tmp_path / "a.png"), file, bytearray(file), image, Image.fromarray(image)):
            labels = client.predict(form)
            assert labels.dtype == np.uint8
            np.testing.assert_array_equal(labels, image[..., 0] // 16)
    assert [request[2]["image_bytes"] == file for request in server.requests[:4]] == [True] * 4
    assert {request[:2] for request in server.requests} == {("/v1/models/m:predict", "serving_default")}


def test_arrays_and_pil_images_go_over_without_loss(server):
    image = picture(40, 30)
    with Client(server.url) as client:
        client.predict(image[::2, ::-1])  # a view that is not contiguous
        np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(sent(server)["image_bytes"]))), image[::2, ::-1])
        upright = Image.fromarray(image)
        exif = upright.getexif()
        exif[0x0112] = 6  # to be turned by a quarter
        file = io.BytesIO()
        upright.save(file, "JPEG", exif=exif)
        client.predict(Image.open(file))
        np.testing.assert_array_equal(fake_servers.pixels(sent(server)["image_bytes"]).shape, (30, 40, 3))
        for mode in ("L", "P", "RGBA", "1", "CMYK"):
            assert client.predict(upright.convert(mode)).shape == (40, 30), mode


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


def test_large_labels(server):
    wide = np.random.default_rng(0).integers(0, 2**16, (1500, 1700), dtype=np.uint16)  # 5 MB, incompressible
    file = png(wide)
    server.respond = lambda _: {"label_png_bytes": file, "height": 1500, "width": 1700, "status": b""}
    with Client(server.url) as client:
        np.testing.assert_array_equal(client.predict(file), wide)
    assert len(sent(server)["image_bytes"]) > 4 << 20


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


def test_depth_and_hha_go_to_their_inputs(server, tmp_path):
    image, depth = picture(), np.arange(35, dtype=np.uint16).reshape(5, 7) * 200
    Image.fromarray(depth).save(tmp_path / "depth.png")
    server.respond = lambda inputs: fake_servers.respond({"image_bytes": inputs.get("image_bytes", png(image))})
    server.signature = {**server.signature, "inputs": {"image_bytes": "DT_STRING", "depth_png_bytes": "DT_STRING"}}
    with Client(server.url) as client:
        with pytest.raises(ValueError, match=r"Model 'model' takes image and depth\. Received: image\."):
            client.predict(image)
        client.predict(image, depth=depth)
        assert set(sent(server)) == {"image_bytes", "depth_png_bytes"}
        with Image.open(io.BytesIO(sent(server)["depth_png_bytes"])) as received:
            assert received.mode == "I;16"
            np.testing.assert_array_equal(np.array(received), depth)
        client.predict(image, depth=tmp_path / "depth.png")
        assert sent(server)["depth_png_bytes"] == (tmp_path / "depth.png").read_bytes()
        (answer,) = client.predict_many([{"image": image, "depth": depth}])
        assert answer.error is None
        # The model changes under the client.
        server.signature = {**server.signature, "inputs": {"rgb_bytes": "DT_STRING", "hha_bytes": "DT_STRING"}}
        client.predict(image, hha=image[::-1])
        assert set(sent(server)) == {"rgb_bytes", "hha_bytes"}
        np.testing.assert_array_equal(fake_servers.pixels(sent(server)["hha_bytes"]), image[::-1])
        server.signature = {**server.signature, "inputs": {"any": "DT_STRING"}}
        client.predict(image)
        assert set(sent(server)) == {"any"}
        with pytest.raises(ValueError, match=r"Model 'model' takes image\. Received: image and depth\."):
            client.predict(image, depth=depth)
        with pytest.raises(ValueError, match=r"takes image\. Received: nothing\."):
            client.predict(None)
        server.signature = {**server.signature, "inputs": {"image": "DT_UINT8"}}
        client.metadata()
        with pytest.raises(ValueError, match=r"Signature 'serving_default' takes image \(uint8\)\. Expected one that"):
            client.predict(image)


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
def test_wrong_images_are_named(rest, image, received):
    with Client(rest.url) as client, pytest.raises(ValueError, match=received):
        client.predict(image)
    assert not rest.requests


@pytest.mark.parametrize(
    ("depth", "received"),
    [
        (np.zeros((4, 4), np.uint8), r"`depth` is .* \(H, W\) uint16\. Received: uint8 \(4, 4\)"),
        (np.zeros((4, 4, 1), np.uint16), r"Received: uint16 \(4, 4, 1\)"),
        (Image.new("I;16", (3, 3)), "Received: mode I;16"),
    ],
)
def test_wrong_depth_is_named(rest, depth, received):
    rest.signature = {**rest.signature, "inputs": {"image_bytes": "DT_STRING", "depth_png_bytes": "DT_STRING"}}
    with Client(rest.url) as client, pytest.raises(ValueError, match=received):
        client.predict(picture(), depth=depth)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "localhost:8501"}, r"`url` is http://host:8501 .* Received: 'localhost:8501'"),
        ({"url": "ftp://host"}, "`url` is http"),
        ({"url": "http://"}, "`url` is http"),
        ({"url": "http://me:secret@host"}, "`url` is http"),
        ({"url": "http://host:http"}, "`url` is http"),
        ({"url": "grpc://host"}, "`url` is http://host:8501 or grpc://host:8500"),
        ({"url": "grpc://host:1/path"}, "server's address alone"),
        ({"url": "http://host:1/v1/models/m:predict"}, "server's address alone; `model` tells the model"),
        ({"model": "a/b"}, "`model` is a name without / and :. Received: 'a/b'"),
        ({"model": ""}, "`model` is a name"),
        ({"version": -1}, "`version` is a whole number from 0 on. Received: -1"),
        ({"version": "1"}, "`version` is a whole number from 0 on. Received: '1'"),
        ({"version": 1, "label": "stable"}, "exclude each other. Received: 1 and 'stable'"),
        ({"timeout": 0}, "`timeout` is a number of seconds, up to a day. Received: 0"),
        ({"timeout": float("inf")}, "`timeout` is a number of seconds, up to a day. Received: inf"),
        ({"timeout": float("nan")}, "`timeout` is a number of seconds, up to a day. Received: nan"),
        ({"retries": -1}, "`retries` is a whole number from 0 on. Received: -1"),
        ({"retries": 1.5}, "`retries` is a whole number from 0 on. Received: 1.5"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Client(**{"url": "http://localhost", **options})


def test_the_image_that_is_refused_is_named(server, tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with Client(server.url) as client:
        with pytest.raises(ImageRefused, match=r"notes.txt: Not a JPEG, PNG, BMP or WebP file\."):
            client.predict(tmp_path / "notes.txt")
        with pytest.raises(ValueError, match="the image: Not a JPEG"):
            client.predict(b"no image")
        with pytest.raises(FileNotFoundError, match=r"missing\.png"):
            client.predict(tmp_path / "missing.png")
    assert len(server.requests) == 2


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


@pytest.mark.parametrize(
    ("which", "path"),
    [
        ({"model": "a b"}, {"rest": "/v1/models/a%20b:predict", "rpc": "/v1/models/a b:predict"}),
        ({"version": 0}, "/v1/models/model/versions/0:predict"),
        ({"label": "canary"}, "/v1/models/model/labels/canary:predict"),
    ],
)
def test_which_model_is_asked(server, servers, which, path):
    with Client(server.url, signature="serving_default", **which) as client:
        client.predict(picture())
    assert server.requests[0][0] == (
        path if isinstance(path, str) else path["rest" if server is servers["rest"] else "rpc"]
    )


def test_a_path_and_headers_for_proxies(server, servers):
    url = server.url + ("/models" if server is servers["rest"] else "")
    with Client(url, headers={"Authorization": "Bearer x"}) as client:
        client.predict(picture())
    headers = {name.lower(): value for name, value in server.headers[0].items()}
    assert headers["authorization"] == "Bearer x"
    if server is servers["rest"]:
        assert server.requests[0][0] == "/models/v1/models/model:predict"


def test_status_and_metadata(server):
    server.versions = [(2, "LOADING", "OK", ""), (1, "END", "NOT_FOUND", "gone")]
    with Client(server.url) as client:
        assert client.status() == [(2, "LOADING", "OK", ""), (1, "END", "NOT_FOUND", "gone")]
        assert client.status()[1].message == "gone"
        metadata = client.metadata()
    assert metadata.version == 1
    assert metadata.inputs == {"image_bytes": ("string", (-1,))}
    assert {name: spec.dtype for name, spec in metadata.outputs.items()} == {
        "label_png_bytes": "string",
        "height": "int32",
        "width": "int32",
        "status": "string",
    }


def test_status_is_of_all_versions_or_one(rest):
    for options in ({}, {"version": 3}, {"label": "stable"}):
        with Client(rest.url, **options) as client:
            client.status()
    assert rest.paths[-3:] == ["/v1/models/model", "/v1/models/model/versions/3", "/v1/models/model"]


def test_an_unknown_signature_is_named(server):
    with (
        Client(server.url, signature="other") as client,
        pytest.raises(ServingError, match=r"'model' has no signature 'other'\. It has \['serving_default'\]") as caught,
    ):
        client.predict(picture())
    assert caught.value.code == "NOT_FOUND"


@pytest.mark.parametrize("status", [503, 429])
def test_a_busy_server_is_asked_again(server, status):
    image = picture()
    with Client(server.url) as client:
        server.moods.extend([status, status])  # for the metadata
        client.metadata()
        server.moods.extend([status] * 5)
        np.testing.assert_array_equal(client.predict(image), image[..., 0] // 16)
        assert len(server.requests) == 6
        server.moods.extend([status] * 6)
        with pytest.raises(ServingError, match=f"told to fail with {status}") as caught:
            client.predict(image)
        assert caught.value.code == fake_servers.CODES[status]
        assert len(server.requests) == 12


def test_other_errors_are_told_at_once(server):
    with Client(server.url) as client:
        for status, code in ((400, "INVALID_ARGUMENT"), (404, "NOT_FOUND")):
            client.metadata()
            server.moods.append(status)
            with pytest.raises(ServingError, match=f"told to fail with {status}") as caught:
                client.predict(b"x")
            assert (caught.value.code, caught.value.message) == (code, f"told to fail with {status}")
    assert len(server.requests) == 2


def test_pauses_double_and_keep_to_retry_after(rest, monkeypatch):
    monkeypatch.setattr(module, "FIRST_PAUSE", 1.0)
    later = "Wed, 21 Oct 2015 07:28:00 GMT"  # is over
    with Client(rest.url, timeout=100, retries=6) as client:
        client.metadata()
        pauses = []
        monkeypatch.setattr(client._closed, "wait", pauses.append)
        rest.moods.extend([503, 503, 503, 503, (429, {"Retry-After": "7"}), (429, {"Retry-After": later})])
        client.predict(picture())
        assert len(pauses) == 6
        for pause, most in zip(pauses, (1, 2, 4, 5, None, 5), strict=True):
            assert pause == 7 if most is None else most / 2 <= pause <= most
        rest.moods.append((503, {"Retry-After": "101"}))  # after the timeout: not worth waiting for
        with pytest.raises(ServingError, match="told to fail with 503"):
            client.predict(picture())
    assert len(pauses) == 6


def test_a_retry_after_may_be_a_date():
    from serving.client.rest import _seconds

    in_an_hour = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3600))
    assert 3595 < _seconds(in_an_hour) <= 3600
    assert [_seconds(text) for text in (None, "", "soon", "-5", "0", "2")] == [0, 0, 0, 0, 0, 2]


@pytest.mark.parametrize("mood", ["cut", "half", 502])
def test_a_connection_that_is_cut_is_made_again(rest, mood):
    image = picture()
    with Client(rest.url, retries=2) as client:
        client.metadata()
        rest.moods.extend([mood] * 2)
        np.testing.assert_array_equal(client.predict(image), image[..., 0] // 16)
        rest.moods.extend([mood] * 4)
        with pytest.raises(ServingError) as caught:
            client.predict(image)
    assert caught.value.code == "UNAVAILABLE"


def test_nobody_there():
    with fake_servers.rest() as gone:
        pass
    for url in (gone.url, gone.url.replace("http", "grpc")):
        with Client(url, retries=1) as client, pytest.raises(ServingError, match="refused") as caught:
            client.predict(picture())
        assert caught.value.code == "UNAVAILABLE"


def test_connections_are_kept_and_stale_ones_replaced(rest):
    with Client(rest.url, retries=0) as client:
        for _ in range(3):
            client.predict(picture())
        assert rest.connections == 1
        rest.moods.append("close")
        client.predict(picture())
        client.predict(picture())
    assert rest.connections == 2


def test_answers_that_are_not_tf_servings(rest, monkeypatch):
    from tests.serving.fake_servers import _Handler

    def page(self):
        status, body, headers = self.server.fake.page
        self.send(status, body, headers)

    monkeypatch.setattr(_Handler, "do_GET", page)
    with Client(rest.url, retries=0) as client:
        for answer, code, message in [
            ((200, b"<html>hello</html>", ()), "INTERNAL", "not TF Serving's: b'<html>hello"),
            ((200, b"[]", ()), "INTERNAL", r"not TF Serving's: b'\[\]'"),
            ((200, b'{"a": 1}', ()), "INTERNAL", "not TF Serving's: {'a': 1}"),
            ((404, b"<html>no\n page</html>", ()), "NOT_FOUND", "answered 404 Not Found: <html>no page"),
            ((301, b"", {"Location": "https://x/"}), "UNKNOWN", "answered 301 Moved Permanently: https://x/"),
            ((413, b"", ()), "UNKNOWN", r"answered 413 (Request Entity|Content) Too Large$"),
            ((500, b'{"error": "a bug"}', ()), "UNKNOWN", "^a bug$"),
        ]:
            rest.page = answer
            for ask in (client.status, client.metadata):
                with pytest.raises(ServingError, match=message) as caught:
                    ask()
                assert caught.value.code == code
        rest.page = (504, b'{"error": "too slow"}', ())
        with pytest.raises(TimeoutError, match=r"too slow `timeout` is 60 s"):
            client.status()


def test_a_prediction_that_is_not_tf_servings(rest, monkeypatch):
    with Client(rest.url) as client:
        client.metadata()
        for reply in (
            {},
            {"predictions": []},
            {"predictions": [1]},
            {"predictions": [{"label_png_bytes": {"b64": "?"}}]},
        ):
            monkeypatch.setattr(
                fake_servers._Handler, "do_POST", lambda self, reply=reply: self.rfile.read1() and self.send(200, reply)
            )
            with pytest.raises(ServingError, match="not TF Serving's"):
                client.predict(b"x")


def test_a_server_that_stalls_times_out(server):
    go = threading.Event()
    with Client(server.url, timeout=0.3) as client:
        client.metadata()
        server.hold = go.wait
        start = time.monotonic()
        with pytest.raises(TimeoutError, match=r"did not answer in time.* `timeout` is 0.3 s"):
            client.predict(picture())
        assert 0.25 < time.monotonic() - start < 2
        go.set()
        client.predict(picture())
    assert all(0 < seconds <= 0.35 for seconds in server.seconds)  # gRPC passes the deadline on


def test_a_server_that_drips_times_out(rest, monkeypatch):
    done = threading.Event()

    def drip(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        while not done.wait(0.05):
            self.wfile.write(b" ")
            self.wfile.flush()

    monkeypatch.setattr(fake_servers._Handler, "do_GET", drip)
    with Client(rest.url, timeout=0.3) as client, pytest.raises(TimeoutError, match="did not answer in time"):
        client.status()
    done.set()


def test_a_message_above_the_servers_limit_is_not_sent_again(monkeypatch):
    pauses = []
    with fake_servers.rpc(options=()) as fake, Client(fake.url) as client:
        monkeypatch.setattr(client._closed, "wait", pauses.append)
        client.metadata()
        with pytest.raises(ServingError, match="larger than max") as caught:
            client.predict(bytes(5 << 20))
    assert caught.value.code == "RESOURCE_EXHAUSTED"
    assert not pauses


def test_many_images_come_back_in_order(server):
    images = [picture(seed=seed) for seed in range(6)]
    images.insert(2, b"no image")
    images.insert(4, "missing.png")
    images.insert(5, 3.5)
    second = threading.Event()
    arrived = itertools.count()

    def hold():
        if next(arrived):
            second.set()
        else:
            assert second.wait(10)  # so the first is answered after the second

    server.hold = hold
    told = []
    with Client(server.url) as client:
        answers = list(client.predict_many(iter(images), concurrency=2, progress=told.append))
    assert told == list(range(1, 10))
    assert [answer.image for answer in answers] == images or all(
        a.image is i for a, i in zip(answers, images, strict=True)
    )
    for index, answer in enumerate(answers):
        if index in (2, 4, 5):
            assert answer.labels is None
        else:
            assert answer.error is None
            np.testing.assert_array_equal(answer.labels, images[index][..., 0] // 16)
    assert isinstance(answers[2].error, ImageRefused)
    assert str(answers[2].error) == "image 2: Not a JPEG, PNG, BMP or WebP file."
    assert isinstance(answers[4].error, FileNotFoundError)
    assert "Received: float" in str(answers[5].error)


def test_an_endless_source_is_drawn_a_little_ahead(server):
    drawn, inside, most, lock = itertools.count(), 0, 0, threading.Lock()
    full = threading.Barrier(3)

    def hold():
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        full.wait(10)  # three at once, always
        with lock:
            inside -= 1

    server.hold = hold
    image = picture()

    def endless():
        while True:
            next(drawn)
            yield image

    with Client(server.url) as client:
        answers = client.predict_many(endless(), concurrency=3)
        for count, answer in enumerate(itertools.islice(answers, 12), 1):
            assert answer.error is None
            assert next(drawn) - count + 1 <= count + 6
        full.abort()
        answers.close()
    assert most == 3


def test_what_the_source_raises_is_raised(server):
    def broken():
        yield picture()
        raise RuntimeError("the disk is gone")

    with Client(server.url) as client, pytest.raises(RuntimeError, match="the disk is gone"):
        list(client.predict_many(broken()))


def test_a_wrong_model_is_no_error_of_an_image(server):
    server.moods.append(404)
    with Client(server.url) as client, pytest.raises(ServingError, match="told to fail with 404"):
        list(client.predict_many([picture()]))


def test_wrong_arguments_of_predict_many(rest):
    with Client(rest.url) as client:
        for images in ("a.png", b"x", Path("a.png"), Image.new("L", (1, 1))):
            with pytest.raises(ValueError, match=r"`images` is an iterable of images\. Received: one"):
                client.predict_many(images)
        for concurrency in (0, 1.5, True):
            with pytest.raises(ValueError, match=r"`concurrency` is a positive whole number\. Received: "):
                client.predict_many([], concurrency=concurrency)


def test_closing_ends_calls_under_way(server):
    held, go = threading.Event(), threading.Event()

    def hold():
        held.set()
        go.wait(10)

    server.hold = hold
    client = Client(server.url)
    errors = []

    def call():
        try:
            client.predict(picture())
        except ServingError as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert held.wait(10)
    client.close()
    thread.join(5)
    assert not thread.is_alive()
    go.set()
    assert [error.code for error in errors] == ["CANCELLED"]
    with pytest.raises(ServingError, match="The client is closed"):
        client.predict(picture())


FRESH = """
import sys
from serving.client import Client
rest, rpc, path = sys.argv[1:]
from serving import query
assert "grpc" not in sys.modules
shapes = [Client(rest).predict(path).shape]
from serving.transport import messages, remote
shapes.append(Client(rpc).predict(path).shape)
print(shapes, sorted(name for name in sys.modules if name.partition(".")[0] in
      ("tensorflow", "tensorflow_serving", "keras", "fcn_keras", "h5py", "matplotlib", "scipy")))
"""


def test_tensorflow_is_never_imported(rest, rpc, tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    command = [sys.executable, "-c", FRESH, rest.url, rpc.url, str(tmp_path / "a.png")]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert output.stdout == "[(5, 7), (5, 7)] []\n", output.stderr


def test_grpc_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.delitem(sys.modules, "serving.client.rpc", raising=False)
    Client("http://localhost")
    with pytest.raises(ImportError, match=r'pip install "fcn_keras\[client\]"'):
        Client("grpc://localhost:8500")
