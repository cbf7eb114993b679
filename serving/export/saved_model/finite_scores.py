"""Answer NaN, or an error, where scores would be made of what is no number. Importing this imports TensorFlow.

`fcn_keras.inference.overflow` does the same outside a graph.
"""

import math

import tensorflow as tf

BRIGHTEST = 2.0**23  # magnitude of a pixel up to which networks are shown not to overflow
SENTENCE = "The scores of this image are not finite: the network's weights are too large for it."


def scores_of_numbers(images, scores):
    """Replace the scores of images that hold a pixel which is NaN, infinite or beyond `BRIGHTEST` by NaN.

    Args:
        images: batches `(N, H, W, C)` float32 of one scene each.
        scores: `{head: (N, H, W, K)}`.

    Returns:
        the same.
    """
    # One number tells of the usual batch that nothing has to be looked at: no pixel is larger than the root of it.
    most = tf.add_n([tf.nn.l2_loss(x) for x in images])

    def replaced():
        is_right = tf.reduce_all(tf.stack([_is_right(x) for x in images]), axis=0)  # (N,)
        return {head: tf.where(is_right[:, None, None, None], x, math.nan) for head, x in scores.items()}

    return tf.cond(most <= BRIGHTEST**2 / 2, lambda: {head: tf.identity(x) for head, x in scores.items()}, replaced)


def _is_right(image):
    """Tell of every image whether its pixels are numbers; of depth, a logarithm is taken, so it may be large."""
    colours = tf.reduce_all(tf.abs(image[..., :3]) <= BRIGHTEST, axis=[1, 2, 3])
    return colours & tf.reduce_all(tf.math.is_finite(image[..., 3:]), axis=[1, 2, 3])


def require_numbers(labels, broken):
    """Refuse a batch of labels that are made of scores which are no numbers.

    Args:
        labels: `{head: (N, H, W)}`.
        broken: `{head: (N,)}`, as `keeping.broken_kept` counts them.

    Returns:
        `labels`; to compute them is an error where an image has such scores, which names it.
    """
    wrong = tf.reduce_any(tf.stack(list(broken.values())) > 0, axis=0)  # (N,)
    check = tf.debugging.Assert(
        ~tf.reduce_any(wrong), ["The scores of these images are not finite:", tf.where(wrong)[:, 0]]
    )
    with tf.control_dependencies([check]):
        return {head: tf.identity(x) for head, x in labels.items()}
