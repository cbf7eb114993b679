"""Which models or folders can be compared."""

import numpy as np
import pytest

from fcn_keras.datasets.synthetic import Synthetic
from training.compare.compared import SameImages, _require_one_split
from training.scoring.images import LabelledImage


def image(truth):
    truth = np.array(truth)
    return LabelledImage(0, "image a", {}, {"": truth}, {"": truth}, {})


def pairs(*images):
    return SameImages(images=images, total=len(images[0]), origin={}, counts={}, class_names={}, colors={})


def test_images_come_in_pairs():
    a, b = [image([[1]]), image([[2]])], [image([[1]]), image([[2]])]
    assert list(pairs(a, b)) == [(a[0], b[0]), (a[1], b[1])]


def test_a_truth_that_differs():
    with pytest.raises(ValueError, match=r"The true labels of image a differ between A and B\. Compare on one split"):
        list(pairs([image([[1]])], [image([[2]])]))
    with pytest.raises(ValueError, match=r"The true labels of image a differ between A and C\."):
        list(pairs([image([[1]])], [image([[1]])], [image([[2]])]))


def test_recipes_that_read_other_images(tmp_path):
    examples = [Synthetic(count, seed=1) for count in (2, 3)]
    origins = [{"data": None, "split": "val"}] * 2
    with pytest.raises(ValueError, match=r"A's recipe reads 2 images, B's 3, not the same ones\. Say --recipe for all"):
        _require_one_split([tmp_path] * 2, origins, examples, 1)
    origins = [{"data": None, "split": "val"}, {"data": None, "split": "train"}]
    with pytest.raises(ValueError, match=r"is scored on drawn scenes, val; .* is scored on drawn scenes, train\. Say"):
        _require_one_split([tmp_path] * 2, origins, examples, 1)
