"""One loaded version of a model. Importing this imports TensorFlow.

It runs as TF Serving runs it, in a TensorFlow session on the tensors that the signature names: what is asked for is
all that is computed, an error reads as TF Serving's, and closing the session frees the weights at once.
"""

import logging
import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import error_codes_pb2

from ...errors import ServingError
from ...sessions import open_session
from ...tf_serving_messages import PredictionLog
from .integrity import WARMUP, as_exported
from .probing import probed

LOG = logging.getLogger(__name__)
DEFAULT_SIGNATURE = "serving_default"
MAX_WARMUP_RECORDS = 1000  # TF Serving refuses a version that has more
INTERNAL_SIGNATURE = "__saved_model_init_op"
DTYPE_NAMES = {"float32": "float", "float64": "double", "float16": "half"}  # where TensorFlow's C++ says otherwise
# What TensorFlow's Python puts before the message that TF Serving would send.
PREAMBLE = re.compile(
    r"Graph execution error:\n\n"
    r"(Detected at node .* defined at \(most recent call last\):\n((  .*|<stack traces unavailable>)\n)*)*"
)


class Servable:
    """A loaded version, which answers until it is closed. Its methods may be called from several threads.

    Attributes:
        name: the model's name.
        version: int.
        folder: `pathlib.Path` of the SavedModel.
        signature_defs: `{name: SignatureDef}` without TensorFlow's own.
        probed: what `probing.probed` found when it was loaded.
    """

    probed = None

    def __init__(self, name, version, folder, signature_defs, session):
        self.name = name
        self.version = version
        self.folder = folder
        self.signature_defs = signature_defs
        self._session = session
        self._inputs = {signature: _inputs(definition) for signature, definition in signature_defs.items()}

    def run(self, signature, inputs, outputs=(), seconds=None):
        """Answer one request.

        Args:
            signature: name of the signature.
            inputs: `{name: array}`; strings are object arrays of bytes.
            outputs: names of the outputs to compute; none means all.
            seconds: after which TensorFlow stops, between two operations: nobody waits for the answer any more.

        Returns:
            `{name: numpy array}`.

        Raises:
            ServingError: with TF Serving's code and message.
        """
        feeds, fetches = self.check(signature, inputs, outputs)
        try:
            limit = tf.compat.v1.RunOptions(timeout_in_ms=math.ceil(1000 * seconds)) if seconds else None
            answers = self._session.run(fetches, feeds, options=limit)
        except tf.errors.OpError as error:
            raise _serving_error(error) from None
        except RuntimeError:  # the session is closed: whoever asked has given up before
            raise ServingError("UNAVAILABLE", f"{self.name} version {self.version} was unloaded") from None
        return {name: _array(answer) for name, answer in answers.items()}

    def check(self, signature, inputs, outputs=()):
        """Hold a request against the signature; return what `run` feeds and fetches, by tensor names."""
        if signature not in self.signature_defs:
            raise ServingError("FAILED_PRECONDITION", f'Serving signature key "{signature}" not found.')
        definition = self.signature_defs[signature]
        _check_names(definition, inputs)
        feeds = {
            tensor.feed: tensor.check(position, np.asarray(inputs[tensor.name]))
            for position, tensor in enumerate(self._inputs[signature])
        }
        return feeds, _fetches(definition, outputs)

    def is_batchable(self, signature):
        """Tell whether dimension 0 of all inputs and outputs is open, as it is where it counts images."""
        definition = self.signature_defs[signature]
        shapes = [_shape(info) for infos in (definition.inputs, definition.outputs) for info in infos.values()]
        return all(shape and shape[0] is None for shape in shapes)

    def close(self):
        """Give the memory back."""
        self._session.close()


def load(name, version, folder, *, warm_up=True):
    """Load a version and run its warm-up requests, as TF Serving does, and its probe.

    Args:
        name: the model's name.
        version: int.
        folder: the SavedModel with the tag `serve`; a local folder.
        warm_up: run the warm-up requests and the probe.

    Returns:
        `Servable`.

    Raises:
        ServingError: if there is no whole SavedModel, it is not what was exported, or a warm-up request fails.
    """
    folder = Path(folder)
    _check_folder(folder)
    session = None
    try:
        with as_exported(folder):
            session, meta_graph = open_session(folder)
        signature_defs = {
            key: definition
            for key, definition in meta_graph.signature_def.items()
            if not key.startswith(INTERNAL_SIGNATURE)
        }
        servable = Servable(name, version, folder, signature_defs, session)
        if warm_up:
            _warm_up(servable)
            servable.probed = probed(servable)
        return servable
    except BaseException as error:
        if session is not None:
            session.close()
        if isinstance(error, tf.errors.OpError):
            raise _serving_error(error) from None
        if isinstance(error, (ValueError, RuntimeError)):  # no such variables, no such tag
            raise ServingError("NOT_FOUND", str(error)) from None
        if isinstance(error, OSError):  # what is there cannot be parsed
            raise ServingError("DATA_LOSS", str(error)) from None
        raise


