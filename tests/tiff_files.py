"""TIFF files of any channels and depth, which Pillow reads in part and writes in part."""

import struct


def tiff(pixels, *, interpretation=2, extra=(), numbers=1):
    """Return an uncompressed TIFF file of one strip.

    Args:
        pixels: `(H, W, C)` uint8, uint16 or float32.
        interpretation: PhotometricInterpretation: 2 RGB, 1 grey, 0 grey whose 0 is white.
        extra: ExtraSamples, what each channel beyond the colours is: 0 nothing said, 1 and 2 transparency.
        numbers: SampleFormat: 1 unsigned, 3 floats.
    """
    height, width, channels = pixels.shape
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    entries = [
        (256, "H", [width]),
        (257, "H", [height]),
        (258, "H", [8 * pixels.dtype.itemsize] * channels),
        (259, "H", [1]),
        (262, "H", [interpretation]),
        (273, "I", [0]),
        (277, "H", [channels]),
        (278, "H", [height]),
        (279, "I", [len(data)]),
        *([(338, "H", extra)] if extra else []),
        (339, "H", [numbers] * channels),
    ]
    values = {tag: struct.pack(f"<{len(value)}{kind}", *value) for tag, kind, value in entries}
    end, tail = 8 + 2 + 12 * len(entries) + 4, b""
    starts = {}
    for tag, value in values.items():
        if len(value) > 4:
            starts[tag], tail = end + len(tail), tail + value + bytes(len(value) % 2)
    values[273] = struct.pack("<I", end + len(tail))
    directory = b"".join(
        struct.pack("<HHI", tag, {"H": 3, "I": 4}[kind], len(value))
        + (struct.pack("<I", starts[tag]) if tag in starts else values[tag].ljust(4, b"\0"))
        for tag, kind, value in entries
    )
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + tail + data
