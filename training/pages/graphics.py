"""Pictures that are part of a page, bars, and swatches of colours."""

import base64
import io

import numpy as np
from PIL import Image

from fcn_keras_console.words import percent

from .html import element

QUALITY = 82  # of JPEG


def jpeg(pixels):
    """Write `(H, W, 3)` uint8 as a data URI."""
    file = io.BytesIO()
    # Colour is not subsampled: it would bleed over the borders of classes.
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return _data("jpeg", file)


def png(pixels):
    """Write `(H, W, 3)` or, with opacity, `(H, W, 4)` uint8 as a data URI, exactly."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return _data("png", file)


def _data(kind, file):
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def image(source, shape, alt, class_=None):
    """Make an element of a data URI.

    Args:
        shape: of the pixels, `(H, W, ...)`.
    """
    made = element("img", src=source, alt=alt, width=shape[1], class_=class_)
    made.set("height", str(shape[0]))
    return made


def heat(shares):
    """Draw shares as a data URI: the larger the more opaque, the largest wholly; what is below shines through.

    Args:
        shares: `(H, W)` floats from 0 on.
    """
    pixels = np.empty((*shares.shape, 4), np.uint8)
    pixels[..., :3] = 180, 35, 24
    pixels[..., 3] = np.round(255 * shares / max(shares.max(), 1e-12))
    return png(pixels)


def swatch(color):
    """Show a colour `(3,)`."""
    return element("span", class_="swatch", style="background: #{:02x}{:02x}{:02x}".format(*color))


def measured(share, kind=None):
    """Show a share as a bar and a number; None has an empty bar."""
    bar = element("i", class_=kind, style=f"width: {100 * (share or 0):.1f}%")
    return [element("span", bar, class_="meter"), element("span", percent(share))]
