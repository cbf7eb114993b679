"""`fcn-batch`: label any number of images with Apache Beam."""

from .command import main

__all__ = ["main"]
