"""Losses over the pixels of whole images: void pixels have none, on every backend of Keras, in float32."""

from fcn_keras.losses.crossentropy import PixelCrossentropy
from fcn_keras.losses.focal import FocalCrossentropy
from fcn_keras.losses.lovasz import LovaszSoftmax
from fcn_keras.losses.overlap import SoftDice, Tversky
from fcn_keras.losses.pixels import REDUCTIONS
from fcn_keras.losses.weighted_sum import SumOfLosses, from_text

__all__ = [
    "REDUCTIONS",
    "FocalCrossentropy",
    "LovaszSoftmax",
    "PixelCrossentropy",
    "SoftDice",
    "SumOfLosses",
    "Tversky",
    "from_text",
]
