"""Fully convolutional networks for semantic segmentation in Keras (Long, Shelhamer, Darrell, CVPR 2015).

A name is imported when it is first used: `import fcn_keras` alone starts neither Keras nor its backend.
"""

import importlib.util
import typing

from fcn_keras import registration

if typing.TYPE_CHECKING:
    from fcn_keras.alexnet import FCNAlexNet
    from fcn_keras.backbone import VGG16
    from fcn_keras.boundary import BoundaryScores
    from fcn_keras.caffe_export import save_caffemodel
    from fcn_keras.data import batches
    from fcn_keras.imagenet import load_imagenet
    from fcn_keras.inference import predict, predict_tiled, shift_and_stitch
    from fcn_keras.initializers import Bilinear
    from fcn_keras.interface import in_bfloat16
    from fcn_keras.losses import PixelCrossentropy
    from fcn_keras.metrics import ConfusionMatrix, scores
    from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
    from fcn_keras.optimizers import CaffeSGD
    from fcn_keras.scaled_inference import predict_scaled
    from fcn_keras.tta import predict_augmented
    from fcn_keras.visualize import colorize, error_map, overlay, palette
    from fcn_keras.weights import load_caffemodel, transplant

__version__ = "0.1.0"

__all__ = [
    "VGG16",
    "Bilinear",
    "BoundaryScores",
    "CaffeSGD",
    "ConfusionMatrix",
    "FCN8s",
    "FCN16s",
    "FCN32s",
    "FCNAlexNet",
    "LateFusion",
    "PixelCrossentropy",
    "batches",
    "colorize",
    "error_map",
    "in_bfloat16",
    "load_caffemodel",
    "load_imagenet",
    "overlay",
    "palette",
    "predict",
    "predict_augmented",
    "predict_scaled",
    "predict_tiled",
    "save_caffemodel",
    "scores",
    "shift_and_stitch",
    "transplant",
]

_MODULE_OF = {
    "FCNAlexNet": "alexnet",
    "VGG16": "backbone",
    "BoundaryScores": "boundary",
    "save_caffemodel": "caffe_export",
    "batches": "data",
    "load_imagenet": "imagenet",
    **dict.fromkeys(("predict", "predict_tiled", "shift_and_stitch"), "inference"),
    "Bilinear": "initializers",
    "in_bfloat16": "interface",
    "PixelCrossentropy": "losses",
    **dict.fromkeys(("ConfusionMatrix", "scores"), "metrics"),
    **dict.fromkeys(("FCN8s", "FCN16s", "FCN32s", "LateFusion"), "models"),
    "CaffeSGD": "optimizers",
    "predict_scaled": "scaled_inference",
    "predict_augmented": "tta",
    **dict.fromkeys(("colorize", "error_map", "overlay", "palette"), "visualize"),
    **dict.fromkeys(("load_caffemodel", "transplant"), "weights"),
}

if not typing.TYPE_CHECKING:  # a type checker sees the imports above, and reports other names

    def __getattr__(name: str) -> typing.Any:
        if name in _MODULE_OF:
            value = getattr(importlib.import_module(f"fcn_keras.{_MODULE_OF[name]}"), name)
            globals()[name] = value
            return value
        if not name.startswith("_") and importlib.util.find_spec(f"fcn_keras.{name}"):
            return importlib.import_module(f"fcn_keras.{name}")  # such as `fcn_keras.augment`
        raise AttributeError(f"module 'fcn_keras' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


registration.register_with_keras()
