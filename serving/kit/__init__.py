"""`fcn-kit`: TensorFlow Serving's settings for a model of one's own name."""

from .command import main

__all__ = ["main"]
