"""The contact sheet."""

import numpy as np
from PIL import Image

from fcn_keras.color_scale import colors_of_scale
from fcn_keras.colors import class_colors
from tests.training.tiny import NAMES, picture
from training.predict.marks import is_result
from training.rank import sheet
from training.rank.sheet import WIDTH, Sheet


def test_a_row_a_photograph(tmp_path):
    made = Sheet(NAMES, class_colors(NAMES), None)
    made.add(
        "1  a.jpg\n\udcff",
        np.full((90, 120, 3), 255, np.uint8),
        np.zeros((90, 120), np.uint8),
        np.zeros((90, 120), np.uint8),
    )
    made.add("2  b.jpg", picture(1000, 20), np.ones((1000, 20), np.uint8), np.ones((1000, 20), np.uint8))
    made.write(tmp_path / "sheet.jpg")
    assert is_result(tmp_path / "sheet.jpg")
    with Image.open(tmp_path / "sheet.jpg") as file:
        pixels = np.asarray(file)
    assert pixels.shape[1] == 3 * WIDTH + 4 * 8
    middle = 23 + 23 + 135, [8 + column * (WIDTH + 8) + 180 for column in range(3)]
    expected = [(255, 255, 255), np.rint(0.4 * 255 + 0.6 * class_colors(NAMES)[0]), colors_of_scale()[0]]
    np.testing.assert_allclose(pixels[middle[0], middle[1]], expected, atol=6)
    assert 23 + 2 * 31 + 270 + 480 < len(pixels) < 23 + 2 * 31 + 270 + 480 + 100  # and the legend


def test_a_sheet_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "MOST", 1)
    made = Sheet(NAMES, class_colors(NAMES), 0)
    for _ in range(3):
        made.add("", picture(10, 10), np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8))
    made.write(tmp_path / "sheet.jpg")
    with Image.open(tmp_path / "sheet.jpg") as file:
        assert file.height < 450
