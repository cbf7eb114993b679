"""URLs, tokens and authorities: what is told to whom."""

import os
import sys

import numpy as np
import pytest

from serving.client.client import Client

TOKEN = "correct-horse-battery"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("localhost:8501", r"`url` is http://host:8501 .* Received: 'localhost:8501'"),
        ("ftp://host", "`url` is http"),
        ("http://", "`url` is http"),
        ("http://me:secret@host", "`url` is http"),
        ("http://host:http", "`url` is http"),
        ("grpc://host", "`url` is http://host:8501 or grpc://host:8500"),
        ("grpc://host:1/path", "server's address alone"),
        ("http://host:1/v1/models/m:predict", "server's address alone; `model` tells the model"),
    ],
)
def test_wrong_urls_are_named(url, message):
    with pytest.raises(ValueError, match=message):
        Client(url)


def test_a_path_and_headers_for_proxies(server, servers):
    url = server.url + ("/models" if server is servers["rest"] else "")
    with Client(url, headers={"Authorization": "Bearer x"}) as client:
        client.predict(np.zeros((5, 7, 3), np.uint8))
    headers = {name.lower(): value for name, value in server.headers[0].items()}
    assert headers["authorization"] == "Bearer x"
    if server is servers["rest"]:
        assert server.requests[0][0] == "/models/v1/models/model:predict"


def test_grpc_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.delitem(sys.modules, "serving.client.rpc", raising=False)
    Client("http://localhost")
    with pytest.raises(ImportError, match="pip install grpcio protobuf"):
        Client("grpc://localhost:8500")


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        ("http://example.org", {"token": TOKEN}, "A token goes over https:// or grpcs:// alone"),
        ("grpc://10.0.0.1:8500", {"token": TOKEN}, "Received: grpc://"),
        ("http://localhost.example.org", {"token": TOKEN}, "others could read it"),
        ("https://example.org", {"token": "a\nb"}, "visible ASCII"),
        ("https://example.org", {"token": ""}, "visible ASCII"),
        ("http://localhost", {"ca_file": "x"}, "`ca_file` is for https"),
        ("https://localhost", {"ca_file": __file__}, "`ca_file` is a PEM file of certificates"),
        ("https://localhost", {"ca_file": os.devnull}, "`ca_file` is a PEM file of certificates"),
    ],
)
def test_a_client_keeps_its_token_to_itself(url, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        Client(url, **options)
    assert TOKEN not in str(caught.value)
    Client("http://127.0.0.1:1", token=TOKEN).close()
