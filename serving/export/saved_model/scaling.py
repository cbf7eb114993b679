"""Photographs at the scale that a network knows, inside the SavedModel's graph. Importing this imports TensorFlow.

It does what `fcn_keras.photographs` and `fcn_keras.scaling` do in NumPy; sizes and reduced pixels are the same, bit by
bit.
"""

import tensorflow as tf

from fcn_keras.inference import label_of
from fcn_keras.photographs import LARGEST_SIDE, Photographs
from fcn_keras.scaling import BAND

NUMBER = r"\d{1,7}(\.\d{1,25})?|\.\d{1,25}"  # as many digits as Python writes of a third
NO_SCALE = "A scale is trained, none, a factor above 0 and up to 1, such as 0.25, or the longer side, such as 640."
ROWS_AT_ONCE = 4  # of what is reduced: more take memory and no less time


def scaled_size(size, scale):
    """Tell at which size a photograph is scored: `fcn_keras.photographs.scaled_size`.

    Args:
        size: `[2]` int64 tensor, its height and width.
        scale: as for that function.

    Returns:
        `[2]` int64 tensor.
    """
    if not isinstance(scale, Photographs):
        return _size_at(size, tf.constant(scale, tf.float64))
    sides = tf.cast(tf.maximum(size, 1), tf.float64)
    new = tf.sqrt(tf.constant(scale.reduced_pixels, tf.float64) * sides / sides[::-1])
    return tf.where(tf.reduce_prod(size) > scale.most_pixels, _rounded(new, size), size)


def asked_size(size, text, scale):
    """Tell at which size a photograph is scored that comes with a scale of its own.

    Args:
        size: as for `scaled_size`.
        text: scalar string: `trained`, which is `scale`; `none`, a factor or the longer side.
        scale: as for `scaled_size`.

    Returns:
        `[2]` int64 tensor, and a scalar string: empty, or a sentence where the text is none of these.
    """
    is_trained = tf.equal(text, "trained")
    written = tf.where(tf.equal(text, "none"), "1", text)
    number = tf.strings.to_number(tf.where(tf.strings.regex_full_match(written, NUMBER), written, "0"), tf.float64)
    is_side = (number > 1) & (number <= LARGEST_SIDE) & tf.equal(number, tf.floor(number))
    known = is_trained | ((number > 0) & (number <= 1)) | is_side
    asked = tf.where(is_trained, scaled_size(size, scale), _size_at(size, number))
    return tf.where(known, asked, size), tf.where(known, "", NO_SCALE)


def _size_at(size, number):
    """Return the size by a factor up to 1, or by the longer side."""
    sides = tf.cast(tf.maximum(size, 1), tf.float64)
    longer = tf.reduce_max(sides)
    factor = tf.where(number <= 1, number, tf.minimum(number, longer) / longer)
    return _rounded(sides * factor, size)


def _rounded(sides, size):
    """Round half up; no side is below 1 or above its own."""
    return tf.minimum(tf.maximum(tf.cast(tf.floor(sides + 0.5), tf.int64), 1), tf.maximum(size, 1))


def reduced(pixels, size, colours):
    """Reduce an image: its first channels, which are colours, by exact means of areas, the others by nearest pixels.

    Args:
        pixels: `(H, W, C)` uint8 or uint16.
        size: `[2]` int64, of which none is larger than the image's.
        colours: how many channels are colours.

    Returns:
        `(h, w, C)` of the same dtype.
    """
    channels = pixels.shape[-1]
    parts = [area_reduced(pixels[..., :colours], size)] if colours else []
    if colours < channels:
        parts.append(nearest_reduced(pixels[..., colours:], size))
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1)


