"""Who may connect and ask, what a request may name, and what is sent back with every answer."""

import contextlib
import http.client
import json
import re
import shutil
import socket
import ssl
import time

import grpc
import pytest
import tensorflow as tf
import trustme
from tensorflow_serving.apis import predict_pb2

from serving.client import command as query
from serving.client.client import Client, ServingError
from serving.server import security
from serving.server.command import main, running
from serving.server.page.app import FILES
from serving.server.settings import Monitoring
from tests.attacks.http2 import Http2

TOKEN = "correct-horse-battery"
SECRET = "nobody-reads-this"
WRONG = (None, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, f"Basic {TOKEN}", "Bearer ", "Bearer \xe9")
PATHS = ("/", "/page/page.js", "/page/models", "/page/none", "/none", "/v1/models/line", "/v1/none", "/metrics")


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def files(tmp_path_factory, authority):
    """Write the server's file, the authority's and another one's; and a client's pair."""
    folder, server = tmp_path_factory.mktemp("tls"), authority.issue_cert("localhost", "127.0.0.1")
    key = server.private_key_pem.bytes().decode()
    chain = "".join(part.bytes().decode() for part in server.cert_chain_pems)
    ca = authority.cert_pem.bytes().decode()
    (folder / "ssl.config").write_text(ssl_config(server_key=key, server_cert=chain))
    (folder / "mutual.config").write_text(
        ssl_config(server_key=key, server_cert=chain, custom_ca=ca, client_verify=True)
    )
    (folder / "ca.pem").write_text(ca)
    (folder / "other.pem").write_bytes(trustme.CA().cert_pem.bytes())
    (folder / "token").write_text(f"{TOKEN}\n")
    return folder


def ssl_config(**values):
    return "\n".join(f"{name}: {json.dumps(value)}" for name, value in values.items())


@pytest.fixture(scope="module")
def secured(line, files):
    options = {"ssl_config_file": files / "ssl.config", "token": TOKEN, "client_timeout_seconds": 1}
    with running({"line": line}, monitoring=Monitoring(True, "/metrics"), **options) as addresses:
        yield addresses


def test_calls_that_say_nothing_end_at_once_without_the_token_and_in_time_with_it(secured):
    method = "/tensorflow.serving.PredictionService/Predict"
    with Http2(secured.grpc, tls=True) as stranger, Http2(secured.grpc, tls=True) as friend:
        for _ in range(100):
            stranger.call(method)
        stranger.read(10, lambda: len(stranger.ended) == 100)
        assert len(stranger.ended) == 100
        started = time.monotonic()
        for _ in range(100):
            friend.call(method, None, ("authorization", f"Bearer {TOKEN}"))
        friend.read(0.5)
        assert friend.ended == set()
        friend.read(10, lambda: len(friend.ended) == 100)
        assert len(friend.ended) == 100
        assert time.monotonic() - started > 0.9


def asked(addresses, path, context=None, method="GET", **headers):
    address = addresses.rest.split("//")[1]
    kind = http.client.HTTPSConnection if addresses.rest.startswith("https") else http.client.HTTPConnection
    options = {"context": context} if context else {}
    with contextlib.closing(kind(address, timeout=20, **options)) as connection:
        connection.request(method, path, b"{}" if method == "POST" else None, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def predict(address, credentials=None, metadata=()):
    request = predict_pb2.PredictRequest(inputs={"x": tf.make_tensor_proto([3.0])})
    request.model_spec.name = "line"
    channel = grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address)
    with channel:
        call = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            predict_pb2.PredictRequest.SerializeToString,
            predict_pb2.PredictResponse.FromString,
        )
        try:
            return call(request, timeout=20, metadata=metadata).outputs["y"].float_val[0]
        except grpc.RpcError as error:
            return error.code().name


