"""`fcn-report`: a run as one HTML file."""

from .command import main

__all__ = ["main"]
