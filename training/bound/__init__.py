"""`fcn-bound`: the mean IU that an output of a coarser stride can reach at most."""

from .command import main

__all__ = ["main"]
