"""Labels as PNG files."""

import numpy as np
from PIL import Image

from fcn_keras.visualize import overlay
from training.predict import png_files
from training.predict.marks import is_result
from training.predict.png_files import write_ids, write_overlay, write_palette
from training.predict.results import Classes, Result


def test_ids_take_two_bytes_above_256_classes(tmp_path):
    labels = np.array([[0, 299], [256, 1]])
    for dtype, path in ((np.uint16, tmp_path / "wide.png"), (np.uint8, tmp_path / "plain.png")):
        given = labels.astype(dtype)
        write_ids(path, Result(None, None, given, None))
        assert is_result(path)
        with Image.open(path) as stored:
            assert stored.mode == ("L" if dtype == np.uint8 else "I;16")
            np.testing.assert_array_equal(np.array(stored), given)
    write_palette(path, Result(None, None, labels.astype(np.uint8), None))
    with Image.open(path) as stored:
        assert stored.mode == "P"


def test_overlays_are_painted_in_bands(tmp_path, monkeypatch):
    labels = np.arange(45)[:, None] // 15 % 3 * np.ones((1, 20), np.uint8)
    image = np.full((45, 20, 3), 90, np.uint8)
    painted = overlay(image, labels.astype(np.uint8))
    monkeypatch.setattr(png_files, "BAND", 16)
    write_overlay(tmp_path / "a.jpg", Result(None, image, labels.astype(np.uint8), Classes.named(None, 3)))
    with Image.open(tmp_path / "a.jpg") as stored:
        assert np.abs(np.array(stored).astype(int) - painted).max() < 12  # JPEG
