"""The forward pass, the training step and the matrix product on an accelerator, on any of Keras's backends."""

import time

import keras
import numpy as np
from keras import ops

import fcn_keras as fcn
from speed import nets

SECONDS = 0.5  # of calls between two looks at the clock
MOST_CALLS = 50
SIDE = 8192  # of the matrices


def compiled(function, jit_compile):
    """Compile a function of tensors with the backend's own compiler."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.jit(function)
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=jit_compile)
    import torch

    return torch.no_grad()(function)


def peak_memory():
    """Return the largest memory taken of the device so far in GB; None where the backend does not tell."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        statistics = jax.local_devices()[0].memory_stats()
        return statistics["peak_bytes_in_use"] / 1e9 if statistics else None
    if backend == "torch":
        import torch

        return torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else None
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e9


def timed(function):
    """Return the seconds of a call, of enough calls in a row that waiting for the last one does not count."""

    def several(count):
        started = time.perf_counter()
        for _ in range(count):
            last = function()
        ops.convert_to_numpy(last)  # waits
        return (time.perf_counter() - started) / count

    once = several(1)
    return several(min(MOST_CALLS, max(1, round(SECONDS / once))))


class Matrix:
    """The device's matrix product.

    Args:
        dtype: of its operands.
        scale: factor on the side.
        jit_compile: whether XLA compiles, where there is a choice.
    """

    def __init__(self, dtype, scale, jit_compile):
        self.side = max(64, round(SIDE * scale))
        operand = ops.cast(keras.random.normal((self.side, self.side), seed=0), dtype)
        # Of the product only the mean comes back: 8192x8192 numbers would take longer to copy than to compute.
        product = compiled(lambda a, b: ops.mean(ops.matmul(a, b)), jit_compile)
        self.function = lambda: product(operand, operand)
        ops.convert_to_numpy(self.function())

    def run(self):
        """Return operations a second."""
        return 2 * self.side**3 / timed(self.function)


class Forward:
    """Label batches that are on the device already.

    Args:
        width: factor on the net's channels.
        policy: dtype policy.
        size: (H, W).
        jit_compile: whether XLA compiles, where there is a choice.
    """

    def __init__(self, width, policy, size, jit_compile):
        keras.config.set_dtype_policy(policy)
        self.model, self.size = nets.drawn(width), tuple(size)
        self.function = compiled(self._stateless if keras.backend.backend() == "jax" else self._plain, jit_compile)

    def _plain(self, images):
        return self._labels(self.model(images, training=False))

    def _stateless(self, weights, others, images):
        # As arguments: weights that a compiled function closes over become constants of its program.
        return self._labels(self.model.stateless_call(weights, others, images, training=False)[0])

    @staticmethod
    def _labels(scores):
        return ops.cast(ops.argmax(scores, axis=-1), "uint8")

    def operations(self):
        return nets.operations(self.model, *self.size)

    def run(self, batch):
        """Return the seconds of a batch, of the first one (which compiles), and the device's peak memory in GB."""
        pixels = np.random.default_rng(0).integers(0, 256, (batch, *self.size, 3)).astype("float32")
        given = [ops.convert_to_tensor(pixels)]
        if keras.backend.backend() == "jax":
            variables = (self.model.trainable_variables, self.model.non_trainable_variables)
            given = [*([v.value for v in group] for group in variables), *given]
        started = time.perf_counter()
        ops.convert_to_numpy(self.function(*given))
        first = time.perf_counter() - started
        return {"seconds": timed(lambda: self.function(*given)), "first": first, "memory": peak_memory()}


class Training:
    """Step by `model.fit` on batches that it copies to the device while it computes.

    Arguments as for `Forward`.
    """

    STEPS = 20

    def __init__(self, width, policy, size, jit_compile):
        keras.config.set_dtype_policy(policy)
        self.model, self.size = nets.drawn(width), tuple(size)
        self.model.compile(
            fcn.CaffeSGD(1e-10, momentum=0.99), fcn.PixelCrossentropy(reduction="sum"), jit_compile=jit_compile
        )

    def operations(self):
        return 3 * nets.operations(self.model, *self.size)

    def run(self, batch):
        """Return the seconds of a step, of the first epoch's (which compiles), and the peak memory in GB."""
        generator = np.random.default_rng(0)
        pixels = generator.integers(0, 256, (batch, *self.size, 3), dtype=np.uint8)
        labels = generator.integers(0, nets.CLASSES, (batch, *self.size), dtype=np.uint8)

        def endless():
            while True:
                yield pixels, labels

        clock = _Clock()
        self.model.fit(endless(), steps_per_epoch=self.STEPS, epochs=2, callbacks=[clock], verbose=0)
        first, second = clock.seconds
        return {"seconds": second / self.STEPS, "first": first, "memory": peak_memory()}


class _Clock(keras.callbacks.Callback):
    """Time the epochs; their end waits for the last step."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.started)