def area_reduced(pixels, size):
    """Average areas in whole numbers, rounded once: `fcn_keras.scaling.area_reduced`."""
    (height, width), channels = tf.unstack(_sides(pixels)), pixels.shape[-1]
    down, across = tf.unstack(size)
    edges = tf.range(across + 1) * width
    whole, part = edges // across, edges % across
    cut = tf.minimum(whole, width - 1)

    def reduce_row(row):
        first, last = row * height // down, -(-(row + 1) * height // down)
        lines = tf.clip_by_value(tf.range(first, last + 1) * down, row * height, (row + 1) * height)
        weights = tf.cast(lines[1:] - lines[:-1], tf.float64)
        # float64 holds these whole numbers exactly, in whatever order they are added.
        rows = tf.cast(tf.reshape(pixels[first:last], [last - first, width * channels]), tf.float64)
        columns = tf.cast(tf.reshape(tf.matmul(weights[None], rows), [width, channels]), tf.int64)
        sums = tf.pad(tf.cumsum(columns), [[1, 0], [0, 0]])
        at_edges = across * tf.gather(sums, whole) + part[:, None] * tf.gather(columns, cut)
        area = height * width
        return tf.cast((at_edges[1:] - at_edges[:-1] + area // 2) // area, pixels.dtype)

    spec = tf.TensorSpec([None, channels], pixels.dtype)
    return tf.map_fn(reduce_row, tf.range(down), fn_output_signature=spec, parallel_iterations=ROWS_AT_ONCE)


def nearest_reduced(pixels, size):
    """Take the pixel in the middle: `fcn_keras.scaling.nearest_reduced`."""
    for axis, (count, length) in enumerate(zip(tf.unstack(size), tf.unstack(_sides(pixels)), strict=True)):
        pixels = tf.gather(pixels, (2 * tf.range(count) + 1) * length // (2 * count), axis=axis)
    return pixels


def labels_at(scores, size):
    """Bring scores to another size and take the classes there, band by band: `fcn_keras.scaling.labels_at`.

    Args:
        scores: `(h, w, C)` float32.
        size: `[2]` int64, height and width of the labels.

    Returns:
        `(H, W)` uint8 or uint16.
    """
    height, width = tf.unstack(size)
    rows, columns = tf.unstack(_sides(scores))
    best = label_of(scores)
    across = _taps(columns, tf.range(width), width)
    band = tf.clip_by_value(BAND // tf.maximum(width * scores.shape[-1], 1), 1, tf.maximum(height, 1))

    def label_band(top):
        pixels = tf.minimum(tf.range(top, top + band), height - 1)  # the last band is cut behind
        return _band(scores, best, _taps(rows, pixels, height), across)

    spec = tf.TensorSpec([None, None], best.dtype)
    bands = tf.map_fn(label_band, tf.range(0, height, band), fn_output_signature=spec, parallel_iterations=1)
    return tf.reshape(bands, [-1, width])[:height]


def finished_at(scores, size, finish, dtype):
    """Bring scores to another size and make something of them there: `fcn_keras.scaling.finished_at`.

    Args:
        scores, size: as for `labels_at`.
        finish: a function from scores `(h, W, C)` of some rows to `(h, W)`.
        dtype: of its result.

    Returns:
        `(H, W)`.
    """
    height, width = tf.unstack(size)
    rows, columns = tf.unstack(_sides(scores))
    left, right, rightward = _taps(columns, tf.range(width), width)
    rightward = rightward[:, None]
    band = tf.clip_by_value(BAND // tf.maximum(width * scores.shape[-1], 1), 1, tf.maximum(height, 1))

    def across(numbers):
        given = tf.gather(scores, numbers)
        return tf.gather(given, left, axis=1) * (1 - rightward) + tf.gather(given, right, axis=1) * rightward

    def finish_band(top):
        pixels = tf.minimum(tf.range(top, top + band), height - 1)  # the last band is cut behind
        upper, lower, downward = _taps(rows, pixels, height)
        downward = downward[:, None, None]
        return finish(across(upper) * (1 - downward) + across(lower) * downward)

    spec = tf.TensorSpec([None, None], dtype)
    bands = tf.map_fn(finish_band, tf.range(0, height, band), fn_output_signature=spec, parallel_iterations=1)
    return tf.reshape(bands, [-1, width])[:height]


def _band(scores, best, down, across):
    """Label the pixels between some rows and all columns: only those are computed around which the best differ."""
    (upper, lower, downward), (left, right, rightward) = down, across

    def best_at(rows, columns):
        return tf.gather(tf.gather(best, rows), columns, axis=1)

    labels = best_at(upper, left)
    others = (best_at(upper, right), best_at(lower, left), best_at(lower, right))
    places = tf.where(tf.reduce_any(tf.stack([tf.not_equal(labels, other) for other in others]), axis=0))
    y, x = tf.unstack(places, axis=1)
    to_right, to_bottom = tf.gather(rightward, x)[:, None], tf.gather(downward, y)[:, None]

    def scores_at(rows, columns):
        return tf.gather_nd(scores, tf.stack([tf.gather(rows, y), tf.gather(columns, x)], axis=1))

    above = scores_at(upper, left) * (1 - to_right) + scores_at(upper, right) * to_right
    below = scores_at(lower, left) * (1 - to_right) + scores_at(lower, right) * to_right
    return tf.tensor_scatter_nd_update(labels, places, label_of(above * (1 - to_bottom) + below * to_bottom))


def _taps(source, pixels, target):
    """Find between which two of `source` pixels some of `target` lie, and how near they are to the second."""
    ratio = tf.cast(source, tf.float64) / tf.cast(target, tf.float64)
    last = source - 1
    place = tf.clip_by_value((tf.cast(pixels, tf.float64) + 0.5) * ratio - 0.5, 0.0, tf.cast(last, tf.float64))
    lower = tf.cast(place, tf.int64)
    weight = tf.cast(place - tf.cast(lower, tf.float64), tf.float32)
    return lower, tf.minimum(lower + 1, last), weight


def _sides(image):
    return tf.shape(image, out_type=tf.int64)[:2]
