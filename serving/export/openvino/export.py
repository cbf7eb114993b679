"""Write a network as OpenVINO's two files."""

import json
import os

from fcn_keras_console.disk_errors import writable_error
from fcn_keras_console.exported.find import OPENVINO
from fcn_keras_console.runtimes.openvino_files import HINT, PRECISION, has_bfloat16, runner
from fcn_keras_console.runtimes.quiet_openvino import load_openvino
from fcn_keras_console.runtimes.tensors import lists_of

from ..checked_file import write_checked
from ..onnx.export import write_file

HINTS = {"bf16": "bf16"}  # by precision; f32 of the others
LAYOUTS = {4: "NHWC", 3: "NHW"}


def export_openvino(
    model, path, *, labels=False, names=None, colors=None, precision="fp32", calibration=None, least_agreement=None
):
    """Write a network as OpenVINO IR, `<name>.xml` and `<name>.bin`, and compare it with the model.

    Batch, height and width are free; the layouts name them. Inputs and outputs are those of `export_onnx`.

    Args:
        path: of the `.xml` file; the `.bin` file appears beside it. Both are replaced when the new ones are complete
            and checked.
        names: class names by head, to store under `fcn_keras/classes` or `fcn_keras/classes_<head>` in the file's
            runtime information, as JSON.
        colors: of the classes, `(K, 3)` by head, to store there under `palette` or `palette_<head>`.
        precision: `"fp32"`; `"fp16"`, kernels in half the bytes; `"bf16"`, the file of fp32, to be computed in
            bfloat16; or `"int8"`. What is computed in, is said by INFERENCE_PRECISION_HINT, bf16 or f32, when a file is
            compiled. The file holds it under `fcn_keras/precision`, and this package's programs pass it on. OpenVINO
            itself does not read it: by itself it takes bfloat16 for all but int8 on CPUs that have it.
        model, labels, calibration, least_agreement: as for `export_onnx`.

    Returns:
        `accuracy.agreement.Figures`, as `export_onnx` does.

    Raises:
        ImportError: if openvino, or what `export_onnx` needs, is missing.
        ValueError: as `export_onnx` does, and if `path` does not end in `.xml`.
        OSError: if they cannot be written.
    """

    def write(file):
        load_openvino()  # that it is missing is said before the work
        source = file.with_suffix(".onnx")
        # fp16 is made of fp32: the cast that an ONNX file of halves holds, OpenVINO would have to undo.
        through = "int8" if precision == "int8" else "fp32"
        write_file(source, model, labels=labels, lists={}, precision=through, calibration=calibration)
        lists = lists_of(names, colors) | {PRECISION: HINTS.get(precision, "f32")}
        _convert(source, file, lists, in_halves=precision == "fp16")
        source.unlink()

    return write_checked(
        model,
        path,
        write,
        runner,
        format=OPENVINO,
        suffix=".xml",
        precision=precision,
        calibration=calibration,
        least_agreement=least_agreement,
    )


def about_hint(precision):
    """Say, for a model card, what a program has to tell OpenVINO, and in what the file was compared."""
    hint = HINTS.get(precision, "f32")
    told = f"Programs pass {HINT}={hint} to `compile_model`, as `fcn-predict` does: no file makes OpenVINO do so."
    if hint == "bf16" and not has_bfloat16():
        told += " This processor has no bfloat16: what was compared is float32."
    return told


def _convert(source, target, lists, *, in_halves):
    openvino = load_openvino()
    # Not `openvino.convert_model`, which for an ONNX file does the same, and reports it.
    network = openvino.Core().read_model(source)
    for value in (*network.inputs, *network.outputs):
        value.node.set_layout(openvino.Layout(LAYOUTS[len(value.partial_shape)]))
    for name, lines in lists.items():
        network.set_rt_info(json.dumps(lines), ["fcn_keras", name])
    try:
        openvino.save_model(network, target, compress_to_fp16=in_halves)
    except RuntimeError as error:  # "basic_ios::clear: iostream error"
        number = writable_error(target.parent, source.stat().st_size)
        raise OSError(number, os.strerror(number), str(target)) from error
