"""TF Serving's REST as an ASGI app.

Paths, payloads, codes and messages are TF Serving's. What it has no word for: a body that is too large answers 413,
and an error whose body TF Serving leaves empty has one here.
"""

import asyncio
import json
import logging
import re
import time
import zlib
from urllib.parse import unquote

from google.protobuf import json_format as proto_json
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Router

from ...errors import HTTP_STATUS, ServingError
from ...tf_serving_messages import ModelSpec as ModelSpecMessage
from ..models.manager import ModelSpec
from ..security import REFUSED, allows
from . import json_replies, json_requests, json_text

LOG = logging.getLogger(__name__)
MAX_BODY = 100 * 2**20  # what TF Serving inflates at most
LARGE = 64 * 2**10  # bytes from which reading and writing JSON would keep other requests waiting
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
MODEL = r"/([^/:]+)", r"(?:/versions/([0-9]+)|/labels/([^/:]+))?"
PATHS = {
    "POST": re.compile(rf"/v1/models{MODEL[0]}{MODEL[1]}:(classify|regress|predict)", re.IGNORECASE),
    "GET": re.compile(rf"/v1/models(?:{MODEL[0]})?{MODEL[1]}(?:/(metadata))?", re.IGNORECASE),
}
NOT_FOUND = (
    "<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n<H1>Not Found</H1>\n</BODY></HTML>\n"  # libevent's
)


def application(
    service,
    *,
    timeout=30.0,
    max_body=MAX_BODY,
    metrics_path=None,
    page=None,
    open_paths=(),
    token=None,
    most_bytes=None,
):
    """Make the ASGI app.

    Args:
        service: `Service` that answers.
        timeout: seconds that an answer may take, from the whole body on; 0 for no limit.
        max_body: bytes of the largest body, sent or inflated; gzip inflates to 100 MB at most.
        metrics_path: where `service.metrics` are read, or None.
        page: ASGI app for `/` and `/page/...`, or None.
        open_paths: of the page, which bring no secrets.
        token: what requests for all else have to bring, or None.
        most_bytes: of all bodies that are held at once; default no limit.
    """
    rest = _Rest(service, timeout or None, max_body, most_bytes)

    async def metrics(scope, receive, send):
        # Its format's version, which Prometheus asks for, is all that TF Serving's `text/plain` lacks.
        response = Response(service.metrics.page(), media_type="text/plain; version=0.0.4")
        await response(scope, receive, send)

    async def dispatch(scope, receive, send):
        path = scope["path"]
        if path == metrics_path:
            app = metrics
        elif _path(scope)[:4].lower() == "/v1/":
            app = rest
        elif page and (path == "/" or path.startswith("/page/")):
            app = page
        else:
            app = HTMLResponse(NOT_FOUND, 404)
        if (
            token
            and not (app is page and path in open_paths)
            and not allows(token, Headers(scope=scope).get("authorization"))
        ):
            app = _error(401, REFUSED)
            app.headers["WWW-Authenticate"] = "Bearer"
        await app(scope, receive, _guarded(send))

    return Router([Mount("/", dispatch)])


def _guarded(send):
    """Let a browser take no answer for a page that runs or loads anything; the page itself has its own rules."""

    async def guarded(message):
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return guarded


