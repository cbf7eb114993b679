"""Files to pixels inside the graph, against Pillow."""

import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fcn_keras.datasets.images import read_image
from serving.export.saved_model import decoding
from tests.attacks.hostile_files import hostile_files, png
from tests.color_profile import display_p3
from tests.serving.image_files import bmp, encode, evaluated, files, picture

LIMIT = 10_000
UNKNOWN, DAMAGED = decoding.UNKNOWN, decoding.DAMAGED


@pytest.mark.parametrize("name", files())
def test_pixels_are_those_that_evaluation_reads(read, name):
    contents = files()[name]
    image, status = read(contents)
    assert status == ""
    np.testing.assert_array_equal(image, evaluated(contents))


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_bmp_files_of_indexed_colours(read, bits):
    generator = np.random.default_rng(bits)
    for height, width in [(1, 1), (3, 7), (5, 33)]:
        for used in {2, 2**bits}:
            colors = generator.integers(0, 256, (used, 3), np.uint8)
            ids = generator.integers(0, used, (height, width))
            for top_down in (False, True):
                contents = bmp(bits, ids, colors, top_down=top_down)
                image, status = read(contents)
                assert status == ""
                np.testing.assert_array_equal(image, colors[ids])
                np.testing.assert_array_equal(image, evaluated(contents))
                assert read(contents[:-1])[1] == DAMAGED
    assert read(contents[:28] + b"\x02\0" + contents[30:])[1] == DAMAGED  # 2 bits a pixel: nobody reads them


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (17, 33), (61, 40)])
@pytest.mark.parametrize("options", [{"subsampling": 0}, {"subsampling": 2}, {"progressive": True}, {"quality": 30}])
def test_jpeg_of_odd_sizes_is_bit_equal_to_pillow(read, size, options):
    smooth = Image.fromarray(picture(1 + size[0] // 6, 1 + size[1] // 6)).resize(size[::-1], Image.Resampling.BICUBIC)
    for mode in ("RGB", "L"):
        contents = encode(smooth.convert(mode), "JPEG", **options)
        np.testing.assert_array_equal(read(contents)[0], evaluated(contents))


@pytest.mark.parametrize(
    "pattern", ["camvid/val/images/*", "voc/VOCdevkit/VOC2012/JPEGImages/*", "fcn_demo/*.[jp][pn]g"]
)
def test_real_files_are_read_as_evaluation_reads_them(shared, pattern):
    names = sorted((shared / "data").glob(pattern))[:3]
    assert names
    for name in names:
        image, status = decoding.read_image(tf.constant(name.read_bytes()), 10**7)
        assert status == b""
        np.testing.assert_array_equal(image, read_image(name))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_profile_of_colours_changes_nothing_here_either(read, kind):
    plain, told = (encode(picture(9, 12), kind, **more) for more in ({}, {"icc_profile": display_p3()}))
    assert len(told) > len(plain)
    np.testing.assert_array_equal(read(told)[0], read(plain)[0])


def test_16_bit_grey_keeps_the_high_byte(read):
    deep = np.random.default_rng(0).integers(0, 65536, (5, 7), dtype=np.uint16)
    np.testing.assert_array_equal(read(encode(deep))[0], np.repeat(deep[..., None] >> 8, 3, axis=2))


def _bad():
    jpeg = encode(picture(40, 50), "JPEG")
    compressed = bytearray(encode(Image.fromarray(picture(8, 8)).quantize(9), "BMP"))
    compressed[30] = 1
    no_height = bytearray(encode(picture(8, 8)))
    no_height[20:24] = bytes(4)
    frames = [Image.fromarray(picture(8, 8, seed)) for seed in range(2)]
    yield from [(b"", UNKNOWN), (b"G", UNKNOWN), (b"hello", UNKNOWN), (encode(picture(8, 8), "GIF"), UNKNOWN)]
    yield b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", decoding.STRANGE % "HEIC"
    yield b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", decoding.STRANGE % "HEIC"
    yield b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", UNKNOWN
    yield encode(picture(8, 8), "AVIF"), decoding.STRANGE % "AVIF"
    yield encode(picture(8, 8), "TIFF"), decoding.STRANGE % "TIFF"
    yield from [(b"RIFF", UNKNOWN), (b"BM", DAMAGED), (b"\xff\xd8\xff", DAMAGED), (decoding.PNG, DAMAGED)]
    yield from [(jpeg[:300], DAMAGED), (jpeg[:-300], DAMAGED), (b"\xff\xd8\xff" + jpeg[300:], DAMAGED)]
    yield from [(encode(picture(8, 8), kind)[:60], DAMAGED) for kind in ("PNG", "BMP", "WEBP")]
    yield from [(bytes(compressed), DAMAGED), (bytes(no_height), DAMAGED)]
    yield from [(b"RIFF0000WEBP" + kind, DAMAGED) for kind in (b"", b"VP8 ", b"VP8L")]
    yield encode(frames[0], "WEBP", save_all=True, append_images=frames[1:]), decoding.ANIMATED


@pytest.mark.parametrize(("contents", "expected"), list(_bad()))
def test_what_is_wrong_is_said_and_nothing_fails(read, contents, expected):
    image, status = read(contents)
    assert image.shape == (0, 0, 3)
    assert status == expected


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP", "lossless WEBP", "alpha WEBP"])
def test_sizes_are_checked_before_pixels_are_decoded(read, kind):
    def contents(height, width):
        image = Image.new("RGBA" if "alpha" in kind else "RGB", (width, height), "red")
        if "alpha" in kind:
            image.putalpha(77)
        return encode(image, kind.split()[-1], **({"lossless": True} if "lossless" in kind else {}))

    assert read(contents(50, 200))[1] == ""
    message = "This image is 201 pixels high and 50 wide; more than 10000 pixels are refused. Scale it down."
    assert read(contents(201, 50))[1] == message
    # The pixels are not there, and nobody has looked for them.
    assert read(contents(201, 50)[:100] if kind != "JPEG" else contents(201, 50)[:-100])[1] == message


def test_a_header_may_claim_anything(read):
    whole = encode(picture(8, 8))
    huge = whole[:16] + (2**31 - 1).to_bytes(4, "big") * 2 + whole[24:]
    assert read(huge)[1].startswith("This image is 2147483647 pixels high and 2147483647 wide")
    bmp = encode(picture(8, 8), "BMP")
    upside_down = bmp[:22] + (2**32 - 8).to_bytes(4, "little") + bmp[26:]  # rows from the top down
    np.testing.assert_array_equal(read(upside_down)[0], evaluated(upside_down))


def test_files_made_to_break_a_reader_are_answered(read):
    for name, (contents, is_refused) in hostile_files(LIMIT).items():
        image, status = read(contents)
        assert is_refused is None or is_refused == bool(status), (name, status)
        assert bool(status) == (image.size == 0), name


def test_few_compressed_texts_and_scans_are_read_and_many_refused(read):
    text, pixel = (b"zTXt", b"k\0\0" + zlib.compress(b"hello")), zlib.compress(bytes(4))
    for count, expected in ((decoding.MAX_TEXTS, ""), (decoding.MAX_TEXTS + 1, decoding.TOO_MANY_TEXTS)):
        for place in ("before", "after"):
            assert read(png(1, 1, data=pixel, **{place: [text] * count}))[1] == expected
    halves = [(b"zTXt", text[1]), (b"iTXt", b"k\0\0\0\0\0hello")] * (decoding.MAX_TEXTS // 2)
    assert read(png(1, 1, data=pixel, before=halves))[1] == ""
    assert read(png(1, 1, data=pixel, before=[*halves, text]))[1] == decoding.TOO_MANY_TEXTS
    jpeg = encode(picture(8, 8), "JPEG")
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    assert jpeg.count(b"\xff\xda") == 1
    assert read(jpeg[:-2] + scan * (decoding.MAX_SCANS - 1) + jpeg[-2:])[1] != decoding.TOO_MANY_SCANS
    assert read(jpeg[:-2] + scan * decoding.MAX_SCANS + jpeg[-2:])[1] == decoding.TOO_MANY_SCANS


def test_depth_is_held_to_the_same_texts():
    text = (b"zTXt", b"k\0\0" + zlib.compress(b"hello"))
    for count, expected in ((decoding.MAX_TEXTS, ""), (decoding.MAX_TEXTS + 1, decoding.TOO_MANY_TEXTS)):
        contents = png(1, 1, depth=16, colour=0, data=zlib.compress(bytes(3)), before=[text] * count)
        assert decoding.read_depth(tf.constant(contents), LIMIT)[1].numpy().decode() == expected
