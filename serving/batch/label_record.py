"""What a label was made from, in the label's own file: a text chunk of its PNG, which readers of images pass over.

So a label never lies beside an image, or in a folder, that it does not belong to, whatever became of the table.
"""

import hashlib
import json
import struct
import zlib
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"fcn-batch\0"  # of the chunk `tEXt`: JSON in ASCII follows
PNG = "png"  # beside the record: SHA-256 of the PNG without it, which tells that somebody has painted since
HEADER = len(SIGNATURE) + 12 + 13  # bytes: the signature and IHDR, which is always the first chunk


class LabelRecord(NamedTuple):
    """What a label was made from, and what the table says of it.

    Attributes:
        image: the image's path.
        bytes, sha256: of the contents that were labelled.
        stamp: `filesystems.stamp` of the file that held them; None if they may have changed meanwhile.
        model: fingerprint of the model, its scale included.
        status: for the table.
        height, width: in pixels.
        pixels: number of pixels by class id, as text.
    """

    image: str
    bytes: int
    sha256: str
    stamp: list | None
    model: str
    status: str
    height: int
    width: int
    pixels: dict[str, int]


def with_record(png, record):
    """Return a PNG's bytes with a record in them."""
    facts = {**record._asdict(), PNG: hashlib.sha256(png).hexdigest()}
    return png[:HEADER] + _chunk(b"tEXt", KEYWORD + json.dumps(facts).encode("ascii")) + png[HEADER:]


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def read_record(png):
    """Return the record in a PNG's bytes; None if it holds none, or is damaged, or another PNG than was written."""
    texts = [data for kind, data in _chunks(png) if kind == b"tEXt" and data.startswith(KEYWORD)]
    if not texts or not is_whole(png):
        return None
    plain = png[:HEADER] + png[HEADER + len(_chunk(b"tEXt", texts[0])) :]
    try:
        facts = json.loads(texts[0][len(KEYWORD) :])
        return LabelRecord(**facts) if facts.pop(PNG) == hashlib.sha256(plain).hexdigest() else None
    except (ValueError, TypeError, KeyError, AttributeError):  # of another version
        return None


def is_whole(png):
    """Tell whether bytes are a PNG of which nothing is damaged or missing, whoever wrote it."""
    return all(kind for kind, _ in _chunks(png))


def _chunks(png):
    """Yield `(kind, data)` of every chunk; `(None, None)` where a file is not a whole PNG."""
    whole, place, kind = png.startswith(SIGNATURE), len(SIGNATURE), None
    while whole and place < len(png):
        length, kind = struct.unpack_from(">I4s", png, place) if place + 8 <= len(png) else (0, b"")
        data, end = png[place + 8 : place + 8 + length], place + 12 + length
        whole = end <= len(png) and png[end - 4 : end] == struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
        if whole:
            yield kind, data
        place = end
    if not whole or kind != b"IEND":
        yield None, None
