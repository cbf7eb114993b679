"""What REST and gRPC both call."""

import asyncio
import math
import time

from ...errors import ServingError
from ...tf_serving_messages import GetModelStatusResponse
from .worker_pool import late

FLOAT = 1  # DT_FLOAT of tensorflow/core/framework/types.proto
METHODS = {"tensorflow/serving/classify": "classification", "tensorflow/serving/regress": "regression"}


class Service:
    """Answer requests of the served models.

    Args:
        models: `ModelManager`.
        pool: `WorkerPool`.
        batcher: `Batcher`, or None to run every request by itself.
        metrics: `Metrics`.
        base_paths: function that lists the folders which the operator named; requests may choose among them.
        max_pixels: of the images, as tensors, of one request; None for any number.
        max_answer: bytes that numbers for each of these pixels may take in an answer, such as scores; None for any.
    """

    def __init__(self, models, pool, *, batcher=None, metrics, base_paths=frozenset, max_pixels=None, max_answer=None):
        self.models = models
        self.metrics = metrics
        self.base_paths = base_paths
        self._pool = pool
        self._batcher = batcher
        self._max_pixels, self._max_answer = max_pixels, max_answer

    async def predict(self, servable, signature, inputs, *, seconds=None, outputs=()):
        """Answer one request on a servable that is in use.

        Args:
            servable: from `models.use`.
            signature: name of the signature.
            inputs: `{name: array}`; strings are object arrays of bytes.
            seconds: how long the answer may take.
            outputs: names of the outputs to answer; none means all.

        Returns:
            `{name: numpy array}`.

        Raises:
            ServingError: with TF Serving's code and message; DEADLINE_EXCEEDED after `seconds`, RESOURCE_EXHAUSTED
                or UNAVAILABLE at once if too many wait.
        """
        self._check_pixels(servable, signature, inputs)
        deadline = None if seconds is None else time.monotonic() + seconds
        if self._batcher:
            future = self._batcher.submit(servable, signature, inputs, deadline, outputs=outputs)
        else:
            future = self._pool.submit(lambda: self._run(servable, signature, inputs, outputs, deadline), deadline)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
        except TimeoutError:
            raise late() from None

    def status(self, spec):
        """Describe one version, or all, as a `GetModelStatusResponse`; as in TF Serving, labels do not count.

        Raises:
            ServingError: NOT_FOUND.
        """
        response = GetModelStatusResponse()
        for version in self.models.status(spec.name, spec.version):
            error = {"error_code": version.code, "error_message": version.message}
            response.model_version_status.add(version=version.version, state=version.state, status=error)
        return response

    def refuse(self, spec, signature, method):
        """Raise what TF Serving answers where a signature is not of a method for `tf.Example`s: no network here is."""
        with self.models.use(spec) as servable:
            if signature not in servable.signature_defs:
                raise ServingError("INVALID_ARGUMENT", f"No signature was found with the name: {signature}")
            actual = servable.signature_defs[signature].method_name
        if method in METHODS and actual != method:
            message = f"Expected {METHODS[method]} signature method_name to be {method}. Was: {actual}"
            raise ServingError("INVALID_ARGUMENT", message)
        message = f"This server answers Predict alone. Unsupported signature method_name: {method}"
        raise ServingError("UNIMPLEMENTED", message)

    def _run(self, servable, signature, inputs, outputs, deadline):
        left = None if deadline is None else max(deadline - time.monotonic(), 0.001)
        return self.metrics.run(servable, signature, inputs, outputs, left)

    def _check_pixels(self, servable, signature, inputs):
        """Refuse more pixels than there is memory for: a network needs ten times what is sent; its scores, too."""
        size = self._answer_of_a_pixel(servable, signature)
        for name, array in inputs.items():
            pixels = math.prod(array.shape[:3]) if array.ndim == 4 and array.dtype != object else 0
            if self._max_pixels is not None and pixels > self._max_pixels:
                raise ServingError(
                    "INVALID_ARGUMENT",
                    f"{name} has {pixels} pixels; more than {self._max_pixels} in a request are refused. Send fewer "
                    "images at once, or smaller ones; fcn-serve --max_request_pixels sets another limit.",
                )
            if self._max_answer is not None and pixels * size > self._max_answer:
                raise ServingError(
                    "INVALID_ARGUMENT",
                    f"{name} has {pixels} pixels, for each of which {signature} answers {size} bytes; more than "
                    f"{self._max_answer} are refused. Send fewer images at once, or smaller ones; the limit is four "
                    "times fcn-serve --max_request_bytes.",
                )

    def _answer_of_a_pixel(self, servable, signature):
        """Count the bytes that a signature answers for a pixel of images that are sent as tensors."""
        if self._max_answer is None or signature not in servable.signature_defs:
            return 0
        outputs = [x for x in servable.signature_defs[signature].outputs.values() if x.dtype == FLOAT]
        shapes = [[dim.size for dim in x.tensor_shape.dim] for x in outputs]
        return sum(4 * max(shape[-1], 1) for shape in shapes if len(shape) == 4)
