"""`fcn-label-studio`: a net that Label Studio asks for its first labels."""

from .command import main

__all__ = ["main"]
