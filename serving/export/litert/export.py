"""Write a network as a LiteRT file."""

import zipfile

from fcn_keras_console.exported.find import LITERT
from fcn_keras_console.runtimes.litert_file import runner
from fcn_keras_console.runtimes.tensors import lists_of

from ..checked_file import write_checked
from ..options import require_multiplied


def export_litert(
    model, path, *, labels=False, names=None, colors=None, precision="fp32", calibration=None, least_agreement=None
):
    """Write a network as one LiteRT (TensorFlow Lite) file, and compare the two.

    Batch, height and width are free: resize the inputs, or call the signature `serving_default`, which does. All
    operators are LiteRT's own. Inputs and outputs are those of `onnx.export.export_onnx`. In `"int8"` nothing in the
    file computes with floats: kernels have a scale for every output channel, activations one for every layer.

    Args:
        path: of the file, which ends in `.tflite`; replaced when the new one is complete and checked.
        names: class names by head, to store in the file as `classes.txt` or `classes_<head>.txt`, one a line. They
            follow the model as a zip archive, LiteRT's place for such files: `unzip net.tflite`.
        colors: of the classes, `(K, 3)` by head, to store there as `palette.txt` or `palette_<head>.txt`.
        precision: `"fp32"`; `"fp16"`, weights rounded to float16, half the file; or `"int8"`, a quarter of it.
        model, labels, calibration, least_agreement: as for `export_onnx`.

    Returns:
        `accuracy.agreement.Figures`, as `export_onnx` does.

    Raises:
        ValueError: as `export_onnx` does, and if `path` does not end in `.tflite`, or the network has no form in 8-bit
            integers: those that take depth in millimetres, and FCN-AlexNet, whose normalisation raises to a power.
        OSError: if the file cannot be written.
    """

    require_multiplied(precision, "litert")

    def write(file):
        if precision == "int8" and any(x.shape[-1] == 4 for x in model.inputs):
            raise ValueError("8 bits do not hold depth in millimetres. Received: an RGB-D network. Export it as fp16.")
        from fcn_keras.interface import in_float32

        from .convert import convert
        from .int8 import calibrate
        from .structure import check_structure
        from .weights import fill

        exact = in_float32(model)
        ranges = calibrate(exact, calibration) if precision == "int8" else None
        content, kernels = convert(exact, labels=labels, precision=precision, ranges=ranges)
        file.write_bytes(fill(content, kernels))
        _append(file, lists_of(names, colors))
        check_structure(file, integers=precision == "int8")

    return write_checked(
        model,
        path,
        write,
        runner,
        format=LITERT,
        suffix=".tflite",
        precision=precision,
        calibration=calibration,
        least_agreement=least_agreement,
    )


def _append(path, lists):
    """Store class names and colours behind the model, in a zip archive."""
    if lists:
        with zipfile.ZipFile(path, "a") as archive:
            for name, lines in lists.items():
                archive.writestr(f"{name}.txt", "\n".join(lines) + "\n")
