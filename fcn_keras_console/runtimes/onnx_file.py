"""Run an ONNX file on an image, as `fcn_keras.predict` runs a model."""

import numpy as np

from .loaded import Loaded
from .tensors import colors_by_head, feeds, head_of, names_by_head, shape_of

DTYPES = {"tensor(uint8)": np.uint8, "tensor(uint16)": np.uint16, "tensor(float)": np.float32}


def runner(path, *, lean=False):
    """Load a file on the CPU.

    Args:
        lean: leave out what makes it fast, which also copies the weights, twice over.

    Returns:
        `Loaded`.

    Raises:
        ImportError: if onnxruntime is missing.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            f'An ONNX file needs {error.name} to run. Install it with: pip install "fcn_keras[onnx]"'
        ) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # fatal: what else is wrong is raised
    if lean:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.disable_prepacking", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs, outputs = (
        {value.name: shape_of(value.shape) for value in values}
        for values in (session.get_inputs(), session.get_outputs())
    )
    dtypes = {value.name: DTYPES.get(value.type, np.float32) for value in session.get_inputs()}
    stored = session.get_modelmeta().custom_metadata_map

    def answer(image):
        arrays = session.run(list(outputs), feeds(dtypes, image))
        return {head_of(name): array[0] for name, array in zip(outputs, arrays, strict=True)}

    lists = {name: text.split("\n") for name, text in stored.items()}
    return Loaded(answer, inputs, outputs, names_by_head(lists), colors_by_head(lists))
