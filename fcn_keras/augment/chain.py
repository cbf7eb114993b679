"""Chain augmentations into one."""

import functools
from collections.abc import Callable, Sequence

from .maps import Example, Tensor, import_tensorflow

Augmentation = Callable[[Example, Tensor], Example]


def compose(*functions: Augmentation) -> Augmentation:
    """Chain augmentations into one `(example, seed)` function.

    Each gets its own seed, derived from the given one and its place in the chain. Bind options with
    `functools.partial`: `compose(mirror, partial(jitter, pixels=16))`.

    Args:
        *functions: of this module, or others of `(example, seed)` that return an example.

    Returns:
        the function, which can be pickled if they can.
    """
    return functools.partial(_chain, functions)


def _chain(functions: Sequence[Augmentation], example: Example, seed: Tensor) -> Example:
    tf = import_tensorflow()
    for position, function in enumerate(functions):
        example = function(example, tf.random.fold_in(seed, position))
    return example
