"""`fcn-figures`: the paper's tables and Figure 4 from trained nets."""

from .command import main

__all__ = ["main"]
