"""`fcn-import-weights`: Caffe's files to Keras's, and back."""

from .command import main

__all__ = ["main"]
