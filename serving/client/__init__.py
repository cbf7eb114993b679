"""`fcn-query`, and the `Client` behind it. Never imports TensorFlow."""

from .client import Answer, Client, ImageRefused, ServingError
from .command import main

__all__ = ["Answer", "Client", "ImageRefused", "ServingError", "main"]
