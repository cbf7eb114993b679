"""Run OpenVINO's files on an image, as `fcn_keras.predict` runs a model."""

from ..checked_file import require_as_exported
from ..tensors import feeds, head_of
from .quiet_import import load_openvino


def runner(path):
    """Load the files on the CPU.

    Args:
        path: of the `.xml` file; the `.bin` file lies beside it.

    Returns:
        Function from an image, as `fcn_keras.predict` takes it, to `{head: array}`: labels (H, W) or scores (H, W, K).

    Raises:
        ValueError: if the model card beside it has another SHA-256.
    """
    require_as_exported(path)
    openvino = load_openvino()
    # By itself it computes in bfloat16 on processors that have it, which is neither fp32 nor what other machines do.
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    dtypes = {value.any_name: value.element_type.to_dtype() for value in compiled.inputs}

    def answer(image):
        arrays = compiled(feeds(dtypes, image))
        return {head_of(value.any_name): arrays[value][0] for value in compiled.outputs}

    return answer
