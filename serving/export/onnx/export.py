"""Write a network as an ONNX file."""

import gc
import tempfile
from pathlib import Path

from fcn_keras_console.exported.find import ONNX
from fcn_keras_console.runtimes.tensors import lists_of

from ..checked_file import write_checked
from ..options import require_multiplied


def export_onnx(
    model,
    path,
    *,
    labels=False,
    names=None,
    colors=None,
    precision="fp32",
    multiplies_less=False,
    calibration=None,
    least_agreement=None,
):
    """Write a network as one ONNX file for any runtime, and compare the two.

    Batch, height and width are free and named so. Opset 17, weights included.

    - Without `labels`: `image` (N, H, W, C) float32 RGB, 0-255 -> `scores` (N, H, W, K) float32.
    - With `labels`: `image` (N, H, W, C) uint8 (uint16 for RGB-D, depth in millimetres) -> `label` (N, H, W) uint8
      (uint16 above 256 classes).

    A `LateFusion` takes `rgb` and `hha`; several heads answer `<head>_scores` or `<head>_label`. ONNX cannot decode
    image files: the SavedModel does.

    Args:
        model: a network of this package, under any dtype policy.
        path: of the file; replaced when the new one is complete and checked.
        labels: answer labels, not scores.
        names: class names by head, to store in the file's metadata as `classes` or `classes_<head>`, one a line.
        colors: of the classes, `(K, 3)` by head, to store as `palette` or `palette_<head>`, `R G B` a line.
        precision: `"fp32"`; `"fp16"`, which stores the kernels in half the bytes and computes in float32; or `"int8"`,
            a quarter of the bytes and three times as fast on processors that multiply bytes (x86 with VNNI, ARM with
            dot products; older ones may saturate, so measure there), see `quantize.quantize`.
        multiplies_less: whether wide convolutions of 3x3 are written as Winograd's F(4, 3): less time on processors
            that compute in float32. Not for int8, nor for runtimes that compute in float16, bfloat16 or TF32, in which
            its errors are ten times those of a plain convolution.
        calibration: for int8, images of the user's: what `accuracy.calibration.read_calibration` returns, or any
            sequence of images as `fcn_keras.predict` takes them.
        least_agreement: share of the pixels that the file has to label as the model does; default
            `accuracy.agreement.LEAST_AGREEMENT`.

    Returns:
        `accuracy.agreement.Figures`: on drawn images; for int8 on images held out from calibration, where there are
        any.

    Raises:
        ImportError: if onnx, onnxruntime or tf2onnx is missing.
        ValueError: if the file does not answer as the model does, the model is no network or its weights are broken, or
            `precision` and `calibration` do not fit.
        OSError: if it cannot be written.
    """

    require_multiplied(precision, "onnx")
    if multiplies_less and precision == "int8":
        raise ValueError("Winograd's convolutions are of float32. Received: `multiplies_less` with int8.")

    def write(file):
        options = {"labels": labels, "lists": lists_of(names, colors), "multiplies_less": multiplies_less}
        write_file(file, model, precision=precision, calibration=calibration, **options)

    return write_checked(
        model,
        path,
        write,
        lambda file: _checked_runner(file, precision),
        format=ONNX,
        suffix=None,
        precision=precision,
        calibration=calibration,
        least_agreement=least_agreement,
    )


def write_file(path, model, *, labels, lists, precision, calibration, multiplies_less=False):
    """Write the file without comparing it; errors, and other arguments than `lists` to store, as for `export_onnx`."""
    _check_packages()
    from .int8 import quantize

    if precision != "int8":
        options = {"in_halves": precision == "fp16", "multiplies_less": multiplies_less}
        _write_floats(path, model, labels, lists, **options)
        return
    with tempfile.TemporaryDirectory(prefix=".float-", dir=path.parent) as folder:
        source = Path(folder) / path.name
        graph = _write_floats(source, model, labels, lists, in_halves=False)
        gc.collect()  # the copy of the model, half a gigabyte, before the tool takes its own
        quantize(source, path, graph, calibration)


def _write_floats(path, model, labels, lists, *, in_halves, multiplies_less=False):
    """Write the file in floats, and return its graph without the weights."""
    from onnx import helper

    from fcn_keras.interface import in_float32

    from .convert import convert
    from .half import halve
    from .write import write

    model = in_float32(model, matrices=False)
    proto, weights = convert(model, labels=labels, multiplies_less=multiplies_less)
    helper.set_model_props(proto, {name: "\n".join(lines) for name, lines in lists.items()})
    write(path, proto, halve(proto, weights) if in_halves else weights)
    return proto.graph


def _checked_runner(path, precision):
    import onnx

    from fcn_keras_console.runtimes.onnx_file import runner

    onnx.checker.check_model(str(path))
    return runner(path, lean=precision != "int8")  # int8 only is itself when its nodes are fused


def _check_packages():
    """Raise an `ImportError` that says what to install if a package for ONNX is missing."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(f'ONNX needs {error.name}. Install it with: pip install "fcn_keras[onnx]"') from None
