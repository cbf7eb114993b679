"""Labels as PNG files of class ids, with and without a palette, and painted over the image."""

import io

from PIL import Image

from fcn_keras.visualize import overlay, palette
from fcn_keras_console.image_files import png_mark

from ..annotations.result_marks import MARK

BAND = 256  # rows


def write_ids(path, result):
    """Write class ids as grey values: 8 bits, or 16 above 256 classes."""
    Image.fromarray(result.labels).save(path, format="PNG", pnginfo=png_mark(MARK))


def write_palette(path, result):
    """Write class ids with the VOC palette, which viewers show as colours."""
    picture = Image.fromarray(result.labels)
    picture.putpalette(palette().tobytes())
    picture.save(path, format="PNG", pnginfo=png_mark(MARK))


def write_overlay(path, result):
    """Write the image as JPEG with the classes painted over it."""
    height, width = result.labels.shape
    picture = Image.new("RGB", (width, height))
    for top in range(0, height, BAND):  # a painted array besides Pillow's picture would take as much again
        band = slice(top, top + BAND)
        painted = overlay(result.image[band], result.labels[band], background=result.classes.background)
        picture.paste(Image.fromarray(painted), (0, top))
    file = io.BytesIO()  # written at once by Python: Pillow does not see that a full disk took half of its last block
    # Colour is not subsampled: it would bleed over the borders of classes.
    picture.save(file, format="JPEG", quality=90, subsampling=0, comment=MARK)
    path.write_bytes(file.getvalue())
