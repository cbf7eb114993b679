"""A label says what it was made from; readers of images see the same pixels, and damage is no record."""

import io
import random

import cv2
import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.images import read_image
from serving.batch.label_record import LabelRecord, read_record, with_record

RECORD = LabelRecord(
    image="/x/é \u4e2d.jpg",
    bytes=10,
    sha256="ab" * 32,
    stamp=[10, 1790000000.123456, 1790000000123456789, 1790000000123456790, 7],
    model="f1",
    status="labelled, scaled 4000x3000 -> 480x360",
    height=2,
    width=3,
    pixels={"0": 4, "20": 2},
)


def encoded(array, **options):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG", **options)
    return file.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_pixels_stay_and_the_record_comes_back(tmp_path, dtype):
    label = np.array([[0, 0, 20], [0, 0, 20]], dtype)
    plain = encoded(label)
    png = with_record(plain, RECORD)
    assert read_record(png) == RECORD
    assert read_record(plain) is None
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), label)
    (tmp_path / "a.png").write_bytes(png)
    assert np.array_equal(cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED), label)
    with Image.open(tmp_path / "a.png") as image:
        image.verify()
        assert image.mode == Image.open(io.BytesIO(plain)).mode
    if dtype == np.uint8:
        assert np.array_equal(read_image(tmp_path / "a.png")[..., 0], label)
    assert png.replace(png[33 : 33 + len(png) - len(plain)], b"") == plain


def test_tensorflow_reads_it():
    import tensorflow as tf

    label = np.array([[0, 0, 20], [0, 0, 20]], np.uint8)
    png = with_record(tf.io.encode_png(label[..., None]).numpy(), RECORD)
    assert np.array_equal(tf.io.decode_png(png)[..., 0], label)


def test_every_flip_and_every_cut_is_no_record():
    png = with_record(encoded(np.arange(6, dtype=np.uint8).reshape(2, 3)), RECORD)
    flipped = [png[:i] + bytes([png[i] ^ 1 << bit]) + png[i + 1 :] for i in range(len(png)) for bit in range(8)]
    assert [data for data in flipped if read_record(data) is not None] == []
    assert [end for end in range(len(png)) if read_record(png[:end]) is not None] == []
    assert read_record(png + b"\0") is None
    generator = random.Random(0)
    for _ in range(300):
        start, length = generator.randrange(len(png)), generator.randrange(1, 60)
        zeroed = png[:start] + bytes(len(png[start : start + length])) + png[start + length :]
        assert zeroed == png or read_record(zeroed) is None


@pytest.mark.parametrize("text", [b"{", b"[]", b"{}", b'{"image": "a"}', b"\xff", b"null"])
def test_records_of_another_version(text, monkeypatch):
    from serving.batch import label_record

    plain = encoded(np.zeros((1, 1), np.uint8))
    chunk = label_record._chunk(b"tEXt", label_record.KEYWORD + text)
    assert read_record(plain[:33] + chunk + plain[33:]) is None
