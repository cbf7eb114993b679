"""Labels as PNG files of class ids, with and without a palette, and painted over the image."""

import io

import numpy as np
from PIL import Image

from fcn_keras.colors import file_palette
from fcn_keras.visualize import overlay
from fcn_keras_console.image_files import png_mark

from ..annotations.result_marks import MARK
from ..scoring import legend

BAND = 256  # rows


def write_ids(path, result):
    """Write class ids as grey values: 8 bits, or 16 above 256 classes."""
    Image.fromarray(result.labels).save(path, format="PNG", pnginfo=png_mark(MARK))


def write_palette(path, result):
    """Write class ids with the classes' colours as palette, which viewers show."""
    picture = Image.fromarray(result.labels)
    picture.putpalette(file_palette(result.classes.colors))
    picture.save(path, format="PNG", pnginfo=png_mark(MARK))


def write_overlay(path, result):
    """Write the image as JPEG with the classes painted over it, and the legend of those below it if that is wanted."""
    height, width = result.labels.shape
    key = _legend(result) if result.legend else np.empty((0, width, 3), np.uint8)
    picture = Image.new("RGB", (width, height + len(key)))
    if len(key):
        picture.paste(Image.fromarray(key), (0, height))
    for top in range(0, height, BAND):  # a painted array besides Pillow's picture would take as much again
        band = slice(top, top + BAND)
        painted = overlay(result.image[band], result.labels[band], **result.classes.look)
        picture.paste(Image.fromarray(painted), (0, top))
    file = io.BytesIO()  # written at once by Python: Pillow does not see that a full disk took half of its last block
    # Colour is not subsampled: it would bleed over the borders of classes.
    picture.save(file, format="JPEG", quality=90, subsampling=0, comment=MARK)
    path.write_bytes(file.getvalue())


def write_legend(path, classes):
    """Write the colours and names of all classes."""
    legend.write_legend(path, classes.names, classes.colors, classes.background, pnginfo=png_mark(MARK))


def _legend(result):
    classes = result.classes
    ids = legend.present([result.labels], classes.names, classes.background)
    return legend.strip(legend.entries_of(ids, classes.names, classes.colors), result.labels.shape[1])
