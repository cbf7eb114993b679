"""What device Keras computes on, asked of its backend and of nothing else."""

import keras


class Device:
    """Answer for a parent that imports neither Keras nor its backend."""

    def is_accelerator(self):
        return has_accelerator()


def has_accelerator():
    """Tell whether Keras's backend sees a GPU or another accelerator."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.default_backend() != "cpu"
    if backend == "torch":
        import torch

        return torch.cuda.is_available()
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
