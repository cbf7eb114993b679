"""Ask a model server once over REST, in terms that `remote` shares."""

import base64
import http.client
import json
import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from ..errors import HTTP_STATUS, ServingError

# Of the codes that share a status, the first.
_CODES = {status: code for code, status in reversed(HTTP_STATUS.items())} | {502: "UNAVAILABLE"}
_SEVERAL = 1 << 16  # bytes read at once, between two looks at the clock


class TryAgain(ServingError):
    """An answer that may be another in a moment: the server is busy, starting, or out of reach.

    Args:
        after: seconds that the server asked to wait.
    """

    def __init__(self, code, message, after=0.0):
        super().__init__(code, message)
        self.after = after


class VersionStatus(NamedTuple):
    """A version of a model on the server; `state` is START, LOADING, AVAILABLE, UNLOADING or END."""

    version: int
    state: str
    code: str
    message: str


class Spec(NamedTuple):
    """An input or output: `dtype` as numpy says it, or `"string"`; a free length in `shape` is -1."""

    dtype: str
    shape: tuple


class Metadata(NamedTuple):
    """The version that answers, and what its signature takes and gives: name -> `Spec`."""

    version: int
    inputs: dict
    outputs: dict


class Model(NamedTuple):
    """Which model is asked."""

    name: str
    version: int | None
    label: str | None
    signature: str


