"""`fcn-export`: write a network for TensorFlow Serving, ONNX Runtime, OpenVINO or LiteRT."""

from .command import export, main

__all__ = ["export", "main"]
