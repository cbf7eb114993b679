"""Decode files in TensorFlow's graph, where a data set has such as its decoders read to the same pixels.

In Python the threads of a stream wait for each other: two of them read a third of what they read here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_keras.examples import VOID

_DAMAGED = "damaged_file_that_fcn-doctor_names"
_TOGETHER = 8  # examples whose files one call of Python reads: threads wait for it longer than it reads


def with_files(tf: ModuleType, positions: Any, examples: Any, index_of: Callable[[Any], int], *, endless: bool) -> Any:
    """Read the files of a stream's examples.

    Args:
        tf: the module `tensorflow`.
        positions: `tf.data.Dataset` of them.
        examples: data set with `encoded`, as `fcn_keras.datasets.Folder` has it.
        index_of: of a position.
        endless: whether the stream has no end; what has one is read one by one.

    Returns:
        `tf.data.Dataset` of `(position, index, image, mask)`, the latter two bytes, which are empty where only
        `examples[index]` reads.
    """
    together = _TOGETHER if endless else 1

    def read(positions: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        indices = [index_of(position) for position in positions]
        pairs = [examples.encoded(index) or (b"", b"") for index in indices]
        return np.array(indices, np.int64), *(np.array(files, object) for files in zip(*pairs, strict=True))

    def load(positions: Any) -> Any:
        of_each = tf.numpy_function(read, [positions], [tf.int64, tf.string, tf.string])
        return positions, *(tf.ensure_shape(x, [together]) for x in of_each)

    chunks = positions.batch(together, drop_remainder=True)
    load = tf.autograph.experimental.do_not_convert(load)
    return chunks.map(load, tf.data.AUTOTUNE, deterministic=True).unbatch()


def decoded(tf: ModuleType, files: Sequence[Any], num_classes: int, by_reader: Callable[[], list[Any]]) -> list[Any]:
    """Decode the files of one example, if it has any.

    Args:
        tf: the module `tensorflow`.
        files: index, image and mask, of `with_files`.
        num_classes: of the mask's ids.
        by_reader: returns index, image and label as the data set reads them, or says what is wrong.

    Returns:
        what `by_reader` returns, without a call of it where the files hold what they should.
    """
    index, image, mask = files

    def decode() -> Any:
        # Of the decoder's ways this one is Pillow's. TensorFlow's error holds the name of the operation, and no file's.
        pixels = tf.io.decode_jpeg(image, 3, dct_method="INTEGER_ACCURATE", name=_DAMAGED)
        ids = tf.io.decode_png(mask, 1, name=_DAMAGED)[..., 0]
        # 255 + 1 is 0: void is allowed. What is wrong with other values, the reader says.
        are_classes = tf.reduce_max(ids + 1) <= min(num_classes, VOID)
        return tf.cond(are_classes, lambda: [index, pixels, ids], by_reader)

    found: list[Any] = tf.cond(tf.strings.length(image) > 0, decode, by_reader)
    return found


@contextmanager
def naming_undecodable(data_sets: Iterable[Any]) -> Iterator[None]:
    """Name the example whose files TensorFlow could not decode: its own error names none.

    Args:
        data_sets: whose streams are read meanwhile.

    Returns:
        a context manager.

    Raises:
        ValueError: in the place of TensorFlow's error, where one of their files is the cause.
    """
    try:
        yield
    except Exception as error:
        if _DAMAGED not in str(error):
            raise
        for examples in data_sets:
            if (said := _undecodable(examples)) is not None:
                raise ValueError(said) from error
        raise


def _undecodable(examples: Any) -> str | None:
    import tensorflow as tf

    if not hasattr(examples, "encoded"):
        return None
    for index in range(len(examples)):
        pair = examples.encoded(index)
        if pair is None:
            continue
        decoders = {"image": tf.io.decode_jpeg, "mask": tf.io.decode_png}
        for (kind, decode), data in zip(decoders.items(), pair, strict=True):
            try:
                decode(data)
            except tf.errors.InvalidArgumentError:
                return f"The {kind} of {examples.ids[index]} in {examples.directory} is damaged. Save or copy it again."
    return None