class _Rest:
    """What lies under `/v1/`."""

    def __init__(self, service, timeout, max_body, most_bytes):
        self._service = service
        self._timeout = timeout
        self._max_body = max_body
        self._most_bytes = most_bytes
        self._held = 0  # bytes of bodies

    async def __call__(self, scope, receive, send):
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ServingError as error:
            response = _error(HTTP_STATUS[error.code], error.message)
        except HTTPException as error:
            response = _error(error.status_code, error.detail)
            response.headers.update(error.headers or {})
        except ClientDisconnect:
            return
        except Exception:
            LOG.exception("%s %s failed", request.method, request.url.path)
            response = _error(500, "Internal error: the server's log says more.")
        await response(scope, receive, send)

    async def _answer(self, request):
        method, path = request.method, _path(request.scope)
        if method == "OPTIONS":
            if not re.match(r"https?://", request.headers.get("origin", "")):
                raise ServingError("FAILED_PRECONDITION", "Origin header is missing in CORS preflight")
            return Response()
        match = PATHS[method].fullmatch(path) if method in PATHS else None
        spec = _spec(match) if match else None
        # TF Serving's paths are matched whatever their case, but these three words are compared as they are.
        if match and method == "POST" and match[4] in ("classify", "predict", "regress"):
            return await self._infer(request, spec, match[4])
        if match and method == "GET":
            if not spec.name:
                raise ServingError("INVALID_ARGUMENT", "Missing model name in request.")
            return self._metadata(spec) if match[4] == "metadata" else self._status(spec)
        raise ServingError("INVALID_ARGUMENT", f"Malformed request: {method} {path}")

    def _status(self, spec):
        return _json(f"{_message(self._service.status(spec))}\n")

    def _metadata(self, spec):
        with self._service.models.use(spec) as servable:
            model = ModelSpecMessage(name=servable.name)
            model.version.value = servable.version
            signatures = {name: _fields(signature) for name, signature in servable.signature_defs.items()}
        written = json.dumps({"signature_def": signatures}, indent=1)  # TensorFlow's messages know all its types
        return _json(f'{{\n"model_spec":{_message(model)}\n,\n"metadata": {{"signature_def": {written}\n}}\n}}\n')

    async def _infer(self, request, spec, method):
        """Answer `:predict`, `:classify` and `:regress`, and count them."""
        started, code, held = time.monotonic(), "INTERNAL", []
        try:
            body = await self._read(request, held)
            answer = self._predict if method == "predict" else self._refuse
            response = await answer(spec, method, *body)
            code = "OK"
            return response
        except ServingError as error:
            code = error.code
            raise
        except HTTPException:
            code = "RESOURCE_EXHAUSTED"
            raise
        except (ClientDisconnect, asyncio.CancelledError):
            code = "CANCELLED"
            raise
        finally:
            self._held -= sum(held)
            self._service.metrics.request(
                model=spec.name,
                api=method.capitalize(),
                entrypoint="REST",
                code=code,
                seconds=time.monotonic() - started,
            )

    async def _read(self, request, held):
        """Read a body up to the limit; return it, and whether it is compressed. `held` counts the bytes, in parts."""
        if "content-length" in request.headers and "transfer-encoding" in request.headers:
            # A proxy that believes the other one sees another request behind this one: no more is read from it.
            raise HTTPException(
                400, "A body has Content-Length or Transfer-Encoding, not both", {"Connection": "close"}
            )
        self._check_size(int(request.headers.get("content-length", 0)))
        size, body = 0, bytearray()
        async for chunk in request.stream():
            size += len(chunk)
            self._check_size(size)
            self._held += len(chunk)
            held.append(len(chunk))
            if self._most_bytes is not None and self._held > self._most_bytes:
                raise ServingError(
                    "RESOURCE_EXHAUSTED",
                    f"The requests under way hold {self._most_bytes} bytes already. Try again later.",
                )
            body += chunk
        return bytes(body), _is_compressed(request.headers)

    def _check_size(self, size):
        if size > self._max_body:
            raise HTTPException(413, f"The request's body is larger than {self._max_body} bytes")

    async def _predict(self, spec, method, body, compressed):
        started = time.monotonic()
        document = await _away(compressed or len(body) > LARGE, self._parse, body, compressed)
        name = json_requests.signature_name(document)
        with self._service.models.use(spec) as servable:
            if name not in servable.signature_defs:
                raise ServingError("INVALID_ARGUMENT", f'Serving signature name: "{name}" not found in signature def')
            signature = servable.signature_defs[name]
            inputs, is_row = await _away(len(body) > LARGE, json_requests.tensors, document, signature)
            del document, body  # which may be as large as the tensors, while these wait for their turn
            left = self._timeout and max(0.0, self._timeout - (time.monotonic() - started))
            outputs = await self._service.predict(servable, name, inputs, seconds=left)
        write = json_replies.predictions if is_row else json_replies.outputs_object
        return _json(await _away(_size(outputs) > LARGE, write, outputs))

    async def _refuse(self, spec, method, body, compressed):
        """Answer `:classify` and `:regress`, for which a network of this package has no signature."""
        document = await _away(compressed or len(body) > LARGE, self._parse, body, compressed)
        name = json_requests.signature_name(document)
        json_requests.check_examples(document)
        self._service.refuse(spec, name, f"tensorflow/serving/{method}")

    def _parse(self, body, compressed):
        return json_text.parse(self._inflate(body) if compressed else body)

    def _inflate(self, body):
        """Inflate a gzip body, and stop at the limit."""
        limit = min(self._max_body, MAX_BODY)
        reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            text = reader.decompress(body, limit + 1)
        except zlib.error as error:
            raise _not_gzip(error) from None
        if len(text) > limit:
            raise HTTPException(413, f"The request's body inflates to more than {limit} bytes")
        if not reader.eof:
            raise _not_gzip("its end is missing")
        if reader.unused_data:
            raise _not_gzip("something follows its end")
        return text


def _path(scope):
    """Return the path and the query as they were sent, which TF Serving does not tell apart."""
    path = scope.get("raw_path") or scope["path"].encode()
    return (path + b"?" * bool(scope["query_string"]) + scope["query_string"]).decode("utf-8", "replace")


def _spec(match):
    name, version, label, _ = match.groups()
    digits = version and version.lstrip("0").rjust(1, "0")
    if digits and (len(digits) > 19 or int(digits) >= 2**63):
        raise ServingError("INVALID_ARGUMENT", f"Failed to convert version: {version} to numeric.")
    return ModelSpec(unquote(name or ""), digits and int(digits), label and unquote(label))


async def _away(large, work, *arguments):
    """Do work in a thread if it is much, so that others are answered meanwhile."""
    return await asyncio.to_thread(work, *arguments) if large else work(*arguments)


def _size(outputs):
    """Count the bytes of tensors."""
    return sum(
        sum(map(len, array.ravel().tolist())) if array.dtype == object else array.nbytes for array in outputs.values()
    )


def _message(message):
    return json.dumps(_fields(message), indent=1)


def _fields(message):
    return proto_json.MessageToDict(
        message, always_print_fields_with_no_presence=True, preserving_proto_field_name=True
    )


def _json(body):
    return Response(body, media_type="application/json")


def _error(status, message):
    return Response(json_replies.error(message), status, media_type="application/json")


def _is_compressed(headers):
    """Tell whether a body is gzip.

    Raises:
        ServingError: INVALID_ARGUMENT on another coding, whose bytes TF Serving reads as if they were JSON.
    """
    codings = [coding.strip().lower() for line in headers.getlist("content-encoding") for coding in line.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if codings not in ([], ["gzip"], ["x-gzip"]):
        raise ServingError(
            "INVALID_ARGUMENT", f"The body's Content-Encoding is gzip or none. Received: {', '.join(codings)[:200]}"
        )
    return bool(codings)


def _not_gzip(reason):
    # TF Serving goes on with an empty body.
    return ServingError(
        "INVALID_ARGUMENT", f"JSON Parse error: The document is empty: the gzip body cannot be inflated, {reason}"
    )
