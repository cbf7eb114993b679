"""The SavedModel's three signatures: TensorFlow functions around one network. Importing this imports TensorFlow."""

import functools

import tensorflow as tf

from fcn_keras.colors import class_colors

from ..tensors import label_dtype, output_name, pixel_dtype
from .decoding import read_depth, read_image
from .finite_scores import SENTENCE, require_numbers, scores_of_numbers
from .keeping import broken_kept, confidence_kept, confidence_map_kept, confidence_of, labels_kept, scores_kept
from .scaling import asked_size, finished_at, labels_at, reduced, scaled_size


def build(network, *, limits, extras=(), scale=None, colors=None):
    """Build the signatures of a network.

    Args:
        network: as `frozen_network.freeze` makes it.
        limits: `limits.Limits` of `serving_default`.
        extras: further outputs of `serving_default`, of `options.EXTRAS`.
        scale: at which `serving_default` and `predict_tensors` look at photographs, as
            `fcn_keras.photographs.scaled_size` takes it; None or 1 for their own size.
        colors: of the classes, `(K, 3)` uint8 by head, for `"color"`; None for those of classes without names.

    Returns:
        dict of `tf.function`s. With a `scale`, one more: `serving_scaled`, whose photographs come each with its own.
    """
    scale = None if scale == 1 else scale
    if "color" in extras and colors is None:
        colors = {head: class_colors(count) for head, count in network.classes.items()}
    answer = functools.partial(_answer, network, extras=extras, colors=colors)
    scaled = {}
    if scale is not None:
        scaled["serving_scaled"] = _from_files(network, limits, extras, scale, answer, asked=True)
    return {
        **scaled,
        "serving_default": _from_files(network, limits, extras, scale, answer),
        "predict_tensors": _from_pixels(network, scale),
        "predict_scores": _to_scores(network),
    }


def _to_scores(network):
    @tf.function(input_signature=network.specs(tf.float32), autograph=False)
    def predict_scores(*images):
        scores = scores_of_numbers(images, network.scores(*images))
        return {output_name(head, "scores"): x for head, x in scores.items()}

    return predict_scores


def _from_pixels(network, scale):
    @tf.function(input_signature=network.specs(pixel_dtype(network.channels.values())), autograph=False)
    def predict_tensors(*images):
        labels = _plain_labels(network, images) if scale is None else _scaled_labels(network, images, scale)
        return {output_name(head, "label"): x for head, x in labels.items()}

    return predict_tensors


def _plain_labels(network, images):
    """Label batches of pixels at their own size."""
    return _labels_of_numbers(network, network.finish(network.begin(images), _labels_to_keep(network, labels_kept)))


def _labels_to_keep(network, kept):
    return {"": kept, **({"broken": broken_kept} if network.is_doubtful else {})}


def _labels_of_numbers(network, made):
    labels = {head: of_head[""] for head, of_head in made.items()}
    if not network.is_doubtful:
        return labels
    return require_numbers(labels, {head: of_head["broken"] for head, of_head in made.items()})


def _scaled_labels(network, images, scale):
    """Label batches of pixels at the network's scale."""
    own = tf.shape(images[0], out_type=tf.int64)[1:3]
    size = scaled_size(own, scale)
    is_same = tf.reduce_all(tf.equal(size, own))

    def reduce_all(image, colours):
        spec = tf.TensorSpec([None, None, image.shape[-1]], image.dtype)
        return tf.map_fn(lambda x: reduced(x, size, colours), image, fn_output_signature=spec, parallel_iterations=1)

    def enlarge_all(scores, dtype):
        spec = tf.TensorSpec([None, None], dtype)
        return tf.map_fn(lambda x: labels_at(x, own), scores, fn_output_signature=spec, parallel_iterations=1)

    batch = []
    for name, image in zip(network.channels, images, strict=True):
        smaller = functools.partial(reduce_all, image, network.colours(name))
        batch.append(tf.cond(is_same, functools.partial(tf.identity, image), smaller))
    begun = network.begin(batch)

    def plain():
        return _labels_of_numbers(network, network.finish(begun, _labels_to_keep(network, labels_kept)))

    def larger():
        scores = _labels_of_numbers(network, network.finish(begun, _labels_to_keep(network, scores_kept)))
        return {head: enlarge_all(x, label_dtype(network.classes[head])) for head, x in scores.items()}

    return tf.cond(is_same, plain, larger)


def _from_files(network, limits, extras, scale, answered, *, asked=False):
    readers = _readers(network)
    empty = _empty_answer(network, extras, scale)
    most = limits.scored if scale is None else limits.decoded

    def answer(given):
        files = given[: len(readers)]
        read = [function(contents, most) for function, contents in zip(readers.values(), files, strict=True)]
        images = [image for image, _ in read]
        status = _first_wrong(dict(zip(readers, (status for _, status in read), strict=True)), images)
        size = None
        if scale is not None:
            own = tf.shape(images[0], out_type=tf.int64)[:2]
            size, wrong = asked_size(own, given[-1], scale) if asked else (scaled_size(own, scale), tf.constant(""))
            status = tf.where(tf.equal(status, ""), wrong, status)
            status = tf.where(tf.equal(status, ""), _too_many(size, own, limits), status)

        def label():
            made = {**answered(images, scored=size), "status": status}
            if not network.is_doubtful:
                return made
            broken = made.pop("broken")
            return tf.cond(broken > 0, lambda: {**empty, "status": tf.constant(SENTENCE)}, lambda: made)

        return tf.cond(tf.equal(status, ""), label, lambda: {**empty, "status": status})

    # Nothing here is Python to be turned into a graph, and AutoGraph would take longer to see that than all the rest.
    inputs = [*readers, "scale"] if asked else readers

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name) for name in inputs], autograph=False)
    def serving_default(*given):
        specs = {name: tf.TensorSpec(value.shape, value.dtype) for name, value in empty.items()}
        specs["status"] = tf.TensorSpec([], tf.string)
        # One image at a time: sizes differ, and memory stays that of one.
        return tf.map_fn(answer, given, fn_output_signature=specs, parallel_iterations=1)

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


