"""Run OpenVINO's files on an image, as `fcn_keras.predict` runs a model."""

import json

from .loaded import Loaded
from .quiet_openvino import openvino_core
from .tensors import colors_by_head, feeds, head_of, names_by_head, shape_of

PRECISION = "precision"  # what a file says that it is to be computed in, beside its classes
HINT = "INFERENCE_PRECISION_HINT"  # by which a program says so: OpenVINO does not read it from files


def runner(path, *, by_itself=False):
    """Load the files on the CPU, to compute in what they say: float32, or bfloat16 if the processor has it.

    Args:
        path: of the `.xml` file; the `.bin` file lies beside it.
        by_itself: let OpenVINO choose what to compute in, as it does for programs that say nothing: bfloat16 where the
            processor has it.

    Returns:
        `Loaded`.

    Raises:
        ImportError: if openvino is missing.
    """
    core = openvino_core()
    network = core.read_model(str(path))
    lists = _lists(network)
    # By itself it computes in bfloat16 on processors that have it, which is neither fp32 nor what other machines do.
    hint = "bf16" if lists.get(PRECISION) == "bf16" else "f32"
    compiled = core.compile_model(network, "CPU", {} if by_itself else {HINT: hint})
    inputs, outputs = ({value.any_name: _shape_of(value) for value in x} for x in (compiled.inputs, compiled.outputs))
    dtypes = {value.any_name: value.element_type.to_dtype() for value in compiled.inputs}

    def answer(image):
        arrays = compiled(feeds(dtypes, image))
        return {head_of(value.any_name): arrays[value][0] for value in compiled.outputs}

    known = names_by_head(lists), colors_by_head(lists)
    return Loaded(answer, inputs, outputs, *known, computes_in=compiled.get_property(HINT).get_type_name())


def has_bfloat16():
    """Tell whether OpenVINO computes in bfloat16 on this processor where it is asked to; else it takes float32."""
    return "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _shape_of(value):
    return shape_of(size.get_length() if size.is_static else -1 for size in value.partial_shape)


def _lists(network):
    if "fcn_keras" not in network.get_rt_info():
        return {}
    stored = network.get_rt_info(["fcn_keras"]).value
    return {name: json.loads(_text(text)) for name, text in stored.items()}


def _text(value):
    return value if isinstance(value, str) else value.astype(str)
