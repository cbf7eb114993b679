"""A model as a LiteRT file's bytes, by TensorFlow's converter. Importing this imports TensorFlow."""

import tensorflow as tf

from fcn_keras.interface import class_counts, inputs_of

from ..tensors import label_dtype, output_name, pixel_dtype
from .graph import Floats, apply
from .int8 import Integers


def convert(model, *, labels, precision, ranges=None):
    """Convert a model.

    Args:
        model: a network of this package, in float32.
        labels: images of whole numbers to labels; otherwise float32 images to float32 scores.
        precision: `"fp32"`; `"fp16"`, weights stored in float16; or `"int8"`, all weights and activations.
        ranges: of the activations, as `int8.calibrate` finds them; for `"int8"`.

    Returns:
        bytes of a flat buffer with built-in operators only, and one signature, `serving_default`; and the kernels that
        `weights.fill` has to put into it, `{layer: variable}`.
    """
    numbers = Integers(ranges) if precision == "int8" else Floats()
    function = _function(model, labels, precision, numbers)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    if precision != "fp32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8" and labels:
        converter.inference_input_type = tf.uint8
    return converter.convert(), numbers.large


def _function(model, labels, precision, numbers):
    channels = {name: x.shape[-1] for name, x in inputs_of(model).items()}
    # In int8 the converter makes integers of floats itself.
    dtype = pixel_dtype(channels.values()) if labels and precision != "int8" else "float32"
    dtypes = {head: label_dtype(count) for head, count in class_counts(model).items()}
    signature = [tf.TensorSpec([None, None, None, count], dtype, name) for name, count in channels.items()]

    @tf.function(input_signature=signature, autograph=False)
    def function(*images):
        images = dict(zip(channels, [tf.cast(image, tf.float32) for image in images], strict=True))
        if not labels:
            return {output_name(head, "scores"): x for head, x in apply(model, images, numbers).items()}
        classes = apply(model, images, numbers, _highest)
        return {output_name(head, "label"): tf.cast(x, dtypes[head]) for head, x in classes.items()}

    return function.get_concrete_function()


def _highest(scores):
    return tf.argmax(scores, axis=-1, output_type=tf.int32)
