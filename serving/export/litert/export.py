"""Write a network as a LiteRT file."""

import tempfile
import zipfile
from pathlib import Path

from ..accuracy import agreement as parity
from .run import runner


def export_litert(model, path, *, labels=False, names=None, precision="fp32", calibration=None, least_agreement=None):
    """Write a network as one LiteRT (TensorFlow Lite) file, and compare the two.

    Batch, height and width are free: resize the inputs, or call the signature `serving_default`, which does. All
    operators are LiteRT's own.

    - Without `labels`: `image` (N, H, W, C) float32 RGB, 0-255 -> `scores` (N, H, W, K) float32.
    - With `labels`: `image` (N, H, W, C) uint8 (uint16 for RGB-D, depth in millimetres) -> `label` (N, H, W) uint8
      (uint16 above 256 classes).

    A `LateFusion` takes `rgb` and `hha`; several heads answer `<head>_scores` or `<head>_label`. In `"int8"` nothing
    in the file computes with floats: kernels have a scale for every output channel, activations one for every layer.

    Args:
        model: a network of this package, under any dtype policy.
        path: of the file, which ends in `.tflite`; replaced when the new one is complete and checked.
        labels: answer labels, not scores.
        names: class names by head, to store in the file as `classes.txt` or `classes_<head>.txt`, one a line. They
            follow the model as a zip archive, LiteRT's place for such files: `unzip net.tflite`.
        precision: `"fp32"`; `"fp16"`, weights rounded to float16, half the file; or `"int8"`, a quarter of it.
        calibration: for int8, images of the user's: what `precision.calibration.read_calibration` returns, or any
            sequence of images as `fcn_keras.predict` takes them, uint8 and each at its own size.
        least_agreement: share of the pixels that the file has to label as the model does; default that of
            `precision.parity.LEAST_AGREEMENT`.

    Returns:
        `precision.parity.Figures`: on drawn images; for int8 on images held out from calibration, where there are any.

    Raises:
        ValueError: if the file does not answer as the model does, `precision` and `calibration` do not fit, `path` does
            not end in `.tflite`, or the network has no form in 8-bit integers: those that take depth in millimetres,
            and FCN-AlexNet, whose normalisation raises to a power.
        OSError: if the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".tflite":
        raise ValueError(f"The name of a LiteRT file ends in .tflite. Received: {path}.")
    parity.check_precision(precision, calibration)
    if precision == "int8" and any(x.shape[-1] == 4 for x in model.inputs):
        raise ValueError("8 bits do not hold depth in millimetres. Received: an RGB-D network. Export it as fp16.")
    from fcn_keras.interface import in_float32

    from .convert import convert
    from .int8 import observe
    from .structure import check_structure
    from .weights import fill

    exact = in_float32(model)
    ranges = observe(exact, calibration) if precision == "int8" else None
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".exporting-", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        content, kernels = convert(exact, labels=labels, precision=precision, ranges=ranges)
        temporary.write_bytes(fill(content, kernels))
        _append(temporary, names or {})
        check_structure(temporary, integers=precision == "int8")
        figures = parity.measure(model, runner(temporary), calibration)
        parity.require(figures, path.name, precision, least_agreement)
        temporary.replace(path)
    return figures


def _append(path, names):
    """Store class names behind the model, in a zip archive."""
    if names:
        with zipfile.ZipFile(path, "a") as archive:
            for head, listed in names.items():
                archive.writestr(f"classes_{head}.txt" if head else "classes.txt", "\n".join(listed) + "\n")
