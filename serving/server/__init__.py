"""`fcn-serve`: TensorFlow Serving's REST and gRPC from one Python process."""

from .command import main
from .in_process import Options, running

__all__ = ["Options", "main", "running"]
