"""Fully convolutional networks for semantic segmentation in Keras (Long, Shelhamer, Darrell, CVPR 2015)."""

from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.backbone import VGG16
from fcn_keras.boundary import BoundaryScores
from fcn_keras.caffe_export import save_caffemodel
from fcn_keras.data import batches
from fcn_keras.inference import predict, predict_tiled, shift_and_stitch
from fcn_keras.initializers import Bilinear
from fcn_keras.losses import PixelCrossentropy
from fcn_keras.metrics import ConfusionMatrix, scores
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from fcn_keras.optimizers import CaffeSGD
from fcn_keras.tta import predict_augmented
from fcn_keras.visualize import colorize, error_map, overlay, palette
from fcn_keras.weights import load_caffemodel, load_imagenet, transplant

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
    "load_caffemodel",
    "load_imagenet",
    "overlay",
    "palette",
    "predict",
    "predict_augmented",
    "predict_tiled",
    "save_caffemodel",
    "scores",
    "shift_and_stitch",
    "transplant",
]
