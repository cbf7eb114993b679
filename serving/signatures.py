"""The SavedModel's three signatures: TensorFlow functions around one network. Importing this imports TensorFlow."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from fcn_keras.data import decode_image
from fcn_keras.inference import label_of

MATRIX_LAYERS = ("fc6", "fc7")  # of so many weights that the CPU's convolution spends its time on rearranging them
BMP_HEADER = 54  # 14 bytes of file header and 40 of BITMAPINFOHEADER, behind which the palette lies
GREY_16_BIT_PNG = r"\CPNG\r\n\x1a\n\C{16}\x10\x00"  # signature, IHDR's length, name, width and height, depth, kind


class MatrixConv2D(keras.layers.Conv2D):
    """A convolution of stride 1 as one matrix product of its input's patches.

    TensorFlow's own convolution rearranges its kernel on the CPU at every call: 411 MB for fc6, half of the network's
    time. Weights frozen to constants are rearranged once, but a graph with 538 MB of constants takes 15 GB to write,
    10 GB to serve and a minute for its first answer.
    """

    def convolution_op(self, inputs, kernel):
        height, width, channels, filters = kernel.shape
        window = [1, height, width, 1]
        patches = tf.image.extract_patches(inputs, window, [1] * 4, [1] * 4, self.padding.upper())
        rows = tf.reshape(patches, [-1, height * width * channels])
        product = tf.matmul(rows, tf.reshape(kernel, [-1, filters]))
        return tf.reshape(product, [*tf.unstack(tf.shape(patches))[:3], filters])


def build(model, max_pixels):
    """Build the signatures of a model, whose inputs tell its modality.

    Args:
        model: as `fcn_keras.models` makes them, under any dtype policy.
        max_pixels: largest height times width that `serving_default` accepts.

    Returns:
        `tf.Module` that holds the weights (as variables, shared by the signatures), and a dict of the functions to
        save with it.
    """
    model = _for_serving(model)
    module = tf.Module()
    module.weights = [variable.value for variable in model.weights]
    network = _network(model)
    return module, {
        "serving_default": _from_files(network, max_pixels),
        "predict_tensors": _from_pixels(network),
        "predict_scores": _to_scores(network),
    }


def _for_serving(model):
    """Copy a model in float32, whatever its dtype policy, with the largest convolutions as matrix products."""

    def clone(layer):
        config = {**layer.get_config(), "dtype": "float32"}
        if "kernel_initializer" in config:
            config["kernel_initializer"] = "zeros"  # soon overwritten; to draw 134 M random numbers takes seconds
        to_matrix = type(layer) is keras.layers.Conv2D and layer.name.startswith(MATRIX_LAYERS)
        return (MatrixConv2D if to_matrix else type(layer)).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    for target, source in zip(copy.weights, model.weights, strict=True):
        target.assign(source)
    return copy


class _Network(NamedTuple):
    """A model with named inputs and outputs; an only head is named `""`."""

    channels: dict[str, int]  # of every input
    heads: list[str]
    scores: Callable  # list of (N, H, W, C) float32 in the order of `channels` -> {head: (N, H, W, K)}

    def labels(self, images):
        pixels = [tf.cast(image, tf.float32) for image in images]
        return {head: label_of(scores) for head, scores in self.scores(pixels).items()}

    def specs(self, dtype):
        """Describe a batch of every input."""
        return [tf.TensorSpec([None, None, None, count], dtype, name) for name, count in self.channels.items()]


def _network(model):
    inputs = model.input if isinstance(model.input, dict) else {"image": model.input}
    heads = list(model.output) if isinstance(model.output, dict) else [""]

    def scores(images):
        batch = dict(zip(inputs, images, strict=True)) if isinstance(model.input, dict) else images[0]
        outputs = model(batch, training=False)
        return outputs if isinstance(outputs, dict) else {"": outputs}

    return _Network({name: x.shape[-1] for name, x in inputs.items()}, heads, scores)


def _to_scores(network):
    @tf.function(input_signature=network.specs(tf.float32))
    def predict_scores(*images):
        return {f"{head}_scores".lstrip("_"): x for head, x in network.scores(images).items()}

    return predict_scores


def _from_pixels(network):
    # Depth is in millimetres.
    dtype = tf.uint16 if 4 in network.channels.values() else tf.uint8

    @tf.function(input_signature=network.specs(dtype))
    def predict_tensors(*images):
        return {f"{head}_label".lstrip("_"): x for head, x in network.labels(images).items()}

    return predict_tensors


def _from_files(network, max_pixels):
    readers = _readers(network.channels)
    types = {f"{head or 'label'}_png_bytes": tf.string for head in network.heads}
    types |= {"height": tf.int32, "width": tf.int32}

    def answer(files):
        images = [read(contents) for read, contents in zip(readers.values(), files, strict=True)]
        size = tf.shape(images[0])[:2]
        with tf.control_dependencies([*_same_size(images, list(readers)), _not_too_large(size, max_pixels)]):
            batch = [image[None] for image in images]
        if 4 in network.channels.values():
            batch = [tf.concat([tf.cast(image, tf.float32) for image in batch], axis=-1)]
        labels = network.labels(batch)
        pngs = {f"{head or 'label'}_png_bytes": tf.io.encode_png(x[0, ..., None]) for head, x in labels.items()}
        return {**pngs, "height": size[0], "width": size[1]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name) for name in readers])
    def serving_default(*files):
        specs = {name: tf.TensorSpec([], dtype) for name, dtype in types.items()}
        # One image at a time: sizes differ, and memory stays that of one.
        return tf.map_fn(answer, files, fn_output_signature=specs, parallel_iterations=1)

    return serving_default


def _readers(channels):
    """Name the string inputs and the function that decodes each."""
    if 4 in channels.values():
        return {"image_bytes": _read_image, "depth_png_bytes": _read_depth}
    return {f"{name}_bytes": _read_image for name in channels}


def _read_image(contents):
    """Decode to `(H, W, 3)` uint8 RGB as Pillow does, palette BMP included."""
    image = decode_image(contents)
    is_bmp = tf.equal(tf.strings.substr(contents, 0, 2), b"BM")
    return tf.cond(is_bmp, lambda: _look_up_palette(contents, image), lambda: image)


def _look_up_palette(contents, image):
    """Replace the indices, which TensorFlow returns as grey levels, by the colours of an 8-bit BMP file."""
    header = tf.io.decode_raw(tf.strings.substr(contents, 0, BMP_HEADER), tf.uint8)
    has_palette = tf.equal(header[28], 8)  # bits a pixel

    def colours():
        plain = tf.debugging.assert_equal(
            header[30], tf.constant(0, tf.uint8), "Compressed BMP files are not supported."
        )
        with tf.control_dependencies([plain]):
            start = 14 + tf.io.decode_raw(tf.strings.substr(contents, 14, 4), tf.int32)[0]
        end = tf.io.decode_raw(tf.strings.substr(contents, 10, 4), tf.int32)[0]  # where the pixels start
        palette = tf.io.decode_raw(tf.strings.substr(contents, start, tf.minimum(end - start, 1024)), tf.uint8)
        palette = tf.pad(palette, [[0, 1024 - tf.size(palette)]])
        return tf.gather(tf.reshape(palette, [256, 4])[:, 2::-1], tf.cast(image[..., 0], tf.int32))  # stored as BGR0

    return tf.cond(has_palette, colours, lambda: image)


def _read_depth(contents):
    """Decode to `(H, W, 1)` uint16 millimetres."""
    is_depth = tf.debugging.Assert(
        tf.strings.regex_full_match(tf.strings.substr(contents, 0, 26), GREY_16_BIT_PNG),
        ["Depth must be a 16-bit grey PNG in millimetres."],
    )
    with tf.control_dependencies([is_depth]):
        return tf.io.decode_png(contents, channels=1, dtype=tf.uint16)


def _same_size(images, names):
    message = f"{' and '.join(names)} must have one height and width."
    first, *others = images
    return [tf.debugging.assert_equal(tf.shape(x)[:2], tf.shape(first)[:2], message) for x in others]


def _not_too_large(size, max_pixels):
    return tf.debugging.assert_less_equal(
        tf.reduce_prod(tf.cast(size, tf.int64)),
        tf.constant(max_pixels, tf.int64),
        f"Images of more than {max_pixels} pixels are refused. Scale it down, or export the model with a larger limit.",
    )
