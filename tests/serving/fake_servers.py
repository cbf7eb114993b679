"""Model servers without a model: TF Serving's REST and gRPC around a function, which fail when they are told to.

They need no TensorFlow. `test_tf_serving_messages.py` holds the messages of gRPC against the real ones.
"""

import base64
import io
import json
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import numpy as np
from PIL import Image, ImageOps

from serving import tf_serving_messages as messages

SIGNATURE = {
    "inputs": {"image_bytes": "DT_STRING"},
    "outputs": {"label_png_bytes": "DT_STRING", "height": "DT_INT32", "width": "DT_INT32", "status": "DT_STRING"},
}
NUMBERS = {name: number for number, (name, _) in messages.TYPES.items()}
CODES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def pixels(contents):
    """Decode a file, turned upright by EXIF alone, as exported networks do."""
    image = Image.open(io.BytesIO(contents))
    image.info.pop("xmp", None)  # which Pillow would believe as well
    return np.array(ImageOps.exif_transpose(image).convert("RGB"))


def label(contents):
    """Label by the red channel: what a client must get back."""
    return pixels(contents)[..., 0] // 16


def respond(inputs):
    """Answer for one image as an exported network does."""
    try:
        labels = label(inputs["image_bytes"])
    except OSError:
        return {"label_png_bytes": b"", "height": 0, "width": 0, "status": b"Not a JPEG, PNG, BMP or WebP file."}
    return {"label_png_bytes": png(labels), "height": len(labels), "width": len(labels[0]), "status": b""}


class Fake:
    """What a test tells a server, and what the server saw.

    Attributes:
        moods: for the next requests: an HTTP status to fail with (a pair with headers), `"cut"` the connection
            before the answer or `"half"` way through it, `"close"` it after, or None; then all is well.
        hold: called inside every predict request.
    """

    def __init__(self):
        self.respond, self.signature, self.moods, self.hold = respond, SIGNATURE, deque(), lambda: None
        self.requests, self.seconds, self.headers, self.connections = [], [], [], 0
        self.versions = [(1, "AVAILABLE", "OK", "")]
        self.signature_name = "serving_default"
        self.names = ["model"]  # that the page lists, or None as TF Serving
        self.described = []  # versions of each, as the page lists them
        self.url = None

    def mood(self):
        return self.moods.popleft() if self.moods else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # headers and body in one packet

    def setup(self):
        super().setup()
        self.server.fake.connections += 1
        self.server.sockets.append(self.connection)

    def log_message(self, *_):
        pass

    def do_GET(self):
        fake, mood = self.server.fake, self.server.fake.mood()
        if mood:
            return self.fail(mood)
        if self.path == "/page/models":
            if fake.names is None:
                return self.send(404, {"error": f"Not Found: {self.path}"})
            return self.send(200, [{"name": name, "versions": fake.described} for name in fake.names])
        if self.path.endswith("/metadata"):
            sides = {
                side: {
                    name: {"dtype": dtype, "tensor_shape": {"dim": [{"size": "-1", "name": ""}]}, "name": "x:0"}
                    for name, dtype in names.items()
                }
                for side, names in fake.signature.items()
            }
            spec = {"name": "m", "signature_name": "", "version": "1"}
            metadata = {"signature_def": {"signature_def": {fake.signature_name: sides}}}
            return self.send(200, {"model_spec": spec, "metadata": metadata})
        states = [
            {"version": str(version), "state": state, "status": {"error_code": code, "error_message": message}}
            for version, state, code, message in fake.versions
        ]
        self.server.paths.append(self.path)
        return self.send(200, {"model_version_status": states})

    def do_POST(self):
        fake = self.server.fake
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (row,) = body["instances"]
        inputs = {name: base64.b64decode(value["b64"], validate=True) for name, value in row.items()}
        fake.requests.append((self.path, body["signature_name"], inputs))
        fake.headers.append(dict(self.headers))
        mood = fake.mood()
        fake.hold()
        if mood and mood not in ("half", "close"):
            return self.fail(mood)
        answer = {name: self.value(name, value) for name, value in fake.respond(inputs).items()}
        reply = answer if len(answer) > 1 else next(iter(answer.values()))
        self.send(200, {"predictions": [reply]}, half=mood == "half")
        if mood == "close":  # as servers do that tire of an idle connection: without a word in the answer
            self.close_connection = True

    def value(self, name, value):
        if isinstance(value, bytes):
            return {"b64": base64.b64encode(value).decode()} if name.endswith("_bytes") else value.decode()
        return value

    def fail(self, mood):
        status, headers = mood if isinstance(mood, tuple) else (mood, {})
        if status == "cut":
            self.close_connection = True
        else:
            self.send(status, {"error": f"told to fail with {status}"}, headers)

    def send(self, status, reply, headers=(), half=False):
        body = reply if isinstance(reply, bytes) else json.dumps(reply, indent=4).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if half else body)
        self.close_connection |= half


