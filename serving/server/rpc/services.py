"""TF Serving's gRPC services under their names: PredictionService and ModelService."""

import asyncio
import time
from functools import wraps
from types import MappingProxyType

import grpc
from google.protobuf.message import DecodeError

from ... import tf_serving_messages as messages
from ...errors import ServingError
from ..models.manager import ModelSpec
from ..models.servable import DEFAULT_SIGNATURE
from ..security import TokenInterceptor, grpc_tls
from ..settings import models_of
from .calls import Call, CallLimits
from .tensors import decode, encode

MAX_MESSAGE_BYTES = 256 * 2**20
MAX_STREAMS = 128  # calls at once over one connection; a client waits with more
IDLE = 120.0  # seconds after which a connection without calls is closed
OLDEST = 600.0  # seconds of a connection; its calls go on for `LONGEST` after that
LONGEST = 600.0  # seconds of a call without a deadline, which would keep a thread for good
MOST_RELOADS = 8  # at once; they run one after another
MAX_ERROR_BYTES = 1024  # then TF Serving cuts: an error travels in HTTP/2 headers, which have a limit


async def start(
    service,
    address,
    *,
    max_message_bytes=MAX_MESSAGE_BYTES,
    max_connections=1000,
    patience=20.0,
    most_calls=1000,
    most_unread=4 * MAX_MESSAGE_BYTES,
    token=None,
    tls=None,
):
    """Start a gRPC server on the running loop.

    Args:
        service: `Service` that answers.
        address: `host:port`; port 0 takes a free one.
        max_message_bytes: largest request; what its tensors take unpacked is held to the same limit.
        max_connections: how many clients there may be; more are hung up on.
        patience: seconds in which a client has to begin HTTP/2, to send the message of a call, to answer a ping.
        most_calls: how many may be without their message at once, and how many may be answered; more are refused.
        most_unread: bytes of answers that clients have yet to fetch; then who does not fetch them gets no more.
        token: what every call has to bring, or None.
        tls: `SSLConfig` message, or None.

    Returns:
        `grpc.aio.Server` that runs, and its port.

    Raises:
        OSError: if the address is taken or not this machine's.
    """
    options = [
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.so_reuseport", 0),  # or a second server would share the port silently
        ("grpc.max_allowed_incoming_connections", max_connections),
        ("grpc.max_concurrent_streams", MAX_STREAMS),
        ("grpc.server_handshake_timeout_ms", int(1000 * patience)),
        ("grpc.max_connection_idle_ms", int(1000 * IDLE)),  # clients connect anew when they ask again
        ("grpc.max_connection_age_ms", int(1000 * OLDEST)),  # with answers that nobody fetches; clients connect anew
        ("grpc.max_connection_age_grace_ms", int(1000 * LONGEST)),
        ("grpc.keepalive_time_ms", int(1000 * IDLE)),
        ("grpc.keepalive_timeout_ms", int(1000 * patience)),
    ]
    limits = CallLimits(patience=patience, most=most_calls, most_unread=most_unread)
    interceptors = [*([TokenInterceptor(token)] if token else []), _Calls(limits)]
    server = grpc.aio.server(options=options, interceptors=interceptors)
    for servicer in (PredictionService(service, max_message_bytes), ModelService(service)):
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(getattr(servicer, name), request.FromString, _serialize)
            for name, request in servicer.REQUESTS.items()
        }
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(servicer.NAME, handlers)])
    try:
        port = server.add_secure_port(address, grpc_tls(tls)) if tls else server.add_insecure_port(address)
    except RuntimeError:
        raise OSError(f"{address} cannot be listened on: another program may use the port. Choose another.") from None
    await server.start()
    return server, port


def _serialize(message):
    return message.SerializeToString()


class _Calls(grpc.aio.ServerInterceptor):
    """Read the messages of calls within `CallLimits`, and refuse bytes that are none as the caller's mistake.

    gRPC reads the message of a call that it takes for a stream when it is asked to, and not before. It would answer
    UNKNOWN to such bytes, which is the server's mistake.

    Args:
        limits: `CallLimits`.
    """

    def __init__(self, limits):
        self._limits = limits

    async def intercept_service(self, continuation, details):
        """Choose what handles a call."""
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:  # no such method
            return handler
        here = []  # the call

        def parse(data):
            try:
                return handler.request_deserializer(data)
            except DecodeError:
                return None

        def write(response):
            data = handler.response_serializer(response)
            self._limits.written(data, here[0])
            return data

        async def answer(_, context):
            here.append(Call(context))
            request = await self._limits.message(here[0])
            if request is None:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "The request is not the message of this method")
            return await self._limits.answer(handler.unary_unary, request, here[0])

        return grpc.stream_unary_rpc_method_handler(answer, parse, write)


def _answering(method):
    """Let a `ServingError` of a method become the call's status."""

    @wraps(method)
    async def answer(self, request, context):
        try:
            return await method(self, request, context)
        except ServingError as error:
            data = error.message.encode()
            if len(data) > MAX_ERROR_BYTES:
                data = data[:MAX_ERROR_BYTES] + b"...TRUNCATED"
            await context.abort(grpc.StatusCode[error.code], data.decode(errors="ignore"))

    return answer


def _counting(method):
    """Count the calls of a method."""

    @wraps(method)
    async def count(self, request, context):
        started, code = time.monotonic(), "CANCELLED"
        try:
            response = await method(self, request, context)
            code = "OK"
            return response
        except ServingError as error:
            code = error.code
            raise
        except Exception:
            code = "UNKNOWN"  # grpc's own answer
            raise
        finally:
            self._service.metrics.request(
                model=request.model_spec.name,
                api=method.__name__,
                entrypoint="GRPC",
                code=code,
                seconds=time.monotonic() - started,
            )

    return count


