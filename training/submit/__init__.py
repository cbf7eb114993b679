"""`fcn-submit`: labels for VOC's evaluation server."""

from .command import main

__all__ = ["main"]
