"""Change an example at random, pixels and labels together.

Every augmentation takes `(example, seed)` and returns an example, uses stateless TensorFlow ops, and runs eagerly
and inside `tf.data.Dataset.map`. Image, label (or every head of it), depth and HHA move together: a marked
pixel lands where its label lands. Keys of an example other than these four pass through untouched.
"""

from .chain import Augmentation, compose
from .maps import HHA_MEAN, VOC_MEAN, Example, Tensor, import_tensorflow, window
from .moves import crop, jitter, mirror, scale

__all__ = [
    "HHA_MEAN",
    "VOC_MEAN",
    "Augmentation",
    "Example",
    "Tensor",
    "compose",
    "crop",
    "import_tensorflow",
    "jitter",
    "mirror",
    "scale",
    "window",
]