def _check_folder(folder):
    if not any((folder / file).is_file() for file in ("saved_model.pb", "saved_model.pbtxt")):
        raise ServingError(
            "NOT_FOUND",
            f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {folder}. Check that the "
            "directory exists and that you have the right permissions for accessing it.",
        )


def _check_names(definition, inputs):
    expected, given = sorted(definition.inputs), sorted(inputs)
    extra = sorted(set(given) - set(expected))
    missing = sorted(set(expected) - set(given))
    if len(given) != len(expected):
        raise ServingError(
            "INVALID_ARGUMENT",
            f"input size does not match signature: {len(given)}!={len(expected)} len({{{','.join(given)}}}) != "
            f"len({{{','.join(expected)}}}). Sent extra: {{{','.join(extra)}}}. Missing but required: "
            f"{{{','.join(missing)}}}.",
        )
    if missing:
        raise ServingError(
            "INVALID_ARGUMENT",
            f"Signature input alias: {missing[0]}(feed name: {definition.inputs[missing[0]].name}) not found in "
            f"request and no default value provided. Inputs expected to be in the request {{{','.join(given)}}}, or "
            "default input alias set: ",
        )


class _Input(NamedTuple):
    """What a signature says of an input: the names outside and in the graph, type, and shape if it has one."""

    feed: str
    name: str
    dtype: str
    shape: tuple | None  # None where a size is open

    def check(self, position, array):
        given = "string" if array.dtype.kind in "OSU" else array.dtype.name
        if given != self.dtype:
            names = [DTYPE_NAMES.get(dtype, dtype) for dtype in (self.dtype, given)]
            raise ServingError(
                "INVALID_ARGUMENT", f"Expects arg[{position}] to be {names[0]} but {names[1]} is provided"
            )
        sizes = self.shape
        if sizes is not None and (
            len(sizes) != array.ndim
            or any(size not in (None, actual) for size, actual in zip(sizes, array.shape, strict=True))
        ):
            expected = ",".join("?" if size is None else str(size) for size in sizes)
            raise ServingError(
                "INVALID_ARGUMENT",
                f"Tensor {self.name} is expected to have shape [{expected}] but shape "
                f"[{','.join(map(str, array.shape))}] is provided",
            )
        return array


def _inputs(definition):
    """Describe the inputs in the order that TensorFlow numbers them: by their names in the graph."""
    return sorted(
        _Input(info.name, name, tf.as_dtype(info.dtype).name, _shape(info)) for name, info in definition.inputs.items()
    )


def _shape(info):
    shape = info.tensor_shape
    return None if shape.unknown_rank else tuple(None if size.size < 0 else size.size for size in shape.dim)


def _fetches(definition, outputs):
    for position, name in enumerate(outputs):
        if name not in definition.outputs:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature: {name} Outputs expected to be in the set "
                f"{{{','.join(sorted(definition.outputs))}}}.",
            )
        if name in outputs[:position]:
            raise ServingError("INVALID_ARGUMENT", f"duplicate output tensor alias: {name}")
    return {name: definition.outputs[name].name for name in (outputs or definition.outputs)}


def _array(answer):
    """Make an array of an answer, which for one string without shape is `bytes`."""
    return np.array(answer, object) if isinstance(answer, bytes) else np.asarray(answer)


def _serving_error(error):
    return ServingError(error_codes_pb2.Code.Name(error.error_code), PREAMBLE.sub("", error.message, count=1))


def _warm_up(servable):
    path = servable.folder / WARMUP
    if not path.is_file():
        return
    LOG.info("Warming up %s version %d: first answers take longest", servable.name, servable.version)
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    for count, record in enumerate(_whole(records), 1):
        if count > MAX_WARMUP_RECORDS:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"Number of warmup records exceeds the maximum ({MAX_WARMUP_RECORDS}) at {path}",
            )
        _warm_up_with(servable, record, path)


def _whole(records):
    try:
        yield from records
    except tf.errors.DataLossError as error:
        raise ServingError(
            "DATA_LOSS", f"{error.message}. Please verify your warmup data is in TFRecord format."
        ) from None


def _warm_up_with(servable, record, path):
    try:
        log = PredictionLog.FromString(record)
    except DecodeError:
        raise ServingError("INVALID_ARGUMENT", f"Failed to parse warmup record: {record} from {path}") from None
    kind = log.WhichOneof("log_type")
    if kind != "predict_log":
        raise ServingError("UNIMPLEMENTED", f"Unsupported log_type for warmup: {kind}")
    request = log.predict_log.request
    inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
    servable.run(request.model_spec.signature_name or DEFAULT_SIGNATURE, inputs, list(request.output_filter))
