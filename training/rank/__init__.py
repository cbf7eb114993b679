"""`fcn-rank`: which photographs to label next."""

from .command import main

__all__ = ["main"]
