"""TLS for both ports, from a file in the format of TensorFlow Serving's `--ssl_config_file`."""

import ssl
import tempfile
from pathlib import Path
from typing import NamedTuple

import grpc

from . import settings as config


class Tls(NamedTuple):
    """Keys and certificates, as PEM text; `client_verify` asks clients for a certificate of `custom_ca`."""

    server_key: str
    server_cert: str
    custom_ca: str = ""
    client_verify: bool = False


def read_tls(path):
    """Read an `SSLConfig`, and try its keys.

    Raises:
        ValueError: if a field is missing, or key and certificate are no pair; the file is named, the key not repeated.
        OSError: if the file cannot be read.
    """
    message = config.read_ssl(path)
    tls = Tls(message.server_key, message.server_cert, message.custom_ca, message.client_verify)
    for name in ("server_key", "server_cert"):
        if not getattr(tls, name):
            raise ValueError(f'{path}: {name} is missing. Expected: {name}: "-----BEGIN ...", the PEM text itself.')
    if tls.client_verify and not tls.custom_ca:
        raise ValueError(f"{path}: client_verify needs custom_ca, whose certificates clients show.")
    try:
        context(tls)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(f"{path}: the PEM texts are no key and certificate that belong together: {error}") from None
    return tls


def context(tls):
    """Make REST's `ssl.SSLContext`.

    Raises:
        ssl.SSLError: if the texts are not what they should be.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    with tempfile.TemporaryDirectory() as folder:  # which nobody else may read; `ssl` takes files alone
        cert, key = Path(folder, "cert"), Path(folder, "key")
        cert.write_text(tls.server_cert)
        key.write_text(tls.server_key)
        made.load_cert_chain(cert, key, password=_no_password)
    if tls.custom_ca:
        made.load_verify_locations(cadata=tls.custom_ca)
    if tls.client_verify:
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def credentials(tls):
    """Make gRPC's server credentials."""
    pair = (tls.server_key.encode(), tls.server_cert.encode())
    return grpc.ssl_server_credentials([pair], tls.custom_ca.encode() or None, tls.client_verify)


def _no_password():
    raise ValueError("the key is encrypted, and nobody is there to type its password")
