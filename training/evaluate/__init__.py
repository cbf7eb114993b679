"""`fcn-evaluate`: score a net, or label files, by the paper's four metrics."""

from .command import main

__all__ = ["main"]
