"""A model as a LiteRT file's bytes, by TensorFlow's converter. Importing this imports TensorFlow."""

import tensorflow as tf

from .graph import Floats, apply
from .int8 import Integers


def convert(model, *, labels, precision, ranges=None):
    """Convert a model.

    Args:
        model: a network of this package, in float32.
        labels: images of whole numbers to labels; otherwise float32 images to float32 scores.
        precision: `"fp32"`; `"fp16"`, weights stored in float16; or `"int8"`, all weights and activations.
        ranges: of the activations, as `integers.observe` finds them; for `"int8"`.

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
    inputs = model.input if isinstance(model.input, dict) else {"image": model.input}
    outputs = model.output if isinstance(model.output, dict) else {"": model.output}
    dtypes = {head: tf.uint8 if x.shape[-1] <= 256 else tf.uint16 for head, x in outputs.items()}
    dtype = tf.float32
    if labels and precision != "int8":  # whose converter makes integers of floats itself
        dtype = tf.uint16 if 4 in (x.shape[-1] for x in inputs.values()) else tf.uint8  # depth is in millimetres

    signature = [tf.TensorSpec([None, None, None, x.shape[-1]], dtype, name) for name, x in inputs.items()]

    @tf.function(input_signature=signature, autograph=False)
    def function(*images):
        images = [tf.cast(image, tf.float32) for image in images]
        named = dict(zip(inputs, images, strict=True))
        if not labels:
            return {f"{head}_scores".lstrip("_"): x for head, x in apply(model, named, numbers).items()}
        found = apply(model, named, numbers, _highest)
        return {f"{head}_label".lstrip("_"): tf.cast(x, dtypes[head]) for head, x in found.items()}

    return function.get_concrete_function()


def _highest(scores):
    return tf.argmax(scores, axis=-1, output_type=tf.int32)
