"""The machine that computes: its name, beside which timings mean something, and whether bfloat16 is quick on it."""

import os
import platform

YOUNG = (8, 0)  # compute capability from which on NVIDIA's GPUs multiply bfloat16 faster than float32


def machine():
    """Return the accelerators' names, or `"CPU, 2 cores, x86_64"` where there are none."""
    names = _accelerators()
    if names:
        return ", ".join(f"{names.count(name)} x {name}" for name in sorted(set(names)))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"CPU, {cores} core{'' if cores == 1 else 's'}, {platform.machine()}"


def bfloat16_unit():
    """Name what makes bfloat16 several times as fast as float32 on this machine.

    Returns:
        `"AMX"`, `"compute capability 9.0"`, or None where there is no such thing, or nothing tells of it.
    """
    from fcn_keras.inference.processor import has_amx

    capabilities = _capabilities()
    if capabilities:
        least = min(capabilities)
        return f"compute capability {least[0]}.{least[1]}" if least >= YOUNG else None
    return "AMX" if has_amx() else None


def _capabilities():
    """List the compute capability of every NVIDIA GPU that TensorFlow or JAX sees, as two numbers; torch is not asked.

    No module here imports torch, which reads pickles.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        known = [getattr(device, "compute_capability", None) for device in jax.devices()]
        return [tuple(map(int, each.split("."))) for each in known if each]
    if backend == "torch":
        return []
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return [each["compute_capability"] for each in details if "compute_capability" in each]


def _accelerators():
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
