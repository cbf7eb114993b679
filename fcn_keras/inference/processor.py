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
    try:
        flags = next((line for line in _FLAGS.read_text("utf-8").splitlines() if line.startswith("flags")), "").split()
    except OSError:
        return False
    return is_processor() and "avx2" in flags and "avx512f" not in flags
