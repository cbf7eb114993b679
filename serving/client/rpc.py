"""Ask a model server once over gRPC."""

import grpc

from .. import tf_serving_messages as messages
from ..errors import ServingError
from .payload import value_of
from .transport import Metadata, ServedVersion, Spec, TryAgain, unknown_signature, unlisted

# The code's number -> its name.
CODES = {code.value[0]: code.name for code in grpc.StatusCode}


class Rpc:
    """TF Serving's gRPC, over one channel."""

    def __init__(self, address, model, headers, authorities=None):
        self._model = model
        self._server = f"{address.scheme}://{address.netloc}"
        self._headers = [(name.lower(), value) for name, value in headers.items()]
        options = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            # A server that comes up is found within a second, not after gRPC's two minutes.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ]
        if address.scheme == "grpcs":
            roots = None if authorities is None else authorities.encode()
            self._channel = grpc.secure_channel(address.netloc, grpc.ssl_channel_credentials(roots), options)
        else:
            self._channel = grpc.insecure_channel(address.netloc, options)

    def served_models(self, seconds):
        raise unlisted(self._server)

    def class_colors(self, version, seconds):
        raise unlisted(self._server)

    def predict(self, files, metadata, seconds):
        """Ask for one image: `{input: bytes}` -> `{output: value}`."""
        request = messages.PredictRequest()
        self._set_spec(request)
        for name, contents in files.items():
            messages.add_strings(request, name, [contents])
        reply = self._call(messages.PREDICT, request, messages.PredictResponse, seconds)
        try:
            return {name: value_of(name, messages.to_array(tensor)[0]) for name, tensor in reply.outputs.items()}
        except (ValueError, IndexError) as error:
            raise ServingError("INTERNAL", f"{self._server} gave an answer that cannot be read: {error}") from error

    def status(self, seconds):
        request = messages.GetModelStatusRequest()
        messages.set_spec(request.model_spec, model=self._model.name, version=self._model.version)
        reply = self._call(messages.GET_MODEL_STATUS, request, messages.GetModelStatusResponse, seconds)
        return [
            ServedVersion(
                entry.version,
                messages.STATES.get(entry.state, "UNKNOWN"),
                CODES.get(entry.status.error_code, "UNKNOWN"),
                entry.status.error_message,
            )
            for entry in reply.model_version_status
        ]

    def metadata(self, seconds):
        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        self._set_spec(request)
        request.model_spec.signature_name = ""
        reply = self._call(messages.GET_MODEL_METADATA, request, messages.GetModelMetadataResponse, seconds)
        packed = reply.metadata["signature_def"].value
        signatures = dict(messages.SignatureDefMap.FromString(packed).signature_def)
        if self._model.signature not in signatures:
            raise unknown_signature(self._model, signatures)
        takes, gives = signatures[self._model.signature].inputs, signatures[self._model.signature].outputs
        sides = ({name: self._spec(info) for name, info in side.items()} for side in (takes, gives))
        return Metadata(reply.model_spec.version.value, *sides)

    def close(self):
        """Close the channel; calls that wait fail."""
        self._channel.close()

    def _set_spec(self, request):
        name, version, label, signature = self._model
        messages.set_spec(request.model_spec, model=name, version=version, label=label, signature=signature)

    def _spec(self, info):
        dtype, _ = messages.TYPES.get(info.dtype, (f"type {info.dtype}", None))
        return Spec(dtype, tuple(dim.size for dim in info.tensor_shape.dim))

    def _call(self, method, request, reply, seconds):
        ask = self._channel.unary_unary(
            method, request_serializer=type(request).SerializeToString, response_deserializer=reply.FromString
        )
        try:
            return ask(request, timeout=seconds, metadata=self._headers)
        except grpc.RpcError as error:
            raise self._refusal(error.code().name, error.details() or "") from error
        except ValueError as error:  # the channel is closed
            raise ServingError("CANCELLED", str(error)) from error

    def _refusal(self, code, message):
        if code == "DEADLINE_EXCEEDED":
            return TimeoutError(f"{self._server} did not answer in time: {message}.")
        too_large = "larger than max" in message  # the next time as well
        if code == "UNAVAILABLE" or (code == "RESOURCE_EXHAUSTED" and not too_large):
            return TryAgain(code, f"{self._server}: {message}")
        return ServingError(code, message)
