"""EXIF orientation inside the graph, against Pillow."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from serving.export.saved_model.exif import number, part
from tests.serving.image_files import encode, picture, rotated_files


def test_numbers_and_parts_of_a_file():
    contents = tf.constant(b"\x01\x02\x03\xff")
    assert number(contents, 0, 2) == 0x0201
    assert number(contents, 0, 2, big=True) == 0x0102
    assert number(contents, 2, 4, big=tf.constant(True)) == 0x03FF0000  # what is behind the end counts as 0
    assert number(contents, 9, 4) == 0
    assert part(contents, 1, 2) == b"\x02\x03"
    assert part(contents, 3, 9) == b"\xff"
    assert part(contents, -1, 1) == b"\x01"


def test_every_orientation_is_turned_as_pillow_does(read):
    found = rotated_files()
    shapes = set()
    for name, contents in found.items():
        opened = Image.open(io.BytesIO(contents))
        expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        np.testing.assert_array_equal(read(contents)[0], expected, err_msg=name)
        shapes.add((Image.Image.getexif(opened).get(0x0112), expected.shape))
    assert {(1, (7, 12, 3)), (5, (12, 7, 3)), (8, (12, 7, 3))} < shapes  # that is: Pillow saw them, and turned some


def test_exif_behind_other_chunks_and_with_lies_about_lengths(read):
    plain = encode(picture(7, 12), "JPEG")
    rotated = encode(picture(7, 12), "JPEG", exif=_exif(6))
    start = rotated.index(b"Exif") - 4
    segment = rotated[start : start + 2 + int.from_bytes(rotated[start + 2 : start + 4], "big")]
    comment = b"\xff\xfe\x00\x07hello"
    for head in (segment, comment + segment, b"\xff\xff" + segment):
        image, status = read(plain[:2] + head + plain[2:])
        assert (image.shape, status) == ((12, 7, 3), "")
    for position in range(4, len(segment)):  # one byte wrong anywhere: no failure but the image, upright or not
        wrong = segment[:position] + b"\xff" + segment[position + 1 :]
        image, status = read(plain[:2] + wrong + plain[2:])
        assert image.shape in {(7, 12, 3), (12, 7, 3)}, position
        assert status == ""


def _exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif
