"""Labels as PNG files of class ids, with and without a palette, and painted over the image."""

import io

from PIL import Image

from fcn_keras.visualize import overlay, palette
from fcn_keras_console.image_files import png_mark

from ..annotations.result_marks import MARK


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
    painted = overlay(result.image, result.labels, background=result.classes.background)
    file = io.BytesIO()  # written at once by Python: Pillow does not see that a full disk took half of its last block
    # Colour is not subsampled: it would bleed over the borders of classes.
    Image.fromarray(painted).save(file, format="JPEG", quality=90, subsampling=0, comment=MARK)
    path.write_bytes(file.getvalue())
