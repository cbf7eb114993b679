"""Matrix products of kernels with millions of weights, as fast as TensorFlow has them on a processor.

Of 256 patches with fc6, `patches @ kernel` multiplies half as fast as a convolution where the processor has AVX2 at
most. It is as fast with up to 127 patches at once, and with the kernel transposed for any number of them
(benchmarks/multiplications.py).
"""

from collections.abc import Callable
from typing import Any

from keras import ops

from fcn_keras.inference.processor import lacks_avx512

Tensor = Any  # of any backend: Keras names no type for it

RUN = 120  # patches


def of(dtype: str) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the faster of `in_runs` and `keras.ops.matmul` on this machine, for a dtype."""
    return in_runs if dtype == "float32" and lacks_avx512() else ops.matmul


def in_runs(patches: Tensor, kernel: Tensor) -> Tensor:
    """Multiply up to `RUN` patches at once.

    Args:
        patches: `(M, L)`.
        kernel: `(L, K)`.

    Returns:
        `(M, K)`.
    """
    count, length = ops.shape(patches)
    runs = (count + RUN - 1) // RUN
    each = (count + runs - 1) // runs
    patches = ops.reshape(ops.pad(patches, [[0, runs * each - count], [0, 0]]), (runs, each, length))
    product = ops.map(lambda run: ops.matmul(run, kernel), patches)
    return ops.reshape(product, (runs * each, kernel.shape[-1]))[:count]


def by_transposed(patches: Tensor, transposed: Tensor) -> Tensor:
    """Multiply patches by a kernel that is held transposed.

    Args:
        patches: `(M, L)`.
        transposed: `(K, L)`.

    Returns:
        `(M, K)`.
    """
    return ops.transpose(ops.matmul(transposed, ops.transpose(patches)))