def test_rest_answers_over_tls_to_the_token_alone(secured, files):
    assert secured.rest.startswith("https://127.0.0.1:")
    context = ssl.create_default_context(cafile=files / "ca.pem")
    for path in PATHS:
        for header in WRONG:
            status, headers, body = asked(secured, path, context, **({"Authorization": header} if header else {}))
            if path in FILES:  # the page, which asks for it
                assert status == 200
                continue
            assert (status, headers["www-authenticate"]) == (401, "Bearer"), (path, header)
            assert json.loads(body) == {"error": security.REFUSED}
    for kind in ("Bearer", "bearer"):
        assert asked(secured, "/v1/models/line", context, Authorization=f"{kind} {TOKEN}")[0] == 200
    assert asked(secured, "/metrics", context, Authorization=f"Bearer {TOKEN}")[0] == 200
    assert asked(secured, "/v1/models/line:predict", context, "POST")[0] == 401
    with pytest.raises(ssl.SSLCertVerificationError):
        asked(secured, "/", ssl.create_default_context(cafile=files / "other.pem"))
    plain = secured._replace(rest=secured.rest.replace("https", "http"))
    with pytest.raises((http.client.BadStatusLine, ConnectionError)):
        asked(plain, "/v1/models/line")


def test_grpc_answers_over_tls_to_the_token_alone(secured, authority, files):
    trusted = grpc.ssl_channel_credentials((files / "ca.pem").read_bytes())
    bearer = (("authorization", f"Bearer {TOKEN}"),)
    assert predict(secured.grpc, trusted, bearer) == 6.0
    assert predict(secured.grpc, trusted) == "UNAUTHENTICATED"
    assert predict(secured.grpc, trusted, (("authorization", f"Bearer {TOKEN}x"),)) == "UNAUTHENTICATED"
    assert (
        predict(secured.grpc, grpc.ssl_channel_credentials((files / "other.pem").read_bytes()), bearer) == "UNAVAILABLE"
    )
    assert predict(secured.grpc, None, bearer) == "UNAVAILABLE"


def test_clients_may_have_to_show_a_certificate(line, files, authority):
    pair = authority.issue_cert("client.example")
    key, chain, ca = pair.private_key_pem.bytes(), pair.cert_chain_pems[0].bytes(), (files / "ca.pem").read_bytes()
    with running({"line": line}, ssl_config_file=files / "mutual.config") as addresses:
        assert predict(addresses.grpc, grpc.ssl_channel_credentials(ca, key, chain)) == 6.0
        assert predict(addresses.grpc, grpc.ssl_channel_credentials(ca)) == "UNAVAILABLE"
        context = ssl.create_default_context(cafile=files / "ca.pem")
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.BadStatusLine)):
            asked(addresses, "/v1/models/line", context)
        pair.configure_cert(context)
        assert asked(addresses, "/v1/models/line", context)[0] == 200


@pytest.mark.parametrize("kind", ["rest", "grpc"])
def test_the_client_and_the_command_bring_token_and_authority(secured, files, kind, capsys, monkeypatch):
    url = secured.rest if kind == "rest" else f"grpcs://{secured.grpc}"
    with Client(url, model="line", token=TOKEN, ca_file=files / "ca.pem") as client:
        assert [version.state for version in client.status()] == ["AVAILABLE"]
    with Client(url, model="line", ca_file=files / "ca.pem", retries=0) as client:
        with pytest.raises(ServingError) as caught:
            client.status()
        assert caught.value.code == "UNAUTHENTICATED"
    client = Client(url, model="line", token=TOKEN, ca_file=files / "other.pem", retries=0, timeout=3)
    with client, pytest.raises((ServingError, TimeoutError)):
        client.status()
    arguments = [url, "--model=line", "--status", f"--ca-file={files / 'ca.pem'}"]
    assert query.main([*arguments, f"--token-file={files / 'token'}"]) == 0
    monkeypatch.setenv("FCN_TOKEN", TOKEN)
    assert query.main(arguments) == 0
    assert capsys.readouterr().out == "line version 1 AVAILABLE\n" * 2
    monkeypatch.setenv("FCN_TOKEN", "x" * 20)
    assert query.main(arguments) == 2
    assert TOKEN not in capsys.readouterr().err


