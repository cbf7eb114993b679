"""`fcn-check`: whether this machine answers as the one that exported a model."""

from .command import main

__all__ = ["main"]
