"""Choose by a URL how the server is asked, and check what may be sent to it."""

import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit


def connect(url, model, headers, token, ca_file):
    """Make the transport for a URL: `Rest` or `Rpc`. The arguments are those of `client.Client`.

    Raises:
        ValueError: on an argument that is not what it should be.
        ImportError: if gRPC's packages are missing.
        OSError: if `ca_file` cannot be read.
    """
    address = urlsplit(url)
    schemes = ("http", "https", "grpc", "grpcs")
    if address.scheme not in schemes or not address.hostname or "@" in address.netloc or not _has_port(address):
        raise ValueError(f"`url` is http://host:8501 or grpc://host:8500 (or https, grpcs). Received: {url!r}.")
    address = address._replace(path=address.path.rstrip("/"))
    is_rest = address.scheme.startswith("http")
    if token is not None:
        headers = {**headers, "Authorization": _bearer(token, address)}
    if ca_file is not None and not address.scheme.endswith("s"):
        raise ValueError(f"`ca_file` is for https:// and grpcs://. Received: {url!r}.")
    authorities = Path(ca_file).read_text(encoding="utf-8", errors="replace") if ca_file is not None else None
    if "/v1" in address.path or address.query or (address.path and not is_rest):
        raise ValueError(f"`url` is the server's address alone; `model` tells the model. Received: {url!r}.")
    if is_rest:
        from .rest import Rest

        return Rest(address, model, headers, authorities)
    try:
        from .rpc import Rpc
    except ImportError as error:
        raise ImportError(
            "grpc:// needs grpcio and protobuf: pip install grpcio protobuf. http:// does not."
        ) from error
    return Rpc(address, model, headers, authorities)


def _bearer(token, address):
    """Make the header's value; the token itself is in no message."""
    if not isinstance(token, str) or not re.fullmatch("[!-~]+", token):
        raise ValueError("`token` is a str of visible ASCII characters, without blanks. Received: another value.")
    if not address.scheme.endswith("s") and not _is_this_machine(address.hostname):
        raise ValueError(
            f"A token goes over https:// or grpcs:// alone: others could read it on the way. Received: {address.scheme}"
            "://. Where nobody can, pass it in `headers`."
        )
    return f"Bearer {token}"


def _is_this_machine(host):
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _has_port(address):
    try:
        return address.port is not None or address.scheme.startswith("http")
    except ValueError:  # no number
        return False
