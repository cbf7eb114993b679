"""Decode and encode the run lengths of Label Studio's brush: a stream of bits, of RGBA values, row by row.

32 bits tell the number of values, 5 the bits of a value less 1, four times 4 the bits of a length less 1. Then blocks:
a bit that tells whether one value is repeated, two that choose among the four sizes, the length less 1, and one value
or that many. The fourth of each four values is opacity.
"""

import numpy as np

from .drawn_shapes import Patch
from .shape_tally import ShapeFault

_HEADER = 32 + 5 + 16
_BITS = 8  # of a value; the application writes no other
_SIZES = (3, 4, 8, 16)  # of the application, for what is encoded here


def decode_brush(values, size):
    """Decode the pixels that are not transparent.

    Args:
        values: list of bytes, as in `rle`.
        size: `(H, W)` of the image.

    Returns:
        `Patch` of the whole image.

    Raises:
        ShapeFault: if they are no such runs, or of another size.
    """
    bits = _bits(values)
    number, sizes = 4 * size[0] * size[1], [int(bits[at : at + 4], 2) + 1 for at in range(37, _HEADER, 4)]
    if int(bits[:32], 2) != number or int(bits[32:37], 2) + 1 != _BITS:
        raise ShapeFault("brush of another size than the image", f"{int(bits[:32], 2)} values, not {number}")
    out, at, done = np.zeros(number, np.uint8), _HEADER, 0
    while done < number:
        length_bits = sizes[int(bits[at + 1 : at + 3] or "0", 2)]
        start = at + 3 + length_bits
        length = int(bits[at + 3 : start] or "0", 2) + 1
        repeated = bits[at : at + 1] == "1"
        at = start + _BITS * (1 if repeated else length)
        if at > len(bits) or done + length > number:
            raise ShapeFault("brush whose run lengths are damaged")
        if repeated:
            out[done : done + length] = int(bits[start:at], 2)
        else:
            out[done : done + length] = np.frombuffer(int(bits[start:at], 2).to_bytes(length, "big"), np.uint8)
        done += length
    return Patch(0, 0, out.reshape(*size, 4)[..., 3] > 0)


def _bits(values):
    """Return a list of bytes as a string of `0` and `1`."""
    try:
        data = bytes(values if isinstance(values, list) else [])
    except (TypeError, ValueError):
        raise ShapeFault("brush whose run lengths are no bytes") from None
    if 8 * len(data) < _HEADER:
        raise ShapeFault("brush without run lengths")
    return f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"


def encode_brush(mask):
    """Encode `(H, W)` bool, opaque where it is true.

    Returns:
        list of bytes, which Label Studio and its converter decode into the same mask.
    """
    values = np.repeat(mask.ravel(), 4)
    ends = np.append(np.flatnonzero(values[1:] != values[:-1]) + 1, values.size)
    lengths = np.diff(ends, prepend=0).tolist()
    parts = [f"{values.size:032b}{_BITS - 1:05b}", *(f"{bits - 1:04b}" for bits in _SIZES)]
    opaque = bool(values[0])
    for length in lengths:
        value = "1" * _BITS if opaque else "0" * _BITS
        while length:
            part = min(length, 1 << _SIZES[-1])
            which = next(place for place, bits in enumerate(_SIZES) if part <= 1 << bits)
            parts.append(f"1{which:02b}{part - 1:0{_SIZES[which]}b}{value}")
            length -= part
        opaque = not opaque
    text = "".join(parts)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))
