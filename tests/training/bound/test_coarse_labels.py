"""Label maps brought down and up: cells by hand, OpenCV's interpolation, and a number of the paper."""

import cv2
import numpy as np
import pytest

from fcn_keras.datasets.folder import Folder
from fcn_keras.datasets.synthetic import Synthetic
from training.bound.coarse_labels import bound, down_and_up, mean_iu


def slowly(label, factor):
    """The same by OpenCV: most frequent labels cell by cell, `resize` of their maps, cut to size."""
    height, width = label.shape
    rows, columns = -(-height // factor), -(-width // factor)
    coarse = np.empty((rows, columns), np.uint8)
    for y, x in np.ndindex(rows, columns):
        cell = label[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
        coarse[y, x] = np.bincount(cell.ravel()).argmax()
    maps = [
        cv2.resize((coarse == id).astype("float32"), (columns * factor, rows * factor), interpolation=cv2.INTER_LINEAR)
        for id in range(256)
    ]
    return np.argmax(maps, axis=0)[:height, :width].astype(np.uint8)


@pytest.mark.parametrize(("size", "factor"), [((37, 50), 8), ((64, 32), 16), ((1, 1), 4), ((5, 23), 32), ((33, 47), 4)])
def test_cells_and_interpolation_are_opencvs(size, factor):
    generator = np.random.default_rng(0)
    label = generator.choice([0, 3, 7, 20, 255], (-(-size[0] // 5), -(-size[1] // 5)))
    label = label.repeat(5, 0).repeat(5, 1)[: size[0], : size[1]].astype(np.uint8)
    np.testing.assert_array_equal(down_and_up(label, factor), slowly(label, factor))


def test_the_most_frequent_label_of_a_cell_wins():
    label = np.array([[5, 5, 2, 9], [5, 2, 9, 2]], np.uint8)  # 5 has three of four; 2 and 9 two each
    assert down_and_up(label, 2).tolist() == [[5, 5, 2, 2]] * 2


def test_a_factor_of_one_changes_nothing():
    label = np.random.default_rng(0).integers(0, 256, (13, 9), np.uint8)
    np.testing.assert_array_equal(down_and_up(label, 1), label)


class Labels(list):
    """Label maps as a data set of three classes."""

    num_classes = 3

    def __getitem__(self, index):
        return {"label": np.array(super().__getitem__(index), np.uint8)}


def test_void_that_wins_is_a_miss():
    # The left cell is mostly void and the right one class 1: of 0, the two pixels are lost; 2 is nowhere.
    left, right = [[255, 255, 255, 255]] * 3 + [[0, 0, 255, 255]], [[1, 1, 1, 1]] * 3 + [[1, 1, 1, 0]]
    matrix = bound(Labels([left, right]), [4])[""][4]
    assert matrix.tolist() == [[0, 1, 0, 2], [0, 15, 0, 0], [0, 0, 0, 0]]
    mean, ius = mean_iu(matrix)
    np.testing.assert_allclose(ius, [0, 15 / 16, np.nan])
    assert mean == pytest.approx(15 / 32)


def test_heads_are_counted_apart():
    matrices = bound(Synthetic(2, seed=1, height=33, width=40, heads=True), [8])
    assert {head: matrix[8].shape for head, matrix in matrices.items()} == {"sem": (8, 9), "geo": (3, 4)}


def test_what_cannot_be_counted():
    with pytest.raises(ValueError, match=r"may hold 0..2 or 255 \(void\). Received: \[3\] in example 0"):
        bound(Labels([[[3]]]), [4])
    with pytest.raises(ValueError, match="holds no image"):
        bound(Labels([]), [4])


def test_the_papers_number_on_the_subset_of_voc(shared):
    root = shared / "data" / "voc" / "VOCdevkit" / "VOC2012"
    ids = (root / "ImageSets" / "Segmentation" / "train.txt").read_text().split()
    examples = Folder(root, classes=21, ids=ids, images="JPEGImages", labels="SegmentationClass")
    mean, _ = mean_iu(bound(examples, [16])[""][16])
    assert 100 * mean == pytest.approx(92.8, abs=1)  # 300 of the paper's 1111 images: 0.6 is one standard error
