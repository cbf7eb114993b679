"""Who may ask, and who may listen in: a bearer token and TLS, for REST and gRPC alike."""

import hmac
import os
import re
import ssl
import tempfile
from pathlib import Path

import grpc

from fcn_keras_console.disk_errors import naming

from .settings import read_ssl

VARIABLE = "FCN_TOKEN"
SHORTEST = 16  # characters: openssl rand -hex 16 makes 32
REFUSED = "A bearer token is needed: Authorization: Bearer TOKEN."


def read_token(path=None):
    """Read the token that requests must bring.

    Args:
        path: a file that holds it, and nothing else; default the environment variable FCN_TOKEN.

    Returns:
        str, or None where neither says one.

    Raises:
        ValueError: if it is too short to be a secret, or cannot stand in a header.
        OSError: if the file cannot be read.
    """
    text = Path(path).read_text(encoding="utf-8", errors="replace") if path else os.environ.get(VARIABLE)
    if text is None:
        return None
    return check_token(text.strip(), path or f"The environment variable {VARIABLE}")


def check_token(token, where):
    """Return a token that can be one.

    Raises:
        ValueError: as `read_token`; the token itself is not repeated.
    """
    if not re.fullmatch(rf"[!-~]{{{SHORTEST},}}", token):
        raise ValueError(
            f"{where}: a token is {SHORTEST} visible ASCII characters or more, without blanks. Received: {len(token)} "
            "characters. Make one with: openssl rand -hex 16"
        )
    return token


def allows(token, header):
    """Tell whether an `Authorization` header (str, bytes or None) brings the token, in a time that does not tell it."""
    if isinstance(header, str):
        header = header.encode("utf-8", "surrogateescape")
    kind, _, given = (header or b"").partition(b" ")
    return hmac.compare_digest(given.strip(), token.encode()) and kind.lower() == b"bearer"


class TokenInterceptor(grpc.aio.ServerInterceptor):
    """Refuse calls without the token, before their message is read.

    Args:
        token: str.
    """

    def __init__(self, token):
        self._token = token
        # Of a stream nothing is read until it is asked for.
        self._refusal = grpc.stream_unary_rpc_method_handler(_refuse)

    async def intercept_service(self, continuation, details):
        """Choose what handles a call."""
        header = dict(details.invocation_metadata).get("authorization")
        return await continuation(details) if allows(self._token, header) else self._refusal


async def _refuse(_, context):
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, REFUSED)


def read_tls(path):
    """Read a `--ssl_config_file`, and try its keys.

    Returns:
        `SSLConfig` message: keys and certificates as PEM text; `client_verify` asks clients for a certificate of
        `custom_ca`.

    Raises:
        ValueError: if a field is missing, or key and certificate are no pair; the file is named, the key not repeated.
        OSError: if the file cannot be read.
    """
    tls = read_ssl(path)
    for name in ("server_key", "server_cert"):
        if not getattr(tls, name):
            raise ValueError(f'{path}: {name} is missing. Expected: {name}: "-----BEGIN ...", the PEM text itself.')
    if tls.client_verify and not tls.custom_ca:
        raise ValueError(f"{path}: client_verify needs custom_ca, whose certificates clients show.")
    try:
        rest_tls(tls)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(f"{path}: the PEM texts are no key and certificate that belong together: {error}") from None
    return tls


def rest_tls(tls):
    """Make REST's `ssl.SSLContext` of an `SSLConfig`.

    Raises:
        ssl.SSLError: if the texts are not what they should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    with tempfile.TemporaryDirectory() as folder:  # which nobody else may read; `ssl` takes files alone
        cert, key = Path(folder, "cert"), Path(folder, "key")
        with naming(tempfile.gettempdir()):
            cert.write_text(tls.server_cert)
            key.write_text(tls.server_key)
        context.load_cert_chain(cert, key, password=_no_password)
    if tls.custom_ca:
        context.load_verify_locations(cadata=tls.custom_ca)
    if tls.client_verify:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def grpc_tls(tls):
    """Make gRPC's server credentials of an `SSLConfig`."""
    pair = (tls.server_key.encode(), tls.server_cert.encode())
    return grpc.ssl_server_credentials([pair], tls.custom_ca.encode() or None, tls.client_verify)


def _no_password():
    raise ValueError("the key is encrypted, and nobody is there to type its password")
