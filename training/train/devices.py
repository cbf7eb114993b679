"""Where a run trains: on one device, on all devices of one machine, or on several hosts.

A recipe's batch is always the batch of all devices together, so that the same recipe learns the same on any number of
them. TensorFlow's `MirroredStrategy` serves the devices of one machine, Keras's `DataParallel` on the JAX backend those
of one machine or of many. Where the first cannot compute what one device would, it refuses and says why.
"""

import contextlib
import functools
import json
import zlib

import numpy as np

from fcn_keras.examples import VOID  # the readers turn every other void id into it

from ..recipes.loss import averages_pixels


def open_devices(*, devices=None, coordinator=None, processes=None, process=None):
    """Find the devices that the options of `fcn-train` name; before anything else computes on the JAX backend.

    Args:
        devices: number of this machine's devices as text, or `"all"`; None for one.
        coordinator: `HOST:PORT` of process 0 where several processes train together.
        processes: how many.
        process: which of them this one is, from 0 on.

    Returns:
        `OneDevice`, `Replicas` or `Mesh`.

    Raises:
        ValueError: if there are fewer devices, the backend cannot do it, or the options do not go together.
    """
    import keras

    backend = keras.backend.backend()
    together = {"--coordinator": coordinator, "--processes": processes, "--process": process}
    missing = [name for name, value in together.items() if value is None]
    if len(missing) < len(together):
        if missing:
            raise ValueError(f"Several hosts need {', '.join(together)} together. Missing: {', '.join(missing)}.")
        if devices is not None:
            raise ValueError("--devices is for one machine: with --coordinator every process uses all it sees.")
        _join(coordinator, processes, process, backend)
        return Mesh(None)
    if devices is None or devices == "1":
        return OneDevice()
    present = _local_devices(backend)
    if devices != "all" and not (devices.isdecimal() and 1 <= int(devices) <= len(present)):
        raise ValueError(
            f"--devices is a number from 1 to {len(present)}, or all: this machine has {', '.join(present)} on Keras's "
            f"{backend} backend. Received: {devices}."
        )
    chosen = present if devices == "all" else present[: int(devices)]
    if len(chosen) == 1:
        return OneDevice()
    return Mesh(chosen) if backend == "jax" else Replicas(tuple(chosen))


def is_processor():
    """Tell whether Keras's backend has nothing faster than this machine's processor."""
    import keras

    backend = keras.backend.backend()
    return backend in ("tensorflow", "jax") and _local_devices(backend)[0].lower().startswith("cpu")


def repeat_bits():
    """Make the same command compute the same bits again, where that is to be had: TensorFlow on processors.

    On GPUs it costs speed, and some operations have no such form; JAX and torch have no such switch.
    """
    import keras
    import tensorflow as tf

    if keras.backend.backend() == "tensorflow" and not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


class OneDevice:
    """What Keras does by itself.

    Attributes:
        count: number of devices that share a batch.
        lead: whether this process writes the files.
        shares: number of processes.
        share: which of them this one is.
    """

    count = 1
    lead = True
    shares = 1
    share = 0

    def check(self, recipe):
        """Refuse a recipe that would not learn here what it learns on one device.

        Raises:
            ValueError: saying why, and what would do.
        """
        if recipe.views and self.count > 1:
            raise ValueError(f"{recipe.name} trains from kept feature maps, on one device. Leave --devices out.")
        if recipe.batch_size % self.count:
            raise ValueError(
                f"{self.count} devices share a batch: --batch-size is a multiple of {self.count}. "
                f"Received: {recipe.batch_size}. Images of several sizes also need --buckets."
            )

    def scope(self):
        """Return the context to build or load a model in that is to be trained here."""
        return contextlib.nullcontext()

    def apart(self):
        """Return the context to build or run a model in on one device of this process alone."""
        return contextlib.nullcontext()

    def feed(self, stream, recipe):
        """Turn a stream of the recipe's whole batches into what `fit` takes here."""
        return stream

    def agree(self, value):
        """Wait for all processes, and make sure that `value`, JSON-able, is the same in every one.

        Raises:
            ValueError: if it is not.
        """

    def restore(self, metric, value):
        """Give a metric's variable a value that was read from it."""
        metric.assign(value)

    def add_up(self, variables):
        """Replace each variable by its sum over the processes."""


class Replicas(OneDevice):
    """TensorFlow's `MirroredStrategy`: a copy of the weights on each of this machine's devices."""

    def __init__(self, names):
        self.count = len(names)
        self.strategy = _strategy(names)

    def check(self, recipe):
        super().check(recipe)
        from .compiling import optimizer_of

        optimizer = optimizer_of(recipe, recipe.learning_rate)
        clips = [n for n in ("clipnorm", "global_clipnorm", "clipvalue") if getattr(optimizer, n) is not None]
        reason = None
        if (recipe.accumulate or optimizer.gradient_accumulation_steps or 1) > 1:
            reason = "accumulates gradients, which Keras cannot do under MirroredStrategy"
        elif clips:
            reason = f"clips gradients ({clips[0]}), which Keras does before it adds up those of the devices"
        elif recipe.dtype_policy == "mixed_float16":
            reason = "is mixed_float16, whose overflows Keras looks for on the first device alone"
        elif not averages_pixels(recipe):
            reason = f"has a loss of the whole batch ({recipe.loss}), of which every device sees a share"
        if reason is not None:
            raise ValueError(
                f"{recipe.name} {reason}. Set KERAS_BACKEND=jax (pip install jax), which does it on all devices, "
                "or leave --devices out."
            )

    def scope(self):
        return self.strategy.scope()

    def restore(self, metric, value):
        # What is read is the sum over the devices. Assigning to it would divide counts evenly, and lose the odd ones.
        for i, part in enumerate(self.strategy.experimental_local_results(metric.value)):
            part.assign(np.zeros_like(value) if i else value)

    def feed(self, stream, recipe):
        # A sum needs nothing: Keras adds up the devices' gradients. Their means it averages.
        return stream.map(functools.partial(weigh, replicas=self.count)) if recipe.reduction == "mean" else stream


