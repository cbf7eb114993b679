"""What REST and gRPC both call."""

import asyncio
import time

from .runner import late


class Service:
    """Answer requests of the served models.

    Args:
        models: `Models`.
        runner: `Runner`.
        batcher: `Batcher`, or None to run every request by itself.
        metrics: `Metrics`.
    """

    def __init__(self, models, runner, *, batcher=None, metrics):
        self.models = models
        self.metrics = metrics
        self._runner = runner
        self._batcher = batcher

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
        deadline = None if seconds is None else time.monotonic() + seconds
        if self._batcher:
            future = self._batcher.submit(servable, signature, inputs, deadline, outputs=outputs)
        else:
            future = self._runner.submit(lambda: self.metrics.run(servable, signature, inputs, outputs), deadline)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
        except asyncio.TimeoutError:
            raise late() from None
