"""EXIF orientation inside a TensorFlow graph, which TensorFlow's decoders ignore. Importing this imports TensorFlow.

What is found is what `fcn_keras.datasets.images` finds: in JPEG's APP1, PNG's eXIf before the pixels, WebP's EXIF.
"""

import tensorflow as tf

from .file_bytes import number, part

ORIENTATION = 0x0112
SHORT = 3  # TIFF's type of two bytes
PREFIX = b"Exif\x00\x00"
MAX_CHUNKS = 1_000  # of a file that was made to keep a server busy
NOWHERE = tf.constant(0, tf.int64)


def orientation(contents, is_kind):
    """Read a file's orientation.

    Args:
        contents: scalar string tensor, the file.
        is_kind: scalar bool tensors under the names "jpeg", "png", "bmp" and "webp".

    Returns:
        int32 scalar, 1..8; 1, upright, where the file says nothing or something else.
    """
    walks = [(is_kind["jpeg"], lambda: _in_jpeg(contents)), (is_kind["png"], lambda: _in_png(contents))]
    walks.append((is_kind["webp"], lambda: _in_webp(contents)))
    start = tf.case(walks, default=lambda: NOWHERE)
    return tf.cond(start > 0, lambda: _in_tiff(contents, start), lambda: tf.constant(1, tf.int32))


def upright(image, orientation):
    """Turn and mirror an `(H, W, C)` image by its EXIF orientation."""

    def turned(*, transpose, down, right):
        turned = tf.transpose(image, [1, 0, 2]) if transpose else image
        axes = [axis for axis, reverse in enumerate((down, right)) if reverse]
        return lambda: tf.reverse(turned, axes) if axes else turned

    branches = [
        turned(transpose=transpose, down=down, right=right)
        for transpose, down, right in [
            (False, False, False),
            (False, False, True),
            (False, True, True),
            (False, True, False),
            (True, False, False),
            (True, False, True),
            (True, True, True),
            (True, True, False),
        ]
    ]
    return tf.switch_case(orientation - 1, branches)


def _walk(contents, start, step):
    """Go from chunk to chunk until EXIF is found.

    Args:
        start: position of the first chunk.
        step: `position -> (position of EXIF's TIFF header or 0, position of the next chunk or 0 at the end)`.

    Returns:
        Position of the TIFF header, or 0.
    """
    length = tf.strings.length(contents)

    def unfinished(position, found):
        return tf.equal(found, 0) & (position > 0) & (position < tf.cast(length, tf.int64))

    def body(position, _):
        found, following = step(position)
        return following, found

    state = (tf.constant(start, tf.int64), NOWHERE)
    return tf.while_loop(unfinished, body, state, maximum_iterations=MAX_CHUNKS)[1]


def _in_jpeg(contents):
    def step(position):
        marker = number(contents, position, 2, big=True)
        length = number(contents, position + 2, 2, big=True)
        is_exif = tf.equal(marker, 0xFFE1) & tf.equal(part(contents, position + 4, 6), PREFIX)
        filled = tf.equal(marker, 0xFFFF)  # any number of 0xFF may stand before a marker
        ends = (marker < 0xFF01) | tf.equal(marker, 0xFFDA) | tf.equal(marker, 0xFFD9) | (length < 2)
        following = tf.where(filled, position + 1, tf.where(ends, NOWHERE, position + 2 + length))
        return tf.where(is_exif, position + 10, NOWHERE), following

    return _walk(contents, 2, step)


def _in_png(contents):
    def step(position):
        length = number(contents, position, 4, big=True)
        name = part(contents, position + 4, 4)
        ends = tf.equal(name, b"IDAT") | tf.equal(name, b"IEND")
        following = tf.where(ends, NOWHERE, position + 12 + length)
        return tf.where(tf.equal(name, b"eXIf"), position + 8, NOWHERE), following

    return _walk(contents, 8, step)


def _in_webp(contents):
    def step(position):
        length = number(contents, position + 4, 4)
        prefixed = tf.equal(part(contents, position + 8, 6), PREFIX)
        start = position + tf.where(prefixed, tf.constant(14, tf.int64), tf.constant(8, tf.int64))
        is_exif = tf.equal(part(contents, position, 4), b"EXIF")
        return tf.where(is_exif, start, NOWHERE), position + 8 + length + length % 2

    return _walk(contents, 12, step)


def _in_tiff(contents, start):
    """Read the orientation from the first directory of the TIFF structure at `start`."""
    big = tf.equal(part(contents, start, 2), b"MM")
    directory = start + number(contents, start + 4, 4, big=big)
    count = number(contents, directory, 2, big=big)

    def unfinished(index, _):
        return index < count

    def body(index, found):
        entry = directory + 2 + 12 * index
        kind = number(contents, entry + 2, 2, big=big)
        value = tf.where(tf.equal(kind, SHORT), number(contents, entry + 8, 2, big=big), NOWHERE)
        return index + 1, tf.where(tf.equal(number(contents, entry, 2, big=big), ORIENTATION), value, found)

    found = tf.while_loop(unfinished, body, (NOWHERE, tf.constant(1, tf.int64)), maximum_iterations=MAX_CHUNKS)[1]
    return tf.cast(tf.where((found >= 1) & (found <= 8), found, 1), tf.int32)