def _too_many(size, own, limits):
    """Say that an image is scored at too many pixels, or nothing."""
    is_same = tf.reduce_all(tf.equal(size, own))
    most = tf.where(is_same, tf.constant(limits.scored, tf.int64), tf.constant(limits.reduced, tf.int64))
    sentence = tf.strings.format(
        "This image is scored at {} pixels high and {} wide; more than {} pixels are refused. Scale it down.",
        (size[0], size[1], most),
    )
    return tf.where(tf.reduce_prod(size) > most, sentence, "")


def _answer(network, images, *, extras, colors, scored):
    """Label one image: what `serving_default` answers, without the status; how many scores are no numbers besides.

    Args:
        scored: `[2]` int64, the size at which it is scored; None for its own.
    """
    size = tf.shape(images[0])
    answer = {"height": size[0], "width": size[1]}
    own_size = {"label": labels_kept, "confidence_map": confidence_map_kept}
    own_size = {name: kept for name, kept in own_size.items() if name == "label" or name in extras}
    kept = {"confidence": confidence_kept} if "confidence" in extras else {}
    kept |= {"broken": broken_kept} if network.is_doubtful else {}
    if scored is not None:
        own = tf.cast(size[:2], tf.int64)
        is_same = tf.reduce_all(tf.equal(scored, own))
        answer |= {"scored_height": tf.cast(scored[0], tf.int32), "scored_width": tf.cast(scored[1], tf.int32)}
        images = [_reduced_unless(is_same, image, scored, count) for image, count in _with_colours(network, images)]
    if network.is_rgbd:
        images = [tf.concat([tf.cast(image, tf.uint16) for image in images], axis=-1)]
    begun = network.begin([image[None] for image in images])

    def plain():
        return network.finish(begun, {**kept, **own_size})

    def larger():
        made = network.finish(begun, {**kept, "label": scores_kept})
        return {head: {**of_head, **_enlarged(of_head["label"][0], own, own_size)} for head, of_head in made.items()}

    made = plain() if scored is None else tf.cond(is_same, plain, larger)
    pixels = tf.cast(tf.reduce_prod(size[:2] if scored is None else scored), tf.float64)
    if network.is_doubtful:
        answer["broken"] = tf.add_n([of_head["broken"][0] for of_head in made.values()])
    for head, of_head in made.items():
        label = of_head["label"][0]  # (H, W)
        answer[png_name(head)] = tf.io.encode_png(label[..., None])
        if "color" in extras:
            answer[output_name(head, NAMES["color"])] = _color_png(label, colors[head])
        if "counts" in extras:
            answer[output_name(head, NAMES["counts"])] = _class_pixels(label, network.classes[head])
        if "confidence" in extras:
            mean = of_head["confidence"][0] / pixels
            answer[output_name(head, NAMES["confidence"])] = tf.cast(mean, tf.float32)
        if "confidence_map" in extras:
            png = tf.io.encode_png(of_head["confidence_map"][0][..., None])
            answer[output_name(head, NAMES["confidence_map"])] = png
    return answer


def _enlarged(scores, size, names):
    """Make of the scores of a reduced photograph what is made of those of another: labels and more, at its own size."""
    made = {"label": labels_at(scores, size)[None]}
    if "confidence_map" in names:
        made["confidence_map"] = finished_at(scores, size, confidence_of, tf.uint8)[None]
    return made


def _with_colours(network, images):
    """Pair the images that were read with how many of their channels are colours; they have all their channels."""
    counts = [(3, 3), (1, 0)] if network.is_rgbd else [(3, network.colours(name)) for name in network.channels]
    return [
        (tf.ensure_shape(image, [None, None, channels]), colours)
        for image, (channels, colours) in zip(images, counts, strict=True)
    ]


def _reduced_unless(is_same, image, size, colours):
    return tf.cond(is_same, lambda: tf.identity(image), lambda: reduced(image, size, colours))


def _color_png(label, colors):
    return tf.io.encode_png(tf.gather(tf.constant(colors), tf.cast(label, tf.int32)))


def _class_pixels(label, classes):
    return tf.math.bincount(tf.cast(tf.reshape(label, [-1]), tf.int32), minlength=classes, dtype=tf.int64)


NAMES = {
    "color": "color_png_bytes",
    "counts": "class_pixels",
    "confidence": "confidence",
    "confidence_map": "confidence_map_bytes",  # no `..._png_bytes`, which clients take for a head's labels
}


def _empty_answer(network, extras, scale):
    """Make the answer, without the status, for a file that is refused."""
    sizes = ("height", "width") if scale is None else ("height", "width", "scored_height", "scored_width")
    answer = {name: tf.constant(0) for name in sizes}
    for head, classes in network.classes.items():
        empty = {"color": tf.constant(""), "counts": tf.zeros([classes], tf.int64), "confidence": tf.constant(0.0)}
        empty["confidence_map"] = tf.constant("")
        answer[png_name(head)] = tf.constant("")
        answer |= {output_name(head, NAMES[extra]): empty[extra] for extra in extras}
    return answer


def png_name(head):
    """Name the output of a head's labels as a PNG file."""
    return f"{head or 'label'}_png_bytes"
