"""Labels as PNG files."""

import numpy as np
from PIL import Image

from fcn_keras.colors import DISTINCT, class_colors
from fcn_keras.visualize import VOID_COLOR, overlay
from training.predict import png_files
from training.predict.marks import is_result
from training.predict.png_files import write_ids, write_legend, write_overlay, write_palette
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
    write_palette(path, Result(None, None, labels.astype(np.uint8), Classes.named(("sky", "road"), 2)))
    with Image.open(path) as stored:
        assert stored.mode == "P"
        shown = np.array(stored.convert("RGB"))
    np.testing.assert_array_equal(shown, [[DISTINCT[0], VOID_COLOR], [DISTINCT[0], DISTINCT[1]]])


def test_overlays_are_painted_in_bands(tmp_path, monkeypatch):
    labels = np.arange(45)[:, None] // 15 % 3 * np.ones((1, 20), np.uint8)
    image = np.full((45, 20, 3), 90, np.uint8)
    painted = overlay(image, labels.astype(np.uint8), colors=class_colors(3))
    monkeypatch.setattr(png_files, "BAND", 16)
    write_overlay(tmp_path / "a.jpg", Result(None, image, labels.astype(np.uint8), Classes.named(None, 3)))
    with Image.open(tmp_path / "a.jpg") as stored:
        assert np.abs(np.array(stored).astype(int) - painted).max() < 12  # JPEG


def test_an_overlay_with_its_legend_shows_the_classes_that_it_holds(tmp_path):
    labels, image = np.repeat(np.uint8([[0, 2]]), [60, 60], axis=1).repeat(40, axis=0), np.full((40, 120, 3), 90)
    classes = Classes.named(("background", "sky", "road"), 3, [(0, 0, 0), (0, 0, 255), (255, 0, 0)])
    for legend, name in ((False, "plain.jpg"), (True, "explained.jpg")):
        write_overlay(tmp_path / name, Result(None, image, labels, classes, legend=legend))
    plain, explained = (np.array(Image.open(tmp_path / name)).astype(int) for name in ("plain.jpg", "explained.jpg"))
    assert plain.shape == image.shape
    assert explained.shape[1] == 120
    strip = explained[40:]
    assert len(strip) > 11
    assert (np.abs(strip - (255, 0, 0)).max(axis=-1) < 40).sum() > 60  # road's
    assert not (np.abs(strip - (0, 0, 255)).max(axis=-1) < 40).any()  # no sky is in the image
    assert np.abs(explained[:32] - plain[:32]).max() < 8  # the rest of JPEG's last blocks is the legend's


def test_the_legend_of_all_classes_is_ours(tmp_path):
    write_legend(tmp_path / "legend.png", Classes.named(("sky", "road"), 2))
    assert is_result(tmp_path / "legend.png")
    with Image.open(tmp_path / "legend.png") as stored:
        shown = {tuple(color) for color in np.array(stored).reshape(-1, 3).tolist()}
    assert {tuple(color) for color in DISTINCT[:2].tolist()} <= shown
    assert tuple(DISTINCT[2].tolist()) not in shown
