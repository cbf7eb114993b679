"""Take labels, or how sure they are, of scores: what all ways of labelling an image end in."""

import functools
import logging
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from fcn_keras.inference import certainty
from fcn_keras.labels import highest

OUTPUTS = ("labels", "scores", *certainty.KINDS)
LOG = logging.getLogger("fcn_keras")


def require_output(output: str) -> None:
    """Refuse an `output` that is none of `OUTPUTS`.

    Raises:
        ValueError: if it is none.
    """
    if output not in OUTPUTS:
        raise ValueError(f"`output` is one of {OUTPUTS}. Received: {output!r}.")


def finish_of(output: str) -> Callable[[Any], Any]:
    """Return the function that makes an `output` of a network's scores."""
    if output == "labels":
        return label_of
    return (lambda scores: ops.cast(scores, "float32")) if output == "scores" else certainty.finish(output)


def bytes_of(output: str, scores: float) -> float:
    """Return the bytes a pixel that an `output` takes, of which the scores take so many."""
    return {"labels": 1.0, "confidence": 4.0, "entropy": 4.0, "certainty": 12.0}.get(output, scores)


def without_xla(model: keras.Model) -> keras.Model:
    """Let a `model` be compiled once for all sizes where the backend can, and return it.

    XLA would compile anew for each size.

    Returns:
        `model` itself.
    """
    if keras.backend.backend() == "tensorflow":
        model.jit_compile = False  # Keras would choose XLA
    elif keras.backend.backend() == "openvino":
        _warn_of_bfloat16()
    return model


@functools.cache
def _warn_of_bfloat16() -> None:
    """Say once that OpenVINO is less exact on this processor; Keras passes no setting of OpenVINO's on."""
    import openvino

    precision = openvino.Core().get_property("CPU", "INFERENCE_PRECISION_HINT").get_type_name()
    if precision != "f32":
        LOG.warning(
            "OpenVINO computes in half precision (%s) on this processor, whatever the dtype policy. Scores are off by "
            "up to a hundredth of the largest, and some labels differ. Set KERAS_BACKEND=tensorflow for float32.",
            precision,
        )


def label_of(scores: Any) -> Any:
    """Take the class of the highest score, the first of equals.

    Args:
        scores: `(..., C)` of any float.

    Returns:
        `(...)` uint8 class ids, or uint16 above 256 classes.
    """
    dtype = "uint8" if scores.shape[-1] <= 256 else "uint16"
    return ops.cast(_Highest()(ops.cast(scores, "float32")), dtype)


class _Highest(keras.Operation):  # type: ignore[misc]  # Keras has no types
    """`labels.highest` for models, whose tensors have no values yet."""

    def call(self, scores: Any) -> Any:
        return highest(scores)

    def compute_output_spec(self, scores: Any) -> Any:
        return keras.KerasTensor(scores.shape[:-1], "int32")
