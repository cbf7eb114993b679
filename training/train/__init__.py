"""`fcn-train`: train a recipe, or a net on one's own folder."""

from .command import main

__all__ = ["main"]
