"""What every command shares: its options, how it ends, what it says while it works.

The commands of `training/` and `serving/` meet here alone. Nothing here imports Keras or TensorFlow before a command
runs.
"""

from .options import Parser, add_reporting
from .progress import Progress
from .run import Interrupted, require_tensorflow, run, start_tensorflow

__all__ = ["Interrupted", "Parser", "Progress", "add_reporting", "require_tensorflow", "run", "start_tensorflow"]