@contextmanager
def rest():
    """Run a REST server; gives its `Fake`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.fake, server.paths, server.sockets, server.daemon_threads = Fake(), [], [], True
    server.block_on_close = False
    server.fake.url, server.fake.paths = f"http://127.0.0.1:{server.server_port}", server.paths
    server.handle_error = lambda *_: None  # clients that left
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Services:
    """Both services of gRPC."""

    def __init__(self, fake):
        self.fake = fake

    def predict(self, request, context):
        fake = self.fake
        inputs = {name: tensor.string_val[0] for name, tensor in request.inputs.items()}
        spec = request.model_spec
        place = f"/versions/{spec.version.value}" if spec.HasField("version") else ""
        place += f"/labels/{spec.version_label}" if spec.version_label else ""
        fake.requests.append((f"/v1/models/{spec.name}{place}:predict", spec.signature_name, inputs))
        fake.seconds.append(context.time_remaining())
        fake.headers.append(dict(context.invocation_metadata()))
        mood = fake.mood()
        fake.hold()
        self.fail(mood, context)
        reply = messages.PredictResponse()
        for name, value in fake.respond(inputs).items():
            self.fill(reply.outputs[name], value)
        return reply

    def fill(self, tensor, value):
        dtype = {bytes: "string", int: "int32", float: "float32", list: "int64"}[type(value)]
        values = value if isinstance(value, list) else [value]
        tensor.dtype = NUMBERS[dtype]
        for size in (1, *np.shape(value)):
            tensor.tensor_shape.dim.add(size=size)
        getattr(tensor, messages.TYPES[tensor.dtype][1]).extend(values)

    def metadata(self, request, context):
        self.fail(self.fake.mood(), context)
        if list(request.metadata_field) != ["signature_def"]:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "must specify at least one metadata_field")
        signatures = messages.SignatureDefMap()
        signature = signatures.signature_def["serving_default"]
        for side, names in self.fake.signature.items():
            for name, dtype in names.items():
                info = getattr(signature, side)[name]
                info.dtype = NUMBERS[{"float": "float32"}.get(kind := dtype.removeprefix("DT_").lower(), kind)]
                info.tensor_shape.dim.add(size=-1)
        reply = messages.GetModelMetadataResponse()
        reply.model_spec.version.value = 1
        reply.metadata["signature_def"].Pack(signatures)
        return reply

    def status(self, _, context):
        self.fail(self.fake.mood(), context)
        reply = messages.GetModelStatusResponse()
        for version, state, code, message in self.fake.versions:
            entry = reply.model_version_status.add(version=version)
            entry.state = {name: number for number, name in messages.STATES.items()}[state]
            entry.status.error_code = grpc.StatusCode[code].value[0]
            entry.status.error_message = message
        return reply

    def fail(self, mood, context):
        if mood:
            status = mood[0] if isinstance(mood, tuple) else mood
            code = CODES.get(status, "UNAVAILABLE")
            context.abort(grpc.StatusCode[code], f"told to fail with {status}")


@contextmanager
def rpc(options=(("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))):
    """Run a gRPC server; gives its `Fake`."""
    fake = Fake()
    services = _Services(fake)
    server = grpc.server(ThreadPoolExecutor(16), options=options)
    for method, answer, request in (
        (messages.PREDICT, services.predict, messages.PredictRequest),
        (messages.GET_MODEL_METADATA, services.metadata, messages.GetModelMetadataRequest),
        (messages.GET_MODEL_STATUS, services.status, messages.GetModelStatusRequest),
    ):
        handler = grpc.unary_unary_rpc_method_handler(
            answer, request.FromString, lambda reply: reply.SerializeToString()
        )
        _, service, name = method.split("/")
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {name: handler})])
    fake.url = f"grpc://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield fake
    finally:
        server.stop(0).wait()
