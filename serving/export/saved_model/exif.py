"""EXIF orientation inside a TensorFlow graph, which TensorFlow's decoders ignore. Importing this imports TensorFlow.

It is looked for where `fcn_keras.datasets.images` looks: in JPEG's APP1, PNG's eXIf before the pixels, WebP's EXIF.
"""

import functools

import tensorflow as tf

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

    for orientations, turn in (
        ((5, 6, 7, 8), lambda image: tf.transpose(image, [1, 0, 2])),
        ((3, 4, 7, 8), lambda image: image[::-1]),
        ((2, 3, 6, 7), lambda image: image[:, ::-1]),
    ):
        is_turned = tf.reduce_any(tf.equal(orientation, orientations))
        image = tf.cond(is_turned, functools.partial(turn, image), functools.partial(tf.identity, image))
    return image


def _walk(contents, start, step):
    """Go from chunk to chunk until EXIF is found.

    Args:
        start: position of the first chunk.
        step: `position -> (position of EXIF's TIFF header or 0, position of the next chunk or 0 at the end)`.

    Returns:
        Position of the TIFF header, or 0.
    """
    length = tf.strings.length(contents)

    def unfinished(position, header):
        return tf.equal(header, 0) & (position > 0) & (position < tf.cast(length, tf.int64))

    def body(position, _):
        header, following = step(position)
        return following, header

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

    def body(index, value):
        entry = directory + 2 + 12 * index
        kind = number(contents, entry + 2, 2, big=big)
        here = tf.where(tf.equal(kind, SHORT), number(contents, entry + 8, 2, big=big), NOWHERE)
        return index + 1, tf.where(tf.equal(number(contents, entry, 2, big=big), ORIENTATION), here, value)

    value = tf.while_loop(unfinished, body, (NOWHERE, tf.constant(1, tf.int64)), maximum_iterations=MAX_CHUNKS)[1]
    return tf.cast(tf.where((value >= 1) & (value <= 8), value, 1), tf.int32)


def number(contents, position, count, *, big=False):
    """Read an unsigned number of 1 to 4 bytes.

    Args:
        contents: scalar string tensor, the file.
        position: of the first byte, int or int64 scalar; bytes behind the end of the file count as 0.
        count: number of bytes.
        big: most significant byte first; a bool or a scalar bool tensor.

    Returns:
        int64 scalar.
    """
    values = tf.cast(tf.io.decode_raw(part(contents, position, count), tf.uint8), tf.int64)
    values = tf.pad(values, [[0, count - tf.size(values)]])
    weights = [256**i for i in range(count)]
    return tf.reduce_sum(values * tf.where(big, *(tf.constant(w, tf.int64) for w in (weights[::-1], weights))))


def part(contents, position, count):
    """Return `count` bytes from `position` on, or as many as there are."""
    length = tf.strings.length(contents)
    start = tf.clip_by_value(tf.cast(position, tf.int64), 0, tf.cast(length, tf.int64))
    return tf.strings.substr(contents, tf.cast(start, tf.int32), tf.cast(count, tf.int32))
