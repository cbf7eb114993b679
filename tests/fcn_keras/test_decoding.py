"""Examples decoded by TensorFlow beside the same ones read by their data set."""

import zlib

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.data import batches
from fcn_keras.datasets import folder as folder_module
from fcn_keras.datasets.folder import Folder
from fcn_keras.decoding import naming_undecodable
from tests.fcn_keras.datasets.test_folder import turned, write


@pytest.fixture
def folder(tmp_path):
    generator = np.random.default_rng(0)
    smooth = generator.integers(0, 256, (6, 8, 3), np.uint8).repeat(9, 0).repeat(7, 1)[:53, :55]
    ids = generator.choice([0, 1, 2, 255], (53, 55)).astype(np.uint8)
    photographs = {
        "a": {},
        "b": {"subsampling": 0, "quality": 95},
        "c": {"subsampling": 1, "progressive": True},
        "d": {"exif": turned(3)},
        "e": {"mode": "L"},
        "f": {"mode": "CMYK"},
    }
    for name, options in photographs.items():
        write(tmp_path / f"images/{name}.jpg", smooth, **options)
        write(tmp_path / f"labels/{name}.png", ids, mode="P" if name == "b" else None)
    return tmp_path


def test_every_pixel_is_that_of_the_data_set(folder, monkeypatch):
    examples, read = Folder(folder, classes=3), []
    read_image = folder_module.read_image
    monkeypatch.setattr(folder_module, "read_image", lambda path: read.append(path.stem) or read_image(path))
    found = list(batches(examples))
    assert (read[0], sorted(read[1:]), len(found)) == (
        "a",
        ["c", "d", "e", "f"],
        6,
    )  # the first is looked at for its types
    for index, (images, labels) in enumerate(found):
        np.testing.assert_array_equal(images[0], examples[index]["image"])
        np.testing.assert_array_equal(labels[0], examples[index]["label"])


def test_a_folder_of_ones_own_is_asked(folder):
    class Inverted(Folder):
        def __getitem__(self, index):
            example = super().__getitem__(index)
            return {**example, "image": 255 - example["image"]}

    images, _ = next(iter(batches(Inverted(folder, classes=3))))
    np.testing.assert_array_equal(images[0], 255 - Folder(folder, classes=3)[0]["image"])


def test_training_goes_on_where_it_was(folder):
    def drawn(start):
        stream = batches(Folder(folder, classes=3), training=True, batch_size=2, start=start)
        return [images.numpy() for images, _ in stream.take(8 - start)]

    np.testing.assert_array_equal(drawn(3), drawn(0)[3:])


def test_the_reader_says_what_is_wrong_with_a_label(folder):
    write(folder / "labels/b.png", np.full((53, 55), 3, np.uint8))
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"may hold 0\.\.2 or 255 \(void\)\. Received: \[3\] in .*b\.png"
    ):
        list(batches(Folder(folder, classes=3)))
    write(folder / "labels/b.png", np.zeros((53, 54), np.uint8))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Image and mask must have one size"):
        list(batches(Folder(folder, classes=3)))


def test_of_a_file_with_damaged_tables_the_error_says_who_names_it(folder):
    data = bytearray((folder / "images/b.jpg").read_bytes())
    place = data.index(b"\xff\xc4")
    data[place + 5 : place + 21] = b"\xff" * 16
    (folder / "images/b.jpg").write_bytes(data)
    examples = Folder(folder, classes=3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="damaged_file_that_fcn-doctor_names"):
        list(batches(examples))
    with pytest.raises(ValueError, match=r"b\.jpg cannot be read as an image"):
        examples.verify()


def test_hha_images_beside_them_are_read_with_them(folder):
    hha = np.full((53, 55, 3), (7, 8, 9), np.uint8)
    for name in "abcdef":
        write(folder / f"hha/{name}.png", hha)
    inputs, labels = next(iter(batches(Folder(folder, classes=3, hha="hha"), modality="rgb_hha")))
    example = Folder(folder, classes=3)[0]
    for found, expected in ((inputs["rgb"], example["image"]), (inputs["hha"], hha), (labels, example["label"])):
        np.testing.assert_array_equal(found[0], expected)


def test_a_file_that_tensorflow_alone_refuses_is_named(folder):
    """Pillow reads a PNG without the checksum of its compressed bytes."""
    path = folder / "labels" / "c.png"
    write(folder / "images" / "c.jpg", np.zeros((53, 55, 3), np.uint8))
    ids = np.zeros((53, 56), np.uint8)  # each row behind its filter

    def chunk(name, data):
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    header = (55).to_bytes(4, "big") + (53).to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(ids.tobytes())[:-4]), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    examples = Folder(folder, classes=3)
    assert not examples[2]["label"].any()
    with (
        pytest.raises(ValueError, match=rf"The mask of c in {folder} is damaged\. Save or copy it again\."),
        naming_undecodable([examples]),
    ):
        list(batches(examples))
    with pytest.raises(ZeroDivisionError), naming_undecodable([examples]):
        raise ZeroDivisionError
