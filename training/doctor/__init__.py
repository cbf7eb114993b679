"""`fcn-doctor`: look a data set over, fix it, or import one."""

from .command import main

__all__ = ["main"]
