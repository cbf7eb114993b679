"""Run a LiteRT file on an image, as `fcn_keras.predict` runs a model."""

import contextlib
import os
import warnings

from fcn_keras_console.run import natively_quiet

from ..checked_file import require_as_exported
from ..tensors import feeds, head_of


def runner(path, *, threads=None):
    """Load a file.

    Args:
        path: of the `.tflite` file.
        threads: how many may compute; default one a processor.

    Returns:
        Function from an image, as `fcn_keras.predict` takes it, to `{head: array}`: labels (H, W) or scores (H, W, K).

    Raises:
        ValueError: if the model card beside it has another SHA-256.
    """
    require_as_exported(path)
    with natively_quiet():
        run = _interpreter(str(path), threads or os.cpu_count()).get_signature_runner("serving_default")
    dtypes = {name: value["dtype"] for name, value in run.get_input_details().items()}
    quiet = [natively_quiet()]  # for the first run, which announces how it computes

    def answer(image):
        with quiet.pop() if quiet else contextlib.nullcontext():
            answers = run(**feeds(dtypes, image))
        return {head_of(name): array[0].copy() for name, array in answers.items()}

    return answer


def _interpreter(path, threads):
    """Load a file with LiteRT, which users of the file have, or with its older copy in TensorFlow, which will go."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:
        import tensorflow as tf

        Interpreter = tf.lite.Interpreter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # TensorFlow's announces the package that will replace it
        return Interpreter(path, num_threads=threads)
