"""`fcn-predict`: label images and videos."""

from .command import main

__all__ = ["main"]
