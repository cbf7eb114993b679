"""The client against servers that fail and stall: over REST and gRPC it is the same."""

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


def test_large_labels(server):
    wide = np.random.default_rng(0).integers(0, 2**16, (1450, 1450), dtype=np.uint16)
    file = io.BytesIO()
    Image.fromarray(wide).save(file, "PNG", compress_level=0)
    assert len(file.getvalue()) > 4 << 20  # gRPC's own limit
    server.respond = lambda _: {"label_png_bytes": file.getvalue(), "height": 1450, "width": 1450, "status": b""}
    with Client(server.url) as client:
        np.testing.assert_array_equal(client.predict(file.getvalue()), wide)
    assert sent(server)["image_bytes"] == file.getvalue()


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
    ("options", "message"),
    [
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
        Client("http://localhost", **options)


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


def test_a_signature_that_another_thread_forgets_stays_for_this_call(server):
    image = picture()
    with Client(server.url) as client:
        client.metadata()
        server.moods.append(503)
        server.hold = lambda: setattr(client, "_metadata", None)  # as after an answer NOT_FOUND
        np.testing.assert_array_equal(client.predict(image), image[..., 0] // 16)


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


def test_nobody_there():
    with fake_servers.rest() as gone:
        pass
    for url in (gone.url, gone.url.replace("http", "grpc")):
        with Client(url, retries=1) as client, pytest.raises(ServingError, match="refused") as caught:
            client.predict(picture())
        assert caught.value.code == "UNAVAILABLE"


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
import contextlib, io, sys
from serving.client import Client, main

def imported(*names):
    return [name for name in names if name in sys.modules]

rest, rpc, path = sys.argv[1:]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["--help"])
print(imported("numpy", "PIL", "urllib3", "grpc", "google.protobuf", "rich", "fcn_keras"))
sys.modules["urllib3"] = None  # an import of it fails
shapes = [Client(rpc).predict(path).shape]
del sys.modules["urllib3"]
sys.modules["grpc"] = None
shapes.append(Client(rest).predict(path).shape)
assert main([rest, path, "--output", path + ".labels"]) == 0
print(shapes, imported("tensorflow", "tensorflow_serving", "keras", "h5py", "matplotlib", "scipy", "rich"))
"""


def test_nothing_is_imported_that_is_not_used(rest, rpc, tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    command = [sys.executable, "-c", FRESH, rest.url, rpc.url, str(tmp_path / "a.png")]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert output.stdout == f"[]\n1 image labelled in {tmp_path}/a.png.labels\n[(5, 7), (5, 7)] []\n", output.stderr


def test_the_models_are_told_by_rest_alone(rest, rpc):
    rest.names = ["a", "b"]
    with Client(rest.url) as client:
        assert client.served_models() == ["a", "b"]
        rest.described = [{"version": 2, "inputs": [], "labels": [{"head": "", "palette": [[1, 2, 3]]}]}]
        with Client(rest.url, model="b") as second:
            assert {head: x.tolist() for head, x in second.class_colors(2).items()} == {"": [[1, 2, 3]]}
            assert second.class_colors(1) == client.class_colors(2) == {}  # of another version, another model
        rest.described = []
    rest.names = None
    for server in (rest, rpc):
        with Client(server.url) as client, pytest.raises(ServingError, match="does not say which models") as caught:
            client.served_models()
        assert caught.value.code == "UNIMPLEMENTED"
