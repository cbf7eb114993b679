"""Drawn images as files of every kind that the exported model takes."""

import io
import struct
import tempfile

import numpy as np
from PIL import Image

from fcn_keras.datasets.images import read_image

SIZES = [(1, 1), (37, 53), (64, 32), (31, 100)]
ORIENTATIONS = range(10)  # 0 and 9 mean nothing


def picture(height, width, seed=0):
    generator = np.random.default_rng([height, width, seed])
    ramp = np.linspace(0, 255, height)[:, None, None] + generator.normal(0, 40, (height, width, 3))
    return ramp.clip(0, 255).astype("uint8")


def encode(image, kind="PNG", **options):
    file = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(file, kind, **options)
    return file.getvalue()


def bmp(bits, ids, colors, *, top_down=False):
    """Make a BMP file of 1, 4 or 8 bits a pixel, of which Pillow writes but some.

    Args:
        ids: (H, W) indices.
        colors: (n, 3) uint8 RGB.
        top_down: write the rows from the top down.
    """
    height, width = ids.shape
    ids = np.pad(ids if top_down else ids[::-1], ((0, 0), (0, -width % (32 // bits))))  # rows end at 4 bytes
    packed = ids.reshape(height, -1, 8 // bits) << np.arange(8 - bits, -1, -bits)
    pixels = packed.sum(axis=-1).astype(np.uint8).tobytes()
    palette = np.pad(colors[:, ::-1], ((0, 0), (0, 1))).astype(np.uint8).tobytes()
    start = 14 + 40 + len(palette)
    head = struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start)
    size = (40, width, -height if top_down else height, 1, bits)
    return head + struct.pack("<IiiHHIIiiII", *size, 0, len(pixels), 0, 0, len(colors), 0) + palette + pixels


def evaluated(contents):
    """Read a file's bytes as `fcn-evaluate` does."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(contents)
        file.flush()
        return read_image(file.name)


def files():
    """Return `{name: contents}`."""
    rgb = Image.fromarray(picture(37, 53))
    with_alpha = rgb.copy()
    with_alpha.putalpha(Image.fromarray(picture(37, 53, seed=1)[..., 0]))
    return {
        "jpeg": encode(rgb, "JPEG"),
        "jpeg 4:4:4": encode(rgb, "JPEG", quality=95, subsampling=0),
        "progressive jpeg": encode(rgb, "JPEG", progressive=True),
        "grey jpeg": encode(rgb.convert("L"), "JPEG"),
        "cmyk jpeg": encode(rgb.convert("CMYK"), "JPEG"),
        "rotated jpeg": encode(rgb, "JPEG", exif=_exif(6)),
        "jpeg rotated by xmp alone": encode(rgb, "JPEG", xmp=b'<x:xmpmeta tiff:Orientation="6"/>'),
        "png": encode(rgb),
        "grey png": encode(rgb.convert("L")),
        "grey and alpha png": encode(with_alpha.convert("LA")),
        "bit png": encode(rgb.convert("1")),
        "alpha png": encode(with_alpha),
        "palette png": encode(rgb.quantize(200)),
        "transparent palette png": encode(rgb.quantize(9), transparency=2),
        "rotated png": encode(rgb, exif=_exif(8)),
        "bmp": encode(rgb, "BMP"),
        "alpha bmp": encode(with_alpha, "BMP"),
        "grey bmp": encode(rgb.convert("L"), "BMP"),
        "bit bmp": encode(rgb.convert("1"), "BMP"),
        "palette bmp": encode(rgb.quantize(200), "BMP"),
        "webp": encode(rgb, "WEBP"),
        "lossless alpha webp": encode(with_alpha, "WEBP", lossless=True, exact=True),
        "rotated webp": encode(rgb, "WEBP", exif=_exif(5)),
        **{f"{height}x{width}": encode(picture(height, width)) for height, width in SIZES},
    }


def rotated_files():
    """Return `{name: contents}` of every orientation, little- and big-endian, behind other entries."""
    rgb = Image.fromarray(picture(7, 12))
    found = {}
    for orientation in ORIENTATIONS:
        for kind, options in {"JPEG": {}, "PNG": {}, "WEBP": {"lossless": True}}.items():
            for endian in "<>":
                exif = _exif(orientation, endian)
                found[f"{kind} {orientation} {endian}"] = encode(rgb, kind, exif=exif, **options)
    return found


def _exif(orientation, endian="<"):
    exif = Image.Exif()
    exif.endian = endian
    exif[0x010F] = "a maker's name that does not fit into its entry"
    exif[0x0112] = orientation
    exif[0x0128] = 2
    return exif
