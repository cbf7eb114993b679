"""Change examples at random, pixels and labels together.

An augmentation takes `(example, seed)` and returns an example, uses stateless TensorFlow ops, and runs eagerly
and inside `tf.data.Dataset.map`. Image, label (or every head of it), depth and HHA move together: a marked
pixel lands where its label lands. Keys of an example other than these four pass through untouched.

`cutmix` takes `(batch, seed)`: what it pastes is of another example of the batch.
"""

from .chain import Augmentation, compose, drawn_crop, drawn_scales, keeps_size
from .color import color_jitter
from .maps import HHA_MEAN, VOC_MEAN, Example, Tensor, import_tensorflow, outside
from .mixing import Batch, Mix, cutmix
from .moves import crop, jitter, mirror, scale, zoom
from .rotation import rotate, turn
from .views import window

__all__ = [
    "HHA_MEAN",
    "VOC_MEAN",
    "Augmentation",
    "Batch",
    "Example",
    "Mix",
    "Tensor",
    "color_jitter",
    "compose",
    "crop",
    "cutmix",
    "drawn_crop",
    "drawn_scales",
    "import_tensorflow",
    "jitter",
    "keeps_size",
    "mirror",
    "outside",
    "rotate",
    "scale",
    "turn",
    "window",
    "zoom",
]