class PredictionService:
    """Predict and GetModelMetadata; the calls for `tf.Example`s answer as for a model that has none."""

    NAME = messages.PREDICTION_SERVICE
    REQUESTS = MappingProxyType(
        {
            "Predict": messages.PredictRequest,
            "Classify": messages.ClassificationRequest,
            "Regress": messages.RegressionRequest,
            "MultiInference": messages.MultiInferenceRequest,
            "GetModelMetadata": messages.GetModelMetadataRequest,
        }
    )

    def __init__(self, service, max_message_bytes):
        self._service = service
        self._max_bytes = max_message_bytes

    @_answering
    @_counting
    async def Predict(self, request, context):
        """Run a signature on tensors."""
        with self._service.models.use(_spec(request)) as servable:
            key = request.model_spec.signature_name or DEFAULT_SIGNATURE
            inputs = self._decode(request.inputs)
            left = context.time_remaining()
            seconds = LONGEST if left is None else min(left, LONGEST)
            filtered = tuple(request.output_filter)
            outputs = await self._service.predict(servable, key, inputs, seconds=seconds, outputs=filtered)
            response = messages.PredictResponse()
            _write_spec(servable, response.model_spec, key)
            for name, array in outputs.items():
                encode(array, response.outputs[name])
            return response

    def _decode(self, protos):
        arrays, left = {}, self._max_bytes
        for name, proto in protos.items():
            arrays[name] = decode(proto, name, left)
            left -= arrays[name].nbytes
        return arrays

    @_answering
    @_counting
    async def Classify(self, request, context):
        """Refuse: a network of this package has no signature for it."""
        self._refuse(request, "tensorflow/serving/classify")

    @_answering
    @_counting
    async def Regress(self, request, context):
        """Refuse: a network of this package has no signature for it."""
        self._refuse(request, "tensorflow/serving/regress")

    @_answering
    async def MultiInference(self, request, context):
        """Refuse: a network of this package has no signature for it."""
        task = request.tasks[0] if request.tasks else messages.InferenceTask(model_spec={})
        self._refuse(task, task.method_name)

    def _refuse(self, request, method):
        self._service.refuse(_spec(request), request.model_spec.signature_name or DEFAULT_SIGNATURE, method)

    @_answering
    async def GetModelMetadata(self, request, context):
        """Describe a version's signatures."""
        spec = _spec(request)
        if not request.metadata_field:
            message = "GetModelMetadataRequest must specify at least one metadata_field"
            raise ServingError("INVALID_ARGUMENT", message)
        for field in request.metadata_field:
            if field != "signature_def":
                raise ServingError("INVALID_ARGUMENT", f"Metadata field {field} is not supported")
        with self._service.models.use(spec) as servable:
            response = messages.GetModelMetadataResponse()
            _write_spec(servable, response.model_spec)
            signatures = messages.SignatureDefMap()
            for name, signature in servable.signature_defs.items():
                signatures.signature_def[name].ParseFromString(signature.SerializeToString())
            response.metadata["signature_def"].Pack(signatures)
            return response


class ModelService:
    """GetModelStatus and HandleReloadConfigRequest."""

    NAME = messages.MODEL_SERVICE
    REQUESTS = MappingProxyType(
        {"GetModelStatus": messages.GetModelStatusRequest, "HandleReloadConfigRequest": messages.ReloadConfigRequest}
    )

    def __init__(self, service):
        self._service = service
        self._reloads = 0
        self._reloading = asyncio.Lock()

    @_answering
    async def GetModelStatus(self, request, context):
        """Describe a version, or all."""
        return self._service.status(_spec(request))

    @_answering
    async def HandleReloadConfigRequest(self, request, context):
        """Replace the models by those of a config, which may lie where the operator's do and nowhere else."""
        if self._reloads >= MOST_RELOADS:
            message = f"{MOST_RELOADS} reloads are under way or wait. Try again later."
            raise ServingError("RESOURCE_EXHAUSTED", message)
        self._reloads += 1
        try:
            async with self._reloading:  # each takes a thread, which answers need too, until its models are loaded
                await self._reload(request)
        finally:
            self._reloads -= 1
        return messages.ReloadConfigResponse(status={})

    async def _reload(self, request):
        models = models_of(request.config)
        allowed = await asyncio.to_thread(self._service.base_paths)
        for model in models:
            if model.base_path not in allowed:
                raise ServingError(
                    "PERMISSION_DENIED",
                    f"Model {model.name}: a request names no folders. Received: {model.base_path}. Put the model into "
                    "the server's --model_config_file first.",
                )
        await asyncio.to_thread(self._service.models.reload, models)  # returns when they are loaded


def _spec(request):
    """Read a request's `model_spec`."""
    if not request.HasField("model_spec"):
        raise ServingError("INVALID_ARGUMENT", "Missing ModelSpec")
    proto = request.model_spec
    if not proto.name:
        raise ServingError("INVALID_ARGUMENT", "ModelSpec has no name specified.")
    version = proto.version.value if proto.HasField("version") else None
    return ModelSpec(proto.name, version, proto.version_label or None)


def _write_spec(servable, proto, signature=""):
    proto.name, proto.signature_name = servable.name, signature
    proto.version.value = servable.version