class Mesh(OneDevice):
    """Keras's `DataParallel` on JAX: one batch, laid over the devices of one or of many processes.

    Every process reads the whole batch and keeps its share: the order is one for all, whatever their number.
    """

    def __init__(self, names):
        import jax
        import keras

        self.distribution = keras.distribution.DataParallel(devices=names, auto_shard_dataset=False)
        keras.distribution.set_distribution(self.distribution)
        self.count = self.distribution.device_mesh.devices.size  # num_model_replicas came with Keras 3.15
        self.shares, self.share = jax.process_count(), jax.process_index()
        self.lead = self.share == 0

    def check(self, recipe):
        super().check(recipe)
        if self.shares > 1 and recipe.patience is not None:
            raise ValueError(
                "--patience goes by the log, which one of several processes writes. Leave it out, and stop the run "
                "yourself when its scores no longer rise."
            )

    @contextlib.contextmanager
    def apart(self):
        import keras

        keras.distribution.set_distribution(None)
        try:
            yield
        finally:
            keras.distribution.set_distribution(self.distribution)

    def feed(self, stream, recipe):
        import tensorflow as tf

        if self.shares == 1:
            return stream
        size = recipe.batch_size // self.shares
        mine = slice(self.share * size, (self.share + 1) * size)
        return stream.map(lambda *batch: tf.nest.map_structure(lambda x: x[mine], batch))

    def agree(self, value):
        print_of = np.uint32(zlib.crc32(json.dumps(value, sort_keys=True).encode()))
        if len(set(self._gather(print_of).tolist())) > 1:
            raise ValueError(
                f"The {self.shares} processes do not agree on {', '.join(value)}. Start each with the same command, "
                "recipes and data, and with a --workdir on a disk that all of them see."
            )

    def add_up(self, variables):
        if self.shares > 1:
            for variable in variables:
                variable.assign(self._gather(np.asarray(variable)).sum(axis=0))

    def _gather(self, value):
        """Return the values of all processes, stacked."""
        from jax.experimental import multihost_utils

        return np.asarray(multihost_utils.process_allgather(value)).reshape(self.shares, *value.shape)


def weigh(inputs, labels, *, replicas):
    """Weigh images so that the average of the devices' mean losses is the mean over the batch's counted pixels.

    `PixelCrossentropy` divides by the counted pixels of what it sees, under a strategy one device's share. A device
    with few of them, the others being void, would count as much as one with many.

    Args:
        labels: `(B, H, W)`, or a dict of them by head; `B` is a multiple of `replicas`.

    Returns:
        `(inputs, labels, weights)`; weights `(B, 1, 1)` float32, in the structure of the labels.
    """
    import tensorflow as tf

    def weights(ids):
        counted = tf.reduce_sum(tf.cast(ids != VOID, tf.float32), axis=[1, 2])  # (B,)
        shares = tf.reduce_sum(tf.reshape(counted, (replicas, -1)), axis=1)
        each = shares * replicas / tf.maximum(tf.reduce_sum(shares), 1.0)
        return tf.repeat(each, tf.size(counted) // replicas)[:, None, None]

    return inputs, labels, tf.nest.map_structure(weights, labels)


@functools.cache
def _strategy(names):
    """Make a strategy once: the collective operations of a second one in a process fail."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(names)


def _local_devices(backend):
    """Name this machine's accelerators, or its processors where it has none."""
    if backend == "jax":
        import keras

        return keras.distribution.list_devices()
    if backend == "tensorflow":
        import tensorflow as tf

        present = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return [device.name.removeprefix("/device:") for device in present]
    raise ValueError(
        f"--devices needs Keras's TensorFlow or JAX backend. Received: {backend}. Set KERAS_BACKEND=tensorflow."
    )


def _join(coordinator, processes, process, backend):
    """Join the other processes; a second call in a process changes nothing."""
    if backend != "jax":
        raise ValueError(
            f"Several hosts train on Keras's JAX backend. Received: {backend}. Set KERAS_BACKEND=jax (pip install jax)."
        )
    if not (processes >= 1 and 0 <= process < processes):
        raise ValueError(f"--process counts from 0 to --processes - 1. Received: {process} of {processes}.")
    host, _, port = coordinator.rpartition(":")
    if not (host and port.isdecimal()):
        raise ValueError(f"--coordinator is HOST:PORT of process 0. Received: {coordinator}.")
    import jax

    if jax.distributed.is_initialized():
        return
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(coordinator, num_processes=processes, process_id=process)
    except RuntimeError as error:
        raise ValueError(
            f"Process {process} could not join at {coordinator} ({str(error).splitlines()[0]}). Start all processes "
            "within five minutes, and let them reach process 0 there."
        ) from error
