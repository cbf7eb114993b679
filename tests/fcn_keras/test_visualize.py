from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_keras import visualize
from fcn_keras.visualize import background_of, colorize, error_map, overlay, palette

VOC = Path(__file__).resolve().parents[3] / "shared/data/voc/VOCdevkit/VOC2012/SegmentationClass"


def test_palette_by_hand():
    colors = palette()
    assert colors.shape == (256, 3)
    assert colors.dtype == np.uint8
    expected = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0), 8: (64, 0, 0), 15: (192, 128, 128)}
    expected[255] = visualize.VOID_COLOR
    for label, color in expected.items():
        assert tuple(colors[label]) == color
    assert len(np.unique(colors, axis=0)) == 256
    np.testing.assert_array_equal(palette(21), colors[:21])


@pytest.mark.skipif(not VOC.is_dir(), reason="needs ../shared/data")
def test_palette_is_the_one_in_vocs_files():
    file = Image.open(min(VOC.glob("*.png")))
    stored = np.array(file.getpalette(), np.uint8).reshape(-1, 3)
    np.testing.assert_array_equal(palette(len(stored)), stored)
    np.testing.assert_array_equal(colorize(np.asarray(file)), np.asarray(file.convert("RGB")))


def test_colorize():
    painted = colorize(np.uint8([[0, 1, 255]]))
    np.testing.assert_array_equal(painted, [[(0, 0, 0), (128, 0, 0), (224, 224, 192)]])
    assert painted.dtype == np.uint8
    colors = [(1, 2, 3), (4, 5, 6)]
    np.testing.assert_array_equal(colorize(np.array([[1, 0, 255]]), colors), [[(4, 5, 6), (1, 2, 3), (224, 224, 192)]])
    np.testing.assert_array_equal(colorize(np.array([[-1]]), colors, ignore_label=-1), [[(224, 224, 192)]])
    assert colorize(np.zeros((1, 1), np.int64)).shape == (1, 1, 3)


def test_overlay_by_hand():
    image = np.uint8([[[10, 20, 30]] * 4])
    labels = np.uint8([[0, 1, 2, 255]])
    # (10 + 128) / 2 = 69; background and void keep the photograph
    np.testing.assert_array_equal(overlay(image, labels), [[[10, 20, 30], [69, 10, 15], [5, 74, 15], [10, 20, 30]]])
    np.testing.assert_array_equal(overlay(image, labels, background=None)[0, 0], [5, 10, 15])
    np.testing.assert_array_equal(overlay(image, labels, background=2)[0, [0, 2]], [[5, 10, 15], [10, 20, 30]])
    np.testing.assert_array_equal(overlay(image, labels, alpha=0), image)
    np.testing.assert_array_equal(overlay(image, labels, alpha=1)[0, 1], [128, 0, 0])
    np.testing.assert_array_equal(overlay(image.astype(np.float32), labels), overlay(image, labels))
    assert overlay(image, labels).dtype == np.uint8


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: palette(257), "`num_classes` must be 1..256.* Received: 257"),
        (lambda: palette(0), "`num_classes` must be 1..256"),
        (lambda: colorize(np.zeros((2, 2))), "`labels` must be integers. Received: float64. Take the argmax"),
        (lambda: colorize(np.array([[2, 7]]), palette(2)), r"may hold 0..1, .* or 255 \(void\). Received: \[2, 7\]"),
        (lambda: colorize(np.array([[-1]])), r"Received: \[-1\]"),
        (lambda: overlay(np.zeros((2, 2, 3)), np.zeros((2, 3), int)), r"shapes \(2, 2, 3\) and \(2, 3\)"),
        (lambda: overlay(np.zeros((2, 2)), np.zeros((2, 2), int)), r"shapes \(2, 2\) and \(2, 2\)"),
        (lambda: overlay(np.zeros((1, 1, 3)), np.zeros((1, 1), int), alpha=2), "`alpha` must be 0..1. Received: 2"),
        (
            lambda: error_map(np.zeros((2, 2, 3)), np.zeros((2, 2), int), np.zeros((2, 3), int)),
            r"shapes \(2, 2, 3\), \(2, 2\) and \(2, 3\)",
        ),
        (lambda: error_map(np.zeros((2, 2)), np.eye(2), np.eye(2)), r"must be \(H, W, 3\), .* shapes \(2, 2\)"),
    ],
)
def test_messages(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_overlay_of_many_rows_is_that_of_each():
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, (1030, 3, 3), np.uint8)
    labels = generator.integers(0, 21, (1030, 3), np.uint8)
    whole = overlay(image, labels)
    for row in range(0, 1030, 103):
        np.testing.assert_array_equal(whole[row : row + 1], overlay(image[row : row + 1], labels[row : row + 1]))


def test_errors_are_red_on_grey_and_void_is_hatched():
    # Luma 0.299 * 100 + 0.587 * 200 + 0.114 * 50 = 153; shown 64 + 0.7 * 153 = 171.1; a quarter of it in a wrong pixel.
    image = np.full((1, 6, 3), (100, 200, 50), np.uint8)
    shown = error_map(image, np.array([[3, 3, 255, 255, 255, 255]]), np.array([[3, 1, 0, 3, 0, 1]]))
    right, wrong = [171] * 3, [203, 64, 73]
    dark, bare = [112, 112, 96], [224, 224, 192]
    # Stripes are two pixels wide: the columns 0, 1, 4, 5 are dark.
    np.testing.assert_array_equal(shown, [[right, wrong, bare, bare, dark, dark]])
    assert shown.dtype == np.uint8
    own = error_map(image[:, :3], np.array([[3, 9, 9]]), np.array([[3, 1, 9]]), ignore_label=9)
    np.testing.assert_array_equal(own, [[right, dark, bare]])
    assert error_map(np.zeros((1, 1, 3)), np.zeros((1, 1), int), np.zeros((1, 1), int)).tolist() == [[[64] * 3]]


def test_the_error_map_of_many_rows_is_that_of_each():
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, (1030, 3, 3), np.uint8)
    truth, labels = generator.choice(np.uint8([0, 1, 255]), (2, 1030, 3))
    whole = error_map(image, truth, labels)
    for row in range(0, 1030, 4):  # the hatching repeats after four rows
        one = error_map(image[row : row + 1], truth[row : row + 1], labels[row : row + 1])
        np.testing.assert_array_equal(whole[row : row + 1], one)


def test_the_class_that_is_left_over_is_not_painted():
    assert background_of(["background", "cat"]) == 0
    assert background_of(["sky", "background"]) is None
