"""What the ids of masks mean: every planted fault is found."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.folder import Folder
from fcn_keras.datasets.synthetic import SEM
from fcn_keras.visualize import palette
from tests.training.faulty import (
    change,
    codes,
    found,
    luma_cut_off,
    masks,
    pixels,
    write,
)
from training.doctor.examination import examine


def test_rgb_masks_in_voc_colors(data):
    change(masks(data, "train"), lambda ids: palette()[ids])
    report = examine(data)
    assert codes(report) == {"mask-is-rgb"}
    finding = found(report, "mask-is-rgb")
    assert finding.count == 6
    assert "6 of 10 masks (train 6)" in finding.message
    assert "VOC's colours" in finding.message
    assert finding.files[0] == "train/labels/0.png"
    assert report.counted == {"train": 0, "val": 4}


def test_rgb_masks_in_other_colors(data):
    change(masks(data)[:1], lambda ids: np.stack([ids * 7, ids * 3, 200 - ids], axis=-1).astype(np.uint8))
    assert "the classes have none" in found(examine(data), "mask-is-rgb").message


def test_rgb_masks_of_equal_channels(data):
    change(masks(data)[:2], lambda ids: np.repeat(ids[..., None], 3, axis=2))
    assert "ids stored three times" in found(examine(data), "mask-is-rgb").message


def test_coloured_classes_make_coloured_masks_right(data):
    lines = [f"{name} {r} {g} {b}\n" for name, (r, g, b) in zip(SEM, palette(8).tolist(), strict=True)]
    (data / "classes.txt").write_text("".join([*lines, "void 255 255 255\n"]))
    colors = palette().copy()
    colors[255] = 255
    change(masks(data), lambda ids: colors[ids])
    assert examine(data).findings == ()
    change(masks(data)[:1], lambda rgb: cv2.resize(rgb, (84, 60), interpolation=cv2.INTER_NEAREST) ^ np.uint8(1))
    assert codes(examine(data)) == {"mask-colors-unknown"}


@pytest.mark.parametrize("known", [True, False])
def test_palette_luma(data, known):
    change(masks(data), luma_cut_off)
    if not known:
        (data / "classes.txt").unlink()
    report = examine(data)
    assert codes(report) == {"mask-is-luma"}
    assert found(report, "mask-is-luma").count == 10
    assert report.num_classes == 8


def test_binary_masks(data):
    change(masks(data), lambda ids: np.where(ids > 2, 255, 0).astype(np.uint8))
    for classes in (None, 2):
        (data / "classes.txt").unlink(missing_ok=True)
        report = examine(data, classes=classes)
        assert codes(report) == {"mask-is-0-255"}
        assert report.num_classes == 2


def test_binary_masks_with_void_are_right(data):
    change(masks(data), lambda ids: np.where(ids == 255, 255, ids > 2).astype(np.uint8))
    assert codes(examine(data, classes=2)) == set()


def test_some_binary_masks_of_another_tool(data):
    change(masks(data), lambda ids: (ids > 2).astype(np.uint8))
    change(masks(data)[:3], lambda ids: ids * np.uint8(255))
    report = examine(data, classes=2)
    assert codes(report) == {"mask-is-0-255"}
    assert found(report, "mask-is-0-255").count == 3


@pytest.mark.parametrize("known", [True, False])
def test_ids_off_by_one(data, known):
    change(masks(data), lambda ids: np.where(ids == 255, 255, ids + 1).astype(np.uint8))
    if not known:
        (data / "classes.txt").unlink()
    report = examine(data)
    assert codes(report) == {"ids-off-by-one"}
    assert found(report, "ids-off-by-one").count == 10


def test_ids_out_of_range(data):
    change(masks(data)[2:4], lambda ids: np.where(ids == 1, 77, ids).astype(np.uint8))
    report = examine(data)
    assert codes(report) == {"ids-out-of-range"}
    finding = found(report, "ids-out-of-range")
    assert (finding.count, finding.files) == (2, ("train/labels/2.png", "train/labels/3.png"))
    assert "hold 77, and 8 classes" in finding.message


def test_own_void_id(data):
    change(masks(data), lambda ids: np.where(ids == 255, 8, ids).astype(np.uint8))
    assert "--ignore-label 8" in found(examine(data), "ids-out-of-range").advice
    assert examine(data, ignore_label=8).findings == ()


def test_ids_of_16_bits_out_of_range(data):
    change(masks(data)[:1], lambda ids: ids.astype(np.uint16) * 100)
    assert codes(examine(data)) == {"ids-out-of-range"}


@pytest.mark.parametrize("method", [cv2.INTER_LINEAR, cv2.INTER_CUBIC])
def test_smoothly_resized_masks(data, method):
    for path in masks(data, "train"):
        resized = cv2.resize(cv2.resize(pixels(path), (42, 30), interpolation=method), (84, 60), interpolation=method)
        write(path, resized)
    report = examine(data)
    assert "mask-resized-smoothly" in codes(report)
    assert found(report, "mask-resized-smoothly").count == 6


def test_masks_resized_with_nearest_neighbour_are_right(data):
    for path in [*masks(data), *data.glob("*/images/*")]:
        write(path, cv2.resize(pixels(path), (63, 45), interpolation=cv2.INTER_NEAREST))
    assert examine(data).findings == ()


def test_jpeg_masks(data):
    path = masks(data)[0]
    write(path.with_suffix(".jpg"), pixels(path), quality=90)
    path.unlink()
    assert "mask-is-jpeg" in codes(examine(data))


def test_number_of_classes_is_inferred_and_said(data):
    (data / "classes.txt").unlink()
    report = examine(data)
    assert report.num_classes == 8
    assert codes(report) == set()
    assert codes(report, "note") == {"classes-inferred"}
    assert "taken from the ids: 8" in found(report, "classes-inferred").message


def test_void_by_another_name_is_noted(data):
    lines = [f"{name} {r} {g} {b}\n" for name, (r, g, b) in zip(SEM, palette(8).tolist(), strict=True)]
    (data / "classes.txt").write_text("".join([*lines, "__Ignore__ 255 255 255\n"]))
    colors = palette().copy()
    colors[255] = 255
    change(masks(data), lambda ids: colors[ids])
    report = examine(data)
    assert report.num_classes == 8
    assert codes(report) == set()
    assert "__Ignore__ is read as void" in found(report, "void-named").message


def test_greys_that_are_the_classes_colors(data):
    lines = [f"{name} {9 * i + 40} {9 * i + 40} {9 * i + 40}\n" for i, name in enumerate(SEM)]
    (data / "classes.txt").write_text("".join([*lines, "void 0 0 0\n"]))
    truth = examine(data).class_frequencies
    change(masks(data), lambda ids: np.where(ids == 255, 0, 9 * ids + 40).astype(np.uint8))
    report = examine(data)
    assert codes(report) == set()
    assert found(report, "greys-are-colors").count == 10
    assert report.class_frequencies == truth
    for split in ("train", "val"):
        Folder(data, split).verify()


def test_grey_of_four_bits(data):
    before = examine(data, classes=16)
    for path in masks(data):
        ids = np.where(pixels(path) == 255, 15, pixels(path))
        packed = (ids[:, ::2] << 4 | ids[:, 1::2]).astype(np.uint8)  # the width is even
        rows = b"".join(b"\0" + row.tobytes() for row in packed)
        path.write_bytes(grey_of_four_bits(ids.shape[1], ids.shape[0], rows))
        assert np.array(Image.open(path)).max() == 255
    report = examine(data, classes=8, ignore_label=15)
    assert codes(report) == set()
    assert found(report, "mask-few-bits").count == 10
    assert report.class_frequencies["train"] == before.class_frequencies["train"][:8]


def grey_of_four_bits(width, height, rows):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 4, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("entries", "code"), [(9, "mask-void-cut-off"), (16, None)])
def test_palettes_that_cut_void_off(data, entries, code):
    for path in masks(data):
        ids = pixels(path)
        image = Image.frombytes("P", ids.shape[::-1], ids.tobytes())
        image.putpalette(palette()[:entries].tobytes())
        image.save(path)
    report = examine(data)
    if code:
        assert codes(report) == set()
        assert found(report, code).count > 5
        Folder(data, "train").verify()
    else:
        assert "cannot hold 255: it became the highest" in found(report, "ids-out-of-range").advice


@pytest.mark.parametrize(("twin", "told"), [("SKY", True), ("sky dome", False)])
def test_classes_that_differ_by_capitals_alone_are_noted(data, twin, told):
    names = ["sky", twin, *SEM[2:]]
    (data / "classes.txt").write_text("".join(f"{name}\n" for name in names))
    noted = [finding for finding in examine(data).findings if finding.code == "classes-named-alike"]
    assert [finding.message for finding in noted] == ["The classes sky, SKY differ by capitals alone."] * told


def test_one_stray_that_is_a_grey_of_vocs_colours_is_a_stray(data):
    """38 is the grey of VOC's class 1; a single such id may be anything, and is not taken for that class."""
    change(masks(data)[:1], lambda ids: np.where(ids == 1, 38, 0).astype(np.uint8))
    assert codes(examine(data)) == {"ids-out-of-range"}
