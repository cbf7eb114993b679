"""Where images of tasks are read from, what gets the token, and what is refused."""

import base64
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from tests.training.tiny import picture
from training.label_studio.images import Images

PIXELS = picture(6, 8)


def png():
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG")
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Label Studio's server, or a cloud's: it keeps what was asked, and answers what a test put there."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        status, place, body = self.server.pages.get(self.path, (404, "", b""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if place:
            self.send_header("Location", place)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def serving():
    """Return a function that starts a server, and stop them all in the end."""
    servers = []

    def start(pages):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.asked, server.pages = [], pages
        server.host = f"127.0.0.1:{server.server_address[1]}"
        server.url = f"http://{server.host}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def folder(tmp_path):
    """Return the folder that Label Studio serves, beside a file that it does not."""
    (tmp_path / "served" / "a b").mkdir(parents=True)
    for path in ("served/a b/ä.png", "served/c.png", "secret.png"):
        (tmp_path / path).write_bytes(png())
    (tmp_path / "served" / "out.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "served" / "in.png").symlink_to(tmp_path / "served" / "c.png")
    return tmp_path / "served"


@pytest.mark.parametrize("asked", ["a%20b/%C3%A4.png", "c.png", "/c.png", "a%20b/../c.png", "in.png", "x.png&d=c.png"])
def test_local_files(folder, asked):
    np.testing.assert_array_equal(Images(folder).read(f"/data/local-files/?d={asked}", 1), PIXELS)


@pytest.mark.parametrize("asked", ["out.png", "../secret.png", "%2e%2e/secret.png", "a%20b/../../secret.png"])
def test_nothing_outside_the_folder_is_read(folder, asked):
    with pytest.raises(ValueError, match=r"leads out of the folder of local files, and is not read"):
        Images(folder).read(f"/data/local-files/?d={asked}", 1)


def test_a_link_to_itself_is_refused(folder):
    (folder / "loop.png").symlink_to("loop.png")
    with pytest.raises(ValueError, match=r"^/data/local-files/\?d=loop\.png (is a link|cannot be read)"):
        Images(folder).read("/data/local-files/?d=loop.png", 1)


def test_a_local_file_that_is_missing_is_named_as_the_task_names_it(folder):
    with pytest.raises(ValueError, match=r"^/data/local-files/\?d=no.png is missing"):
        Images(folder).read("/data/local-files/?d=no.png", 1)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/data/upload/1/a.png", "/data/upload/1/a.png"),
        ("upload/1/a.png", "/data/upload/1/a.png"),
        ("/data/local-files/?d=a.png", "/data/local-files/?d=a.png"),
        ("{url}/b.png", "/b.png"),
    ],
)
def test_the_server_gets_the_token(serving, address, path):
    server = serving({path: (200, "", png())})
    images = Images(None, server.url + "/", "abcdef")
    np.testing.assert_array_equal(images.read(address.format(url=server.url), 1), PIXELS)
    assert server.asked == [(path, "Token abcdef")]


def token_of(kind):
    claims = base64.urlsafe_b64encode(json.dumps({"token_type": kind}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


def test_a_personal_access_token_is_exchanged(serving):
    pages = {"/a.png": (200, "", png()), "/api/token/refresh/": (200, "", b'{"access": "short"}')}
    server = serving(pages)
    Images(None, server.url, token_of("refresh")).read("/a.png", 1)
    assert server.asked == [("/api/token/refresh/", None), ("/a.png", "Bearer short")]
    pages["/api/token/refresh/"] = (401, "", b"")
    with pytest.raises(ValueError, match=r"did not exchange the token of LABEL_STUDIO_API_KEY: it answered 401\.$"):
        Images(None, server.url, token_of("refresh")).read("/a.png", 1)
    Images(None, server.url, token_of("access")).read("/a.png", 1)
    assert server.asked[-1] == ("/a.png", f"Bearer {token_of('access')}")


def test_an_image_in_a_cloud_comes_by_the_server_and_without_the_token(serving):
    cloud = serving({"/a.png?signed": (200, "", png())})
    coded = base64.urlsafe_b64encode(b"s3://bucket/a.png").decode()
    server = serving({f"/tasks/7/presign/?fileuri={coded}": (303, f"{cloud.url}/a.png?signed", b"")})
    np.testing.assert_array_equal(Images(None, server.url, "abcdef").read("s3://bucket/a.png", 7), PIXELS)
    assert server.asked[0][1] == "Token abcdef"
    assert cloud.asked == [("/a.png?signed", None)]


def test_other_hosts_are_asked_only_if_they_were_named(serving):
    other, third = serving({}), serving({"/b.png": (200, "", png())})
    other.pages |= {"/a.png": (200, "", png()), "/b.png": (302, f"{third.url}/b.png", b"")}
    address = f"http://user:word@{other.host}/a.png?key=secret"
    with pytest.raises(ValueError, match=f"is on {other.host}, which is not asked. Say --image-host") as refused:
        Images(None, "http://127.0.0.1:1", "abcdef").read(address, 1)
    assert "word" not in str(refused.value)
    assert "secret" not in str(refused.value)
    assert other.asked == []
    images = Images(None, None, "abcdef", [other.host])
    images.read(f"{other.url}/a.png", 1)
    assert other.asked == [("/a.png", None)]
    with pytest.raises(ValueError, match=f"is on {third.host}, which is not asked"):
        images.read(f"{other.url}/b.png", 1)
    assert third.asked == []


def test_what_cannot_be_fetched(serving):
    server = serving(
        {"/loop.png": (302, "/loop.png", b""), "/text.png": (200, "", b"text"), "/file": (302, "file:///x", b"")}
    )
    images = Images(None, server.url)
    for address, message in (
        ("/gone.png", r"^/gone\.png cannot be fetched: the server answered 404\.$"),
        ("/loop.png", "is sent on from place to place"),
        ("/file", "is sent on from place to place"),
        ("/text.png", r"^/text\.png cannot be read as an image"),
        ("photo.png", "is no place of an image"),
        ("//host/a.png", "is no place of an image"),
        ("file:///etc/passwd", "is no place of an image"),
    ):
        with pytest.raises(ValueError, match=message):
            images.read(address, 1)
    with pytest.raises(ValueError, match=r"is on Label Studio's server\. Say which that is: --url\.$"):
        Images().read("/data/upload/1/a.png", 1)
    with pytest.raises(ValueError, match="cannot be fetched"):
        Images(None, f"http://{urlsplit('http://127.0.0.1:1').netloc}").read("/a.png", 1)
