"""The answers of what `fcn-export` wrote to its probe, by the runtime that it is for."""

import contextlib
from functools import partial

from fcn_keras_console.exported.find import OPENVINO, SAVED_MODEL
from fcn_keras_console.exported.runtime import load_file
from fcn_keras_console.run import one_line, start_tensorflow
from fcn_keras_console.runtimes.tensors import require_inputs

FLOAT32 = "f32"


def deviation_of(exported, probe):
    """Run a probe as a program does that loads the file and sets nothing.

    Args:
        exported: `fcn_keras_console.exported.find.Exported`.
        probe: `..probe.Probe`.

    Returns:
        `..probe.Deviation`, and what the runtime computes floats in: `"f32"`, or such as `"bf16"`.

    Raises:
        ImportError: if the runtime is missing.
        ValueError: if the file cannot be read, or its answers are no answers to this probe.
    """
    if exported.format == SAVED_MODEL:
        return _compared(exported, probe, _scores_of_saved_model(exported, probe)), FLOAT32
    loaded = load_file(exported, **({"by_itself": True} if exported.format == OPENVINO else {}))
    return _compared(exported, probe, _answered(exported, loaded, probe)), loaded.computes_in or FLOAT32


def deviation_as_told(exported, probe):
    """Run a probe by OpenVINO as `deviation_of` does, in what the file says: in float32, unless it is one of bf16."""
    return _compared(exported, probe, _answered(exported, load_file(exported), probe))


def _answered(exported, loaded, probe):
    try:
        return loaded(probe.pixels)
    except MemoryError:
        raise
    except Exception as error:  # each runtime has errors of its own, that share no class
        wrong = f"cannot be run on its probe, {exported.probe}: {one_line(error)[:200]}"
        raise ValueError(f"{exported.path} {wrong}. Export the model anew.") from error


def _compared(exported, probe, answers):
    try:
        return probe.deviation(answers)
    except ValueError as error:
        raise ValueError(f"{exported.probe} is the probe of another model. {error} Export the model anew.") from None


def _scores_of_saved_model(exported, probe):
    start_tensorflow()
    import tensorflow as tf

    from ..sessions import ask, open_session

    try:
        session, meta_graph = open_session(exported.path)
        with contextlib.closing(session):
            require_inputs(meta_graph.signature_def["predict_scores"].inputs, probe.images)
            return probe.ask(partial(ask, session, meta_graph))
    except (tf.errors.OpError, OSError, ValueError, RuntimeError, KeyError) as error:
        raise ValueError(f"TensorFlow cannot run {exported.path}: {one_line(error)[:200]}") from error
