"""Run a LiteRT file on an image, as `fcn_keras.predict` runs a model."""

import contextlib
import importlib.util
import os
import warnings
import zipfile

from ..run import natively_quiet
from .loaded import Loaded
from .tensors import colors_by_head, feeds, head_of, names_by_head, shape_of


def needs_tensorflow():
    """Tell whether LiteRT itself is missing, so that its older copy in TensorFlow runs a file."""
    return importlib.util.find_spec("ai_edge_litert") is None


def runner(path, *, threads=None):
    """Load a file.

    Args:
        path: of the `.tflite` file.
        threads: how many may compute; default one a processor.

    Returns:
        `Loaded`.
    """
    with natively_quiet():
        run = _interpreter(str(path), threads or os.cpu_count()).get_signature_runner("serving_default")
    details = run.get_input_details(), run.get_output_details()
    inputs, outputs = ({name: shape_of(value["shape_signature"]) for name, value in x.items()} for x in details)
    dtypes = {name: value["dtype"] for name, value in details[0].items()}
    quiet = [natively_quiet()]  # for the first run, which announces how it computes

    def answer(image):
        with quiet.pop() if quiet else contextlib.nullcontext():
            answers = run(**feeds(dtypes, image))
        return {head_of(name): array[0].copy() for name, array in answers.items()}

    lists = _lists(path)
    return Loaded(answer, inputs, outputs, names_by_head(lists), colors_by_head(lists))


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


def _lists(path):
    """Read the lists in the zip archive behind a model, if there is one."""
    if not zipfile.is_zipfile(path):
        return {}
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".txt")}
    return {name.removesuffix(".txt"): text.splitlines() for name, text in texts.items()}
