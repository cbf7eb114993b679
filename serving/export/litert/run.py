"""Run a LiteRT file on an image, as `fcn_keras.predict` runs a model."""

import os
import warnings

import numpy as np


def runner(path, *, threads=None):
    """Load a file.

    Args:
        path: of the `.tflite` file.
        threads: how many may compute; default one a processor.

    Returns:
        Function from an image, as `fcn_keras.predict` takes it, to `{head: array}`: labels (H, W) or scores (H, W, K).
    """
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it announces the package that will replace it one day
        interpreter = tf.lite.Interpreter(str(path), num_threads=threads or os.cpu_count())
    run = interpreter.get_signature_runner("serving_default")
    types = {name: value["dtype"] for name, value in run.get_input_details().items()}

    def answer(image):
        images = image if isinstance(image, dict) else dict.fromkeys(types, image)
        found = run(**{name: np.asarray(images[name])[None].astype(dtype) for name, dtype in types.items()})
        return {name.rpartition("_")[0]: array[0].copy() for name, array in found.items()}

    return answer
