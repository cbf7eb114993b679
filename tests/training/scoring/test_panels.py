"""What is shown of one image, and of a confusion matrix while a net is trained."""

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from training.scoring.panels import TITLES, cells_of, panels, panels_in_a_row, pixels_of_figure, shortened, write_figure


def test_a_panel_for_every_title():
    image = np.full((2, 2, 3), 100, np.uint8)
    truth, labels = np.array([[0, 1], [1, 255]]), np.array([[0, 1], [0, 0]])
    shown = dict(zip(TITLES, panels(image, truth, labels, 0, [(0, 0, 0), (0, 0, 255)]), strict=True))
    np.testing.assert_array_equal(shown["photograph"], image)
    changed = {name: (pixels != image).any(axis=-1).tolist() for name, pixels in shown.items()}
    assert changed["truth"] == [[False, True], [True, False]]  # neither the background nor void is painted
    assert changed["prediction"] == [[False, True], [False, False]]
    red = shown["errors"].astype(int) @ [1, -1, 0] > 20
    assert red.tolist() == [[False, False], [True, False]]


def test_panels_in_a_row_have_the_legend_below():
    image, truth, colors = np.full((30, 40, 3), 100, np.uint8), np.zeros((30, 40), int), [(0, 0, 255), (255, 0, 0)]
    row = panels_in_a_row(image, truth, truth, ("sky", "road"), colors)
    assert row.shape[1] == 160
    np.testing.assert_array_equal(row[:30, :40], image)
    assert (row[:30, 40:120] == (50, 50, 178)).all()  # half of the image, half of the colour
    assert (row[30:] == colors[0]).all(axis=-1).any()
    assert not (row[30:] == colors[1]).all(axis=-1).any()


def test_figures_become_pixels_and_files(tmp_path):
    pixels = pixels_of_figure(Figure(figsize=(2, 1)), dpi=50)
    assert (pixels.shape, pixels.dtype) == ((50, 100, 3), np.uint8)
    write_figure(Figure(figsize=(2, 1)), tmp_path / "new" / "figure.png", dpi=50)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["figure.png"]
    with Image.open(tmp_path / "new" / "figure.png") as image:
        assert image.size == (100, 50)


def test_long_names_lose_their_middle():
    dots = "\N{HORIZONTAL ELLIPSIS}"
    names = [shortened(name, 7) for name in ("", "seven77", "eight888", "a long name")]
    assert names == ["", "seven77", f"eig{dots}888", f"a l{dots}ame"]
    assert shortened("abcdefgh", 4) == f"ab{dots}h"


def test_the_cells_of_a_matrix_are_darker_the_larger_the_share_of_their_row():
    cells = cells_of(np.array([[3, 1], [0, 0]]), side=2)
    # (255, 255, 255) to (8, 48, 107): three quarters and one quarter of the way; a class that is nowhere is white.
    whole = [[[70, 100, 144]] * 2 + [[193, 203, 218]] * 2] * 2 + [[[255, 255, 255]] * 4] * 2
    np.testing.assert_array_equal(cells, whole)
    assert cells.dtype == np.uint8
