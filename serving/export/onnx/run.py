"""Run an ONNX file on an image, as `fcn_keras.predict` runs a model."""

import numpy as np

from ..checked_file import require_as_exported
from ..tensors import feeds, head_of

DTYPES = {"tensor(uint8)": np.uint8, "tensor(uint16)": np.uint16, "tensor(float)": np.float32}


def runner(path, *, lean=False):
    """Load a file.

    Args:
        lean: leave out what makes it fast, which also copies the weights, twice over.

    Returns:
        Function from an image, as `fcn_keras.predict` takes it, to `{head: array}`: labels (H, W) or scores (H, W, K).

    Raises:
        ValueError: if the model card beside it has another SHA-256.
    """
    import onnxruntime

    require_as_exported(path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    if lean:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.disable_prepacking", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    dtypes = {value.name: DTYPES[value.type] for value in session.get_inputs()}
    names = [value.name for value in session.get_outputs()]

    def answer(image):
        arrays = session.run(names, feeds(dtypes, image))
        return {head_of(name): array[0] for name, array in zip(names, arrays, strict=True)}

    return answer