class Rest:
    """TF Serving's REST, over as many kept connections as there are calls at once."""

    def __init__(self, address, model, headers, authorities=None):
        self._address, self._model, self._headers = address, model, dict(headers)
        self._where = f"{address.scheme}://{address.netloc}"
        self._kind = http.client.HTTPConnection
        if address.scheme == "https":
            self._kind = partial(http.client.HTTPSConnection, context=_context(authorities))
        self._idle, self._busy, self._lock, self._closed = [], set(), threading.Lock(), False

    def predict(self, files, metadata, seconds):
        """Ask for one image: `{input: bytes}` -> `{output: value}`."""
        row = {name: {"b64": base64.b64encode(contents).decode()} for name, contents in files.items()}
        body = json.dumps({"signature_name": self._model.signature, "instances": [row]}).encode()
        reply = self._call("POST", f"{self._path(chosen=True)}:predict", body, seconds)
        try:
            (answer,) = reply["predictions"]
            if len(metadata.outputs) == 1:  # which goes without its name
                answer = {next(iter(metadata.outputs)): answer}
            return {name: _from_json(name, value, metadata) for name, value in answer.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._strange(reply) from error

    def status(self, seconds):
        reply = self._call("GET", self._path(), None, seconds)
        try:
            return [
                VersionStatus(
                    int(entry["version"]),
                    entry["state"],
                    entry.get("status", {}).get("error_code", "OK"),
                    entry.get("status", {}).get("error_message", ""),
                )
                for entry in reply["model_version_status"]
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._strange(reply) from error

    def metadata(self, seconds):
        reply = self._call("GET", f"{self._path(chosen=True)}/metadata", None, seconds)
        try:
            version = int(reply["model_spec"]["version"])
            signatures = reply["metadata"]["signature_def"]["signature_def"]
            found = signatures.get(self._model.signature)
            if found:
                sides = ({name: _spec(info) for name, info in found[side].items()} for side in ("inputs", "outputs"))
                return Metadata(version, *sides)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._strange(reply) from error
        raise unknown_signature(self._model, signatures)

    def close(self):
        """Close the connections; calls that wait fail."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
            for connection in self._busy:
                with suppress(OSError, AttributeError):  # not connected yet, or no longer
                    connection.sock.shutdown(socket.SHUT_RDWR)  # wakes who reads from it, and closes it then
        for connection in idle:
            connection.close()

    def _path(self, *, chosen=False):
        name, version, label, _ = self._model
        path = f"{self._address.path}/v1/models/{quote(name, safe='')}"
        if version is not None:
            path += f"/versions/{version}"
        elif chosen and label is not None:
            path += f"/labels/{quote(label, safe='')}"
        return path

    def _call(self, method, path, body, seconds):
        """Send one request, and return what its JSON answer says."""
        deadline = time.monotonic() + seconds
        try:
            status, reason, headers, contents = self._exchange(method, path, body, deadline)
        except TimeoutError as error:
            raise TimeoutError(f"{self._where} did not answer in time.") from error
        except (OSError, http.client.HTTPException) as error:
            said = str(error) or type(error).__name__
            raise TryAgain("UNAVAILABLE", f"{self._where} cannot be reached: {said}.") from error
        try:
            reply = json.loads(contents)
        except ValueError:
            reply = None
        if status == 200 and isinstance(reply, dict):
            return reply
        if status == 200:
            raise self._strange(contents)
        raise self._refusal(status, reason, headers, contents, reply)

    def _refusal(self, status, reason, headers, contents, reply):
        """Make the exception of an answer other than 200."""
        if isinstance(reply, dict) and isinstance(reply.get("error"), str):
            message = reply["error"]
        else:  # not TF Serving's: a proxy's, or another server's
            more = headers.get("Location") or " ".join(contents[:200].decode("utf-8", "replace").split())
            message = f"{self._where} answered {status} {reason}{': ' if more else ''}{more}"
        if status in (429, 502, 503):
            return TryAgain(_CODES[status], message, _seconds(headers.get("Retry-After")))
        if status == 504:
            return TimeoutError(message)
        return ServingError(_CODES.get(status, "UNKNOWN"), message)

    def _exchange(self, method, path, body, deadline):
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection:
            # The server may have closed it since: that is no failure, and a new one is made at once.
            with suppress(ConnectionError, http.client.BadStatusLine):
                return self._send(connection, method, path, body, deadline)
        return self._send(self._kind(self._address.netloc), method, path, body, deadline)

    def _send(self, connection, method, path, body, deadline):
        with self._lock:
            self._busy.add(connection)
        try:
            if connection.sock is None:
                connection.timeout = _left(deadline)
                connection.connect()
            if self._closed:
                raise ConnectionAbortedError("the client is closed")
            connection.sock.settimeout(_left(deadline))
            # A server that refuses may answer and close before it has read all.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, {"Content-Type": "application/json", **self._headers})
            return self._receive(connection, deadline)
        except BaseException:
            connection.close()
            raise
        finally:
            with self._lock:
                self._busy.discard(connection)

    def _receive(self, connection, deadline):
        connected = connection.sock  # the connection forgets it where the server closes after this answer
        connected.settimeout(_left(deadline))
        with connection.getresponse() as response:
            parts = []
            while part := response.read1(_SEVERAL):
                parts.append(part)
                connected.settimeout(_left(deadline))
            if response.length:
                raise http.client.IncompleteRead(b"".join(parts), response.length)
        with self._lock:
            if connection.sock and not self._closed:
                self._idle.append(connection)
        return response.status, response.reason, response.headers, b"".join(parts)

    def _strange(self, reply):
        return ServingError("INTERNAL", f"{self._where} gave an answer that is not TF Serving's: {str(reply)[:200]}")


def _context(authorities):
    """Make what a server's certificate is held against: PEM text, or None for what this machine trusts."""
    context = ssl.create_default_context()
    if authorities is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which trusts nobody else
        try:
            context.load_verify_locations(cadata=authorities)
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(f"`ca_file` is a PEM file of certificates. Received one that is not: {error}") from None
    return context


def unknown_signature(model, signatures):
    """Make the exception for a signature that the model lacks."""
    return ServingError(
        "NOT_FOUND", f"Model {model.name!r} has no signature {model.signature!r}. It has {sorted(signatures)}."
    )


def _left(deadline):
    """Return the seconds left, above 0."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _seconds(header):
    """Read a `Retry-After`: seconds, or a date."""
    header = (header or "").strip()
    if header.isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # none, no date, or one without a zone
        return 0.0


def _spec(info):
    """Read the JSON of a `TensorInfo`."""
    dtype = info["dtype"].removeprefix("DT_").lower()
    dims = info["tensor_shape"].get("dim", [])
    return Spec({"float": "float32", "double": "float64"}.get(dtype, dtype), tuple(int(dim["size"]) for dim in dims))


def _from_json(name, value, metadata):
    if isinstance(value, dict):
        return plain(name, base64.b64decode(value["b64"], validate=True))
    if isinstance(value, str):
        return plain(name, value.encode())
    spec = metadata.outputs.get(name)
    return np.asarray(value, spec.dtype if spec else None)


def plain(name, value):
    """Turn a string output into text, unless its name says that it is a file."""
    if not isinstance(value, bytes):
        return np.asarray(value)
    return value if name.endswith("_bytes") else value.decode("utf-8", "replace")
