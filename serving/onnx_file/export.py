"""Write a network as an ONNX file."""

import tempfile
from pathlib import Path


def export_onnx(model, path, *, labels=False, names=None):
    """Write a network as one ONNX file for any runtime, and compare the two.

    Batch, height and width are free and named so. Opset 17, float32, weights included.

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

    Returns:
        The largest error of a score, as a share of the largest score; with `labels`, the least share of equal labels.

    Raises:
        ImportError: if onnx, onnxruntime or tf2onnx is missing.
        ValueError: if the file does not answer as the model does.
        OSError: if it cannot be written.
    """
    _check_packages()
    from onnx import helper

    from ..saved_model.network import in_float32
    from .check import check
    from .convert import convert
    from .write import write

    path = Path(path)
    if any(layer.dtype_policy.name != "float32" for layer in model.layers):
        model = in_float32(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".exporting-", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        proto, weights = convert(model, labels=labels)
        properties = {f"classes_{head}" if head else "classes": "\n".join(one) for head, one in (names or {}).items()}
        helper.set_model_props(proto, properties)
        write(temporary, proto, weights)
        figure = check(temporary, model, labels=labels)
        temporary.replace(path)
    return figure


def _check_packages():
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(f'ONNX needs {error.name}. Install it with: pip install "fcn_keras[onnx]"') from None
