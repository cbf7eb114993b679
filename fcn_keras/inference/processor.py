"""What the machine multiplies with, as far as the fastest order of a computation depends on it."""

import functools
from pathlib import Path

import keras

_FLAGS = Path("/proc/cpuinfo")


@functools.cache
def is_processor() -> bool:
    """Return whether TensorFlow computes on a processor: other backends and GPUs choose the forms of their own."""
    return keras.backend.backend() == "tensorflow" and not keras.distribution.list_devices("gpu")


@functools.cache
def lacks_avx512() -> bool:
    """Return whether TensorFlow computes on an x86 processor with AVX2 at most; False where nothing says so."""
    return is_processor() and "avx2" in _flags() and "avx512f" not in _flags()


@functools.cache
def has_amx() -> bool:
    """Return whether TensorFlow computes on a processor that multiplies matrices of bfloat16 in units of their own.

    False where nothing says so. JAX and torch are not known to use them as well as TensorFlow's oneDNN.
    """
    return is_processor() and "amx_bf16" in _flags()


def _flags() -> list[str]:
    """Return what the processor can do, by Linux's words; nothing on other systems."""
    try:
        lines = _FLAGS.read_text("utf-8").splitlines()
    except OSError:
        return []
    return next((line for line in lines if line.startswith("flags")), "").split()
