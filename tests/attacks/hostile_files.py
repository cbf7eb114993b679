"""Image files made to break whoever reads them: `{name: (contents, is_refused)}`.

`is_refused` is True where the answer must be a sentence, False where it must be labels, None where either will do.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"
HTML = b"<!doctype html><html><body><script>alert(1)</script></body></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'


def hostile_files(pixels):
    """Make them all.

    Args:
        pixels: the largest height times width that is answered; what claims more is refused.
    """
    rgb = Image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8))
    return {
        **_broken(rgb),
        **_huge(pixels),
        **_odd(rgb),
        **_bombs(rgb),
        **_loops(rgb),
    }


def encode(image, kind, **options):
    """Write an image to bytes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(name, data):
    """Write one chunk of a PNG file."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(height, width, *, depth=8, colour=2, interlace=0, before=(), data=b"", after=()):
    """Write a PNG file of chunks that need not fit together."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    chunks = [(b"IHDR", header), *before, (b"IDAT", data), *after, (b"IEND", b"")]
    return PNG + b"".join(chunk(name, contents) for name, contents in chunks)


def _broken(rgb):
    files = {kind: encode(rgb, kind) for kind in ("JPEG", "PNG", "BMP", "WEBP")}
    made = {"nothing": (b"", True), "html": (HTML, True), "svg": (SVG, True), "gif": (encode(rgb, "GIF"), True)}
    made["tiff"] = (encode(rgb, "TIFF"), True)
    for kind, contents in files.items():
        made[f"{kind} cut in half"] = (contents[: len(contents) // 2], True)
        made[f"{kind} cut to its header"] = (contents[:30], True)
        made[f"{kind} of zeros behind its header"] = (contents[:30] + bytes(len(contents)), None)
    made["JPEG that is HTML"] = (b"\xff\xd8\xff" + HTML, True)
    return made


def _huge(pixels):
    side = int(pixels**0.5)
    bitmap = b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 50_000, 50_000, 1, 24, 0, 0, 0, 0, 0, 0)
    jpeg = b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, 65_500, 65_500, 3) + b"\x01\x11\0\x02\x11\0\x03\x11\0"
    webp = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\xff\xff\xff" * 2 + b"VP8 " + bytes(100)
    rows = zlib.compress(bytes((3 * 2 * side + 1) * 2 * side), 9)
    flat = Image.new("RGB", (2 * side, 2 * side))
    large_webp = encode(flat, "WEBP")[12:]
    lying_webp = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\x10\0\0" * 2 + large_webp
    large_jpeg = encode(flat, "JPEG")
    frame = large_jpeg.index(b"\xff\xc0")
    small_frame = large_jpeg[frame : frame + 5] + b"\0\x10\0\x10" + large_jpeg[frame + 9 : frame + 19]
    return {
        "WebP of more pixels than its canvas": (b"RIFF" + struct.pack("<I", len(lying_webp)) + lying_webp, True),
        "JPEG of two frames": (large_jpeg[:frame] + small_frame + large_jpeg[frame:], True),
        "JPEG of two frames, the large one first": (
            large_jpeg[: frame + 19] + small_frame + large_jpeg[frame + 19 :],
            True,
        ),
        "PNG of 50000x50000": (png(50_000, 50_000, data=zlib.compress(bytes(100_000))), True),
        "PNG of 2**31 - 1 squared": (png(2**31 - 1, 2**31 - 1), True),
        "PNG of 1 row and 2**31 - 1 columns": (png(1, 2**31 - 1), True),
        "PNG of four times the limit, all there": (png(2 * side, 2 * side, data=rows), True),
        "JPEG of four times the limit, all there": (encode(flat, "JPEG"), True),
        "JPEG of 65500x65500": (jpeg + b"\xff\xd9", True),
        "BMP of 50000x50000": (bitmap, True),
        "WebP of 16777216x16777216": (b"RIFF" + struct.pack("<I", len(webp)) + webp, True),
    }


def _odd(rgb):
    deep = Image.fromarray(np.random.default_rng(1).integers(0, 65536, (9, 7), dtype=np.uint16))
    palette = rgb.quantize(9)
    with_alpha = rgb.copy()
    with_alpha.putalpha(77)
    frames = {"save_all": True, "append_images": [rgb.rotate(90)], "duration": 50}
    indices = zlib.compress(bytes([0]) + bytes([255]) * 7)
    return {
        "16-bit grey PNG": (encode(deep, "PNG"), False),
        "CMYK JPEG": (encode(rgb.convert("CMYK"), "JPEG"), False),
        "PNG with palette and alpha": (encode(palette, "PNG", transparency=bytes(range(9))), False),
        "PNG with alpha": (encode(with_alpha, "PNG"), False),
        "PNG whose pixels point out of its palette": (
            png(1, 7, colour=3, before=[(b"PLTE", b"\1\2\3")], data=indices),
            None,
        ),
        "PNG without its palette": (png(1, 7, colour=3, data=indices), True),
        "animated WebP": (encode(rgb, "WEBP", **frames), True),
        "animated PNG": (encode(rgb, "PNG", **frames), False),
        "animated GIF": (encode(rgb, "GIF", **frames), True),
        "PNG called JPEG": (encode(rgb, "PNG"), False),
    }


def _bombs(rgb):
    inflated = 7_900_000  # what libpng takes at most, for one text
    text = zlib.compress(bytes([65]) * inflated, 9)
    texts = [(b"zTXt", b"k\0\0" + text)] * 200
    profile = [(b"iCCP", b"p\0\0" + zlib.compress(bytes(50_000_000), 9))]
    pixels = zlib.compress((bytes(1) + bytes(3)) * 1)
    much = zlib.compress(bytes(200_000_000), 9)
    scans = _progressive(rgb)
    return {
        "PNG with 200 texts of 8 MB": (png(1, 1, before=texts, data=pixels), None),
        "PNG with 200 texts of 8 MB behind the pixels": (png(1, 1, data=pixels, after=texts), None),
        "PNG with 200 international texts": (
            png(1, 1, before=[(b"iTXt", b"k\0\1\0\0\0" + text)] * 200, data=pixels),
            None,
        ),
        "PNG with a profile of 50 MB": (png(1, 1, before=profile, data=pixels), None),
        "PNG of one pixel with 200 MB of them": (png(1, 1, data=much), None),
        "JPEG of 3000 scans": (scans, None),
        "JPEG behind 10 MB of fill bytes": (b"\xff\xd8" + b"\xff" * 10_000_000 + encode(rgb, "JPEG")[2:], None),
        "PNG of 200000 empty chunks": (
            png(1, 1, before=[(b"abCd", b"")] * 200_000, data=pixels),
            None,
        ),
    }


def _progressive(rgb, copies=3000):
    """Repeat the last scan of a progressive JPEG."""
    whole = encode(rgb.resize((640, 640)), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2][:200] * copies + whole[-2:]


def _loops(rgb):
    made = {}
    for name, tiff in {
        "points to itself": b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" + b"\x08\0\0\0",
        "points to its own header": b"II*\0\0\0\0\0" + bytes(12),
        "claims 65535 entries": b"II*\0\x08\0\0\0\xff\xff" + b"\x69\x87\x04\0\x01\0\0\0\x08\0\0\0" * 5000,
        "points behind the end": b"MM\0*\xff\xff\xff\xff",
        "is cut off": b"II",
    }.items():
        for kind in ("JPEG", "PNG", "WEBP"):
            made[f"EXIF that {name}, {kind}"] = (encode(rgb, kind, exif=b"Exif\0\0" + tiff), False)
    return made
