"""Ask a model server once over REST. Connections, TLS and `Retry-After` are a matter of urllib3."""

import base64
import json
import socket
import ssl
import threading
import time
import weakref
from contextlib import suppress
from http.client import BadStatusLine
from urllib.parse import quote

import numpy as np
import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader, NewConnectionError

from ..errors import HTTP_STATUS, ServingError
from .payload import value_of
from .transport import Metadata, ServedVersion, Spec, TryAgain, unknown_signature, unlisted

# Of the codes that share a status, the first.
_CODES = {status: code for code, status in reversed(HTTP_STATUS.items())} | {502: "UNAVAILABLE"}
_BLOCK = 1 << 16  # bytes read at once, between two looks at the clock
_KEPT = 1000  # connections: more than anybody has calls at once


class Rest:
    """TF Serving's REST, over as many kept connections as there are calls at once."""

    def __init__(self, address, model, headers, authorities=None):
        self._address, self._model = address, model
        self._headers = {"Content-Type": "application/json", **headers}
        self._server = f"{address.scheme}://{address.netloc}"
        tls = {"ssl_context": _context(authorities)} if address.scheme == "https" else {}
        self._pool = urllib3.connection_from_url(self._server, maxsize=_KEPT, **tls)
        self._connections, self._lock, kind = weakref.WeakSet(), threading.Lock(), self._pool.ConnectionCls
        self._pool.ConnectionCls = lambda **options: self._noted(kind(**options))

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
                ServedVersion(
                    int(entry["version"]),
                    entry["state"],
                    entry.get("status", {}).get("error_code", "OK"),
                    entry.get("status", {}).get("error_message", ""),
                )
                for entry in reply["model_version_status"]
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._strange(reply) from error

    def served_models(self, seconds):
        return [entry["name"] for entry in self._listed(seconds)]

    def class_colors(self, version, seconds):
        """Return the colours of a version's classes by head, as that list tells them; of the heads that have some."""
        versions = [
            v for entry in self._listed(seconds) if entry["name"] == self._model.name for v in entry["versions"]
        ]
        try:
            labels = [
                label for described in versions if described["version"] == version for label in described["labels"]
            ]
            found = {label["head"]: np.array(label["palette"], np.uint8).reshape(-1, 3) for label in labels}
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise self._strange(versions) from error
        return {head: colors for head, colors in found.items() if len(colors)}

    def _listed(self, seconds):
        """List the models as the page of `fcn-serve` reads them; TF Serving has no such list."""
        try:
            reply = self._call("GET", f"{self._address.path}/page/models", None, seconds, kind=list)
            return [{"name": entry["name"], "versions": entry["versions"]} for entry in reply]
        except (KeyError, TypeError) as error:
            raise unlisted(self._server) from error
        except ServingError as error:
            if error.code not in ("NOT_FOUND", "INVALID_ARGUMENT", "UNIMPLEMENTED", "INTERNAL"):
                raise
            raise unlisted(self._server) from error

    def metadata(self, seconds):
        reply = self._call("GET", f"{self._path(chosen=True)}/metadata", None, seconds)
        try:
            version = int(reply["model_spec"]["version"])
            signatures = reply["metadata"]["signature_def"]["signature_def"]
            signature = signatures.get(self._model.signature)
            if signature:
                sides = (
                    {name: _spec(info) for name, info in signature[side].items()} for side in ("inputs", "outputs")
                )
                return Metadata(version, *sides)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._strange(reply) from error
        raise unknown_signature(self._model, signatures)

    def close(self):
        """Close the connections; calls that wait fail."""
        self._pool.close()  # those that nobody uses
        with self._lock:
            for connection in self._connections:
                with suppress(OSError, AttributeError):  # not connected yet, or no longer
                    connection.sock.shutdown(socket.SHUT_RDWR)  # wakes who reads from it, and closes it then

    def _noted(self, connection):
        with self._lock:
            self._connections.add(connection)
        return connection

    def _path(self, *, chosen=False):
        name, version, label, _ = self._model
        path = f"{self._address.path}/v1/models/{quote(name, safe='')}"
        if version is not None:
            path += f"/versions/{version}"
        elif chosen and label is not None:
            path += f"/labels/{quote(label, safe='')}"
        return path

    def _call(self, method, path, body, seconds, kind=dict):
        """Send one request, and return the object, or the list, in its JSON answer."""
        try:
            response, contents = self._exchange(method, path, body, time.monotonic() + seconds)
        except (TimeoutError, HTTPError) as error:
            late = isinstance(error, (TimeoutError, urllib3.exceptions.TimeoutError))
            if late and not isinstance(error, NewConnectionError):  # which urllib3 counts among them
                raise TimeoutError(f"{self._server} did not answer in time.") from error
            cause = error.__cause__ or error.args[-1]  # without urllib3's words around it
            if type(cause) is BadStatusLine:  # a server of something else; trying again would not help
                grpc = self._server.replace("http", "grpc", 1)
                raise ServingError(
                    "UNAVAILABLE", f"{self._server} does not speak HTTP/1.1. If this is the port of gRPC, say {grpc}."
                ) from error
            reason = str(cause) or type(cause).__name__
            raise TryAgain("UNAVAILABLE", f"{self._server} cannot be reached: {reason}.") from error
        reply = _parse(contents)
        if response.status != 200:
            raise self._refusal(response, contents, reply)
        if not isinstance(reply, kind):
            raise self._strange(contents)
        return reply

    def _refusal(self, response, contents, reply):
        """Make the exception of an answer other than 200."""
        status = response.status
        if isinstance(reply, dict) and isinstance(reply.get("error"), str):
            message = reply["error"]
        else:  # not TF Serving's: a proxy's, or another server's
            more = response.headers.get("Location") or " ".join(contents[:200].decode("utf-8", "replace").split())
            message = f"{self._server} answered {status} {response.reason}{': ' if more else ''}{more}"
        if status in (429, 502, 503):
            return TryAgain(_CODES[status], message, _retry_after(response))
        if status == 504:
            return TimeoutError(message)
        return ServingError(_CODES.get(status, "UNKNOWN"), message)

    def _exchange(self, method, path, body, deadline):
        """Send a request, and return the response with its contents.

        No redirection is followed: a token must not come to another server.
        """
        response = self._pool.urlopen(
            method,
            path,
            body,
            self._headers,
            timeout=urllib3.Timeout(total=_left(deadline)),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        contents = bytearray()
        with response:
            while response.connection is not None:  # it goes back to the pool when all is read
                left = _left(deadline)
                if response.connection.sock is not None:  # None where the server closes after this answer
                    response.connection.sock.settimeout(left)
                contents += response.read1(_BLOCK)
        return response, bytes(contents)

    def _strange(self, reply):
        return ServingError("INTERNAL", f"{self._server} gave an answer that is not TF Serving's: {str(reply)[:200]}")


def _parse(contents):
    """Read an answer; None where it is no JSON, or has a key twice, of which nobody knows which one counts."""
    try:
        return json.loads(contents.decode("utf-8-sig"), object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return None


def _object(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A key is there twice.")
    return found


def _context(authorities):
    """Make what a server's certificate is held against: PEM text, or None for what this machine trusts."""
    if authorities is None:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which trusts nobody else
    try:
        context.load_verify_locations(cadata=authorities)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(f"`ca_file` is a PEM file of certificates. Received one that is not: {error}") from None
    return context


def _left(deadline):
    """Return the seconds left, above 0."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _retry_after(response):
    """Read `Retry-After`, in seconds: 0 where there is none, or it cannot be read."""
    try:
        return urllib3.Retry().get_retry_after(response) or 0.0
    except (InvalidHeader, ValueError, OverflowError):  # neither a number nor a date, or one beyond all calendars
        return 0.0


def _spec(info):
    """Read the JSON of a `TensorInfo`."""
    dtype = info["dtype"].removeprefix("DT_").lower()
    dims = info["tensor_shape"].get("dim", [])
    return Spec({"float": "float32", "double": "float64"}.get(dtype, dtype), tuple(int(dim["size"]) for dim in dims))


def _from_json(name, value, metadata):
    if isinstance(value, dict):
        return value_of(name, base64.b64decode(value["b64"], validate=True))
    if isinstance(value, str):
        return value_of(name, value.encode())
    spec = metadata.outputs.get(name)
    return np.asarray(value, spec.dtype if spec else None)
