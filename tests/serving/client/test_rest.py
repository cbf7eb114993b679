"""REST: connections that are kept, cut and stale, answers that are not TF Serving's, and what a token may do."""

import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import urllib3

from serving.client.client import Client, ServingError
from serving.client.rest import _retry_after
from tests.serving import fake_servers

VERSION = b'"model_version_status": [{"version": "1", "state": "AVAILABLE"}]'
TWICE = b"{" + VERSION + b", " + VERSION + b"}"


def picture():
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_status_is_of_all_versions_or_one(rest):
    for options in ({}, {"version": 3}, {"label": "stable"}):
        with Client(rest.url, **options) as client:
            client.status()
    assert rest.paths[-3:] == ["/v1/models/model", "/v1/models/model/versions/3", "/v1/models/model"]


def retry_after(text):
    return _retry_after(urllib3.HTTPResponse(headers={} if text is None else {"Retry-After": text}))


def test_a_retry_after_may_be_a_date():
    in_an_hour = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3600))
    assert 3595 < retry_after(in_an_hour) <= 3600
    assert [retry_after(text) for text in (None, "", "soon", "-5", "0", "2")] == [0, 0, 0, 0, 0, 2]
    for text in ("Wed, 21 Oct 99999 07:28:00 GMT", "9" * 5000):  # beyond all calendars, and beyond Python's integers
        assert retry_after(text) == 0


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
    reason = {"cut": "Remote end closed connection without response", "half": r"IncompleteRead\(\d+ bytes read, .*\)"}
    if mood in reason:
        assert re.fullmatch(rf"http://127\.0\.0\.1:\d+ cannot be reached: {reason[mood]}\.", str(caught.value))


def test_the_port_of_grpc_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: other.accept()[0].sendall(b"\x00\x00\x1e\x04\x00\r\n\r\n"))
        url = f"http://127.0.0.1:{other.getsockname()[1]}"
        with Client(url, retries=5) as client, pytest.raises(ServingError) as caught:
            client.status()
    told = f"{url} does not speak HTTP/1.1. If this is the port of gRPC, say {url.replace('http', 'grpc')}."
    assert str(caught.value) == told


def test_connections_are_kept_and_stale_ones_replaced(rest):
    with Client(rest.url, retries=0) as client:
        for _ in range(3):
            client.predict(picture())
        assert rest.connections == 1
        rest.moods.append("close")
        client.predict(picture())
        time.sleep(0.05)  # the server closes after its answer
        client.predict(picture())
    assert rest.connections == 2


def test_answers_that_are_not_tf_servings(rest, monkeypatch):
    def page(self):
        status, body, headers = self.server.fake.page
        self.send(status, body, headers)

    monkeypatch.setattr(fake_servers._Handler, "do_GET", page)
    with Client(rest.url, retries=0) as client:
        for answer, code, message in [
            ((200, b"<html>hello</html>", ()), "INTERNAL", "not TF Serving's: b'<html>hello"),
            ((200, b"[]", ()), "INTERNAL", r"not TF Serving's: b'\[\]'"),
            ((200, b'{"a": 1}', ()), "INTERNAL", "not TF Serving's: {'a': 1}"),
            ((200, TWICE, ()), "INTERNAL", "not TF Serving's: b'{\"model_version_status\""),
            ((200, b"[" * 100_000, ()), "INTERNAL", r"not TF Serving's: b'\[\[\["),
            ((200, '{"a": 1}'.encode("utf-16"), ()), "INTERNAL", "not TF Serving's: b"),
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
        with pytest.raises(TimeoutError, match=r"too slow\. That is the server's limit"):
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


def test_a_server_that_stalls_within_its_answer_times_out(rest, monkeypatch):
    go = threading.Event()

    def stall(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        go.wait(0.8)  # most of the time, then a part of the answer, and nothing more
        self.wfile.write(b" ")
        self.wfile.flush()
        go.wait(5)

    monkeypatch.setattr(fake_servers._Handler, "do_GET", stall)
    with Client(rest.url, timeout=1) as client:
        start = time.monotonic()
        with pytest.raises(TimeoutError, match="did not answer in time"):
            client.status()
        assert time.monotonic() - start < 1.7  # not a second after that part
    go.set()


def test_a_token_is_for_one_server_alone(rest, monkeypatch):
    """Neither a redirection nor a proxy of the environment sends it elsewhere."""
    with fake_servers.rest() as other:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url)
        with Client(rest.url, token="correct-horse", retries=0) as client:
            client.metadata()
            for status in (301, 302, 303, 307, 308):
                rest.moods.append((status, {"Location": f"{other.url}/v1/models/model:predict"}))
                with pytest.raises(ServingError, match="told to fail"):
                    client.predict(picture())
        assert other.connections == 0
    assert {headers["Authorization"] for headers in rest.headers} == {"Bearer correct-horse"}
