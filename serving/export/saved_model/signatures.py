"""The SavedModel's three signatures: TensorFlow functions around one network. Importing this imports TensorFlow."""

import tensorflow as tf

from fcn_keras.inference import label_of
from fcn_keras.visualize import palette

from ..tensors import output_name, pixel_dtype
from .decoding import read_depth, read_image


def build(network, *, max_pixels, extras=()):
    """Build the signatures of a network.

    Args:
        network: as `frozen_network.freeze` makes it.
        max_pixels: largest height times width that `serving_default` accepts.
        extras: further outputs of `serving_default`: `"color"`, `"counts"`, `"confidence"`.

    Returns:
        dict of `tf.function`s.
    """
    return {
        "serving_default": _from_files(network, max_pixels, extras),
        "predict_tensors": _from_pixels(network),
        "predict_scores": _to_scores(network),
    }


def _to_scores(network):
    @tf.function(input_signature=network.specs(tf.float32), autograph=False)
    def predict_scores(*images):
        return {output_name(head, "scores"): x for head, x in network.scores(*images).items()}

    return predict_scores


def _from_pixels(network):
    @tf.function(input_signature=network.specs(pixel_dtype(network.channels.values())), autograph=False)
    def predict_tensors(*images):
        return {output_name(head, "label"): x for head, x in network.labels(images).items()}

    return predict_tensors


def _from_files(network, max_pixels, extras):
    readers = _readers(network)
    empty = _empty_answer(network, extras)

    def answer(files):
        read = [function(contents, max_pixels) for function, contents in zip(readers.values(), files, strict=True)]
        images = [image for image, _ in read]
        status = _first_wrong(dict(zip(readers, (status for _, status in read), strict=True)), images)

        def label():
            return {**_answer(network, images, extras), "status": status}

        return tf.cond(tf.equal(status, ""), label, lambda: {**empty, "status": status})

    # Nothing here is Python to be turned into a graph, and AutoGraph would take longer to see that than all the rest.
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name) for name in readers], autograph=False)
    def serving_default(*files):
        specs = {name: tf.TensorSpec(value.shape, value.dtype) for name, value in empty.items()}
        specs["status"] = tf.TensorSpec([], tf.string)
        # One image at a time: sizes differ, and memory stays that of one.
        return tf.map_fn(answer, files, fn_output_signature=specs, parallel_iterations=1)

    return serving_default


def _readers(network):
    """Name the string inputs and the function that decodes each."""
    if network.is_rgbd:
        return {"image_bytes": read_image, "depth_png_bytes": read_depth}
    return {f"{name}_bytes": read_image for name in network.channels}


def _first_wrong(statuses, images):
    """Return the first status that is not empty, naming its input where there are several."""
    status = tf.constant("")
    for name, theirs in statuses.items():
        sentence = tf.where(tf.equal(theirs, ""), "", f"{name}: " + theirs) if len(statuses) > 1 else theirs
        status = tf.where(tf.equal(status, ""), sentence, status)
    sizes = tf.stack([tf.shape(image)[:2] for image in images])
    message = f"{' and '.join(statuses)} must have one height and width."
    unequal = tf.where(tf.reduce_all(tf.equal(sizes, sizes[:1])), "", message)
    return tf.where(tf.equal(status, ""), unequal, status)


def _answer(network, images, extras):
    """Label one image: what `serving_default` answers, without the status."""
    batch = [tf.cast(image, tf.float32)[None] for image in images]
    if network.is_rgbd:
        batch = [tf.concat(batch, axis=-1)]
    size = tf.shape(images[0])
    answer = {"height": size[0], "width": size[1]}
    for head, scores in network.scores(*batch).items():
        label = label_of(scores)[0]  # (H, W)
        answer[png_name(head)] = tf.io.encode_png(label[..., None])
        for extra in extras:
            answer[output_name(head, NAMES[extra])] = MAKERS[extra](scores[0], label)
    return answer


def _color_png(_, label):
    colors = tf.gather(tf.constant(palette()), tf.cast(label, tf.int32) % 256)
    return tf.io.encode_png(colors)


def _class_pixels(scores, label):
    return tf.math.bincount(tf.cast(tf.reshape(label, [-1]), tf.int32), minlength=scores.shape[-1], dtype=tf.int64)


def _confidence(scores, _):
    return tf.reduce_mean(tf.reduce_max(tf.nn.softmax(scores), axis=-1))


NAMES = {"color": "color_png_bytes", "counts": "class_pixels", "confidence": "confidence"}
MAKERS = {"color": _color_png, "counts": _class_pixels, "confidence": _confidence}


def _empty_answer(network, extras):
    """Make the answer, without the status, for a file that is refused."""
    answer = {"height": tf.constant(0), "width": tf.constant(0)}
    for head, classes in network.classes.items():
        empty = {"color": tf.constant(""), "counts": tf.zeros([classes], tf.int64), "confidence": tf.constant(0.0)}
        answer[png_name(head)] = tf.constant("")
        answer |= {output_name(head, NAMES[extra]): empty[extra] for extra in extras}
    return answer


def png_name(head):
    """Name the output of a head's labels as a PNG file."""
    return f"{head or 'label'}_png_bytes"
