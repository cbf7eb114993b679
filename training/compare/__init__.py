"""`fcn-compare`: where two nets differ, and whether that may be chance."""

from .command import main

__all__ = ["main"]
