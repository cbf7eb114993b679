"""`fcn-export`: write a network for TensorFlow Serving, ONNX Runtime, OpenVINO or LiteRT."""

from .command import main
from .version import export

__all__ = ["export", "main"]
