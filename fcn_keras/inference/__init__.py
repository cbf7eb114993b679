"""Label whole images: in one pass, part by part with the same result, and by shift-and-stitch."""

from fcn_keras.inference.images import Image, Maps, as_input
from fcn_keras.inference.predicting import predict
from fcn_keras.inference.stitching import shift_and_stitch
from fcn_keras.inference.tiles import predict_tiled
from fcn_keras.inference.whole import label_of

__all__ = ["Image", "Maps", "as_input", "label_of", "predict", "predict_tiled", "shift_and_stitch"]