def test_wrong_tokens_and_keys_are_told_in_one_line_without_them(line, files, tmp_path, capsys, monkeypatch):
    text = (files / "ssl.config").read_text()
    other = trustme.CA().issue_cert("localhost").private_key_pem.bytes().decode()
    secret = other.splitlines()[3]
    written = {
        "short": "secret",
        "blank": "a token with blanks in it",
        "empty": "",
        "no.config": "server_key: 1",
        "keyless.config": ssl_config(server_cert="x"),
        "pair.config": re.sub(r"server_key: .*", lambda _: ssl_config(server_key=other), text),
        "nobody.config": text + "\nclient_verify: true",
        "text.config": ssl_config(server_key="secret", server_cert="secret"),
    }
    for name, contents in written.items():
        (tmp_path / name).write_text(contents)
    monkeypatch.chdir(tmp_path)
    base = [f"--model_base_path={line}", "--port=0", "--rest_api_port=0"]
    for arguments, message in [
        (["--token_file=short"], "short: a token is 16 visible ASCII characters or more"),
        (["--token_file=blank"], "Received: 25 characters"),
        (["--token_file=empty"], "Received: 0 characters"),
        (["--token_file=none"], "--token_file none is missing."),
        (["--ssl_config_file=no.config"], "no.config:1: "),
        (["--ssl_config_file=keyless.config"], "keyless.config: server_key is missing"),
        (["--ssl_config_file=pair.config"], "pair.config: the PEM texts are no key and certificate that belong"),
        (["--ssl_config_file=nobody.config"], "nobody.config: client_verify needs custom_ca"),
        (["--ssl_config_file=text.config"], "text.config: the PEM texts"),
        (["--ssl_config_file=none"], "--ssl_config_file none is missing."),
    ]:
        assert main([*base, *arguments]) == 2, arguments
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
        assert secret not in error


@pytest.fixture(scope="module")
def open_to_all(line, tmp_path_factory):
    """A server without TLS and token, with a secret in every folder around the version, and in it."""
    top = tmp_path_factory.mktemp("open")
    base = top / "models" / "line"
    shutil.copytree(line, base)
    for place in (top, top / "models", base, base / "1", base / "1" / "assets"):
        place.mkdir(exist_ok=True)
        (place / "secret.txt").write_text(SECRET)
    with running({"line": base}) as addresses:
        yield addresses, top


def test_every_answer_has_a_policy_for_browsers(open_to_all):
    addresses, _ = open_to_all
    for method in ("GET", "POST", "OPTIONS", "DELETE", "HEAD"):
        for path in (*PATHS, *FILES, "/v1/models/none", "/v1/models/line:predict", "/%3Cscript%3E"):
            _, headers, body = asked(addresses, path, method=method)
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'"), (method, path)
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert b"<script>" not in body or path in FILES
    host, port = addresses.rest.split("//")[1].split(":")
    with socket.create_connection((host, int(port))) as client:  # what is no HTTP
        client.sendall(b"<script>\r\n\r\n")
        assert b"<script>" not in client.recv(4096)


def test_no_request_names_a_path(open_to_all):
    """The folder above the versions, the versions' files, and the machine's are nowhere in an answer."""
    addresses, top = open_to_all
    for path in (
        "/v1/models/../../secret.txt",
        "/v1/models/..%2f..%2fsecret.txt",
        "/v1/models/%2e%2e%2f%2e%2e%2fsecret.txt:predict",
        "/v1/models/line/versions/../secret.txt",
        "/v1/models/line/labels/..%2fsecret.txt",
        "/v1/models/line/secret.txt",
        "/page/../secret.txt",
        "/page/%2e%2e/%2e%2e/secret.txt",
        f"/page/{top}/secret.txt",
        f"//{top}/secret.txt",
        f"/page/file://{top}/secret.txt",
        "/secret.txt",
    ):
        for method in ("GET", "POST"):
            status, _, body = asked(addresses, path, method=method)
            # 200: the status of a model's versions, for which TF Serving does not look at the label
            assert status in (400, 404, 405) or (status == 200 and "/labels/" in path), (method, path)
            assert SECRET not in body.decode()
    for name in ("../../secret.txt", str(top / "secret.txt"), "file:///etc/passwd", "gs://x/y"):
        for body in ({"signature_name": name, "instances": [1.0]}, {"inputs": {name: 1.0}}):
            address = addresses.rest.split("//")[1]
            with contextlib.closing(http.client.HTTPConnection(address)) as connection:
                connection.request("POST", "/v1/models/line:predict", json.dumps(body))
                answer = connection.getresponse()
                assert answer.status == 400
                assert SECRET not in answer.read().decode()
