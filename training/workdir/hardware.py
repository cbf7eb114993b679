"""Name the machine that something was computed on, beside which its timings mean something."""

import os
import platform


def machine():
    """Return the accelerators' names, or `"CPU, 2 cores, x86_64"` where there are none."""
    names = _accelerators()
    if names:
        return ", ".join(f"{names.count(name)} x {name}" for name in sorted(set(names)))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"CPU, {cores} core{'' if cores == 1 else 's'}, {platform.machine()}"


def _accelerators():
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
