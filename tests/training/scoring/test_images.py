"""One pass over a split: what is labelled, counted and added up, and which data sets are refused."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from fcn_keras.boundary import BoundaryScores
from fcn_keras.datasets.folder import Folder
from fcn_keras.datasets.synthetic import Synthetic
from fcn_keras.inference import predict
from fcn_keras.models import FCN32s, LateFusion
from tests.training.small_run import TINY
from tests.training.tiny import randomize
from training.reading import Unreadable
from training.scoring.images import LabelledImage, label_images, mean_iu, require_scored, score_split


@pytest.fixture(scope="module")
def fine(nets, models_once):
    return models_once(nets["fine"])


def scored(model, examples, **options):
    return score_split(label_images(model, examples, **options))


def test_heads_are_counted_apart(nets, models_once):
    model = models_once(nets["heads"])
    examples = Synthetic(3, seed=5, height=33, width=40, heads=True)
    done = []
    matrices = scored(model, examples, progress=lambda *now: done.append(now)).matrices
    assert done == [(1, 3), (2, 3), (3, 3)]
    for head, count in (("sem", 8), ("geo", 3)):
        truth = np.concatenate([x["label"][head].ravel() for x in examples])
        predicted = np.concatenate([predict(model, x["image"])[head].ravel() for x in examples])
        expected = sklearn_metrics.confusion_matrix(truth[truth != 255], predicted[truth != 255], labels=range(count))
        assert matrices[head].dtype == np.int64
        np.testing.assert_array_equal(matrices[head], expected)


@pytest.mark.parametrize("modality", ["rgbd", "hha", "rgb_hha"])
def test_models_that_take_depth(modality):
    model = randomize(
        LateFusion(8, channels=TINY) if modality == "rgb_hha" else FCN32s(8, modality=modality, channels=TINY)
    )
    examples = Synthetic(2, seed=5, height=33, width=40)
    labelled = sum(int((example["label"] != 255).sum()) for example in examples)
    scores = scored(model, examples)
    assert scores.matrices[""].sum() == labelled
    assert [image.size for image in scores.images] == [(33, 40)] * 2


def test_class_counts_that_differ():
    model = FCN32s({"sem": 8, "geo": 4}, channels=TINY)
    with pytest.raises(ValueError, match="The model has 8 sem, 4 geo classes, the data set 8 sem, 3 geo"):
        scored(model, Synthetic(1, seed=0, heads=True))


def test_an_empty_data_set():
    with pytest.raises(ValueError, match="The data set holds no image"):
        scored(FCN32s(8, channels=TINY), Synthetic(0, seed=0))


def test_a_data_set_without_what_the_model_takes(four_classes):
    with pytest.raises(ValueError, match="modality='rgbd' needs 'image', 'depth', 'label' in every example"):
        scored(FCN32s(4, modality="rgbd", channels=TINY), Folder(four_classes, "val"))


def test_a_label_out_of_range():
    class Wrong(Synthetic):
        def __getitem__(self, index):
            return {**super().__getitem__(index), "label": np.full((self.height, self.width), -3)}

    with pytest.raises(ValueError, match=r"`label` may hold 0..7 or 255 .*Received: \[-3\] in image 4-000000"):
        scored(FCN32s(8, channels=TINY), Wrong(1, seed=4, height=32, width=32))


def test_some_images_alone_in_the_order_asked_for(fine, four_classes):
    examples = Folder(four_classes, "val")
    images = list(label_images(fine, examples, indices=[2, 0]))
    assert [image.index for image in images] == [2, 0]
    assert [image.name for image in images] == ["image 2", "image 0"]
    for image in images:
        np.testing.assert_array_equal(image.labels[""], predict(fine, examples[image.index]["image"]))


class Damaged(Folder):
    """A folder whose first image cannot be read."""

    def __getitem__(self, index):
        if index == 0:
            raise ValueError("the first is damaged")
        return super().__getitem__(index)


def test_images_that_cannot_be_read_are_left_out(fine, four_classes, capsys):
    examples = Damaged(four_classes, "val")
    with pytest.raises(ValueError, match="the first is damaged"):
        scored(fine, examples)
    unreadable = Unreadable("fcn-evaluate", "skip")
    scores = scored(fine, examples, unreadable=unreadable)
    assert [image.index for image in scores.images] == [1, 2]
    assert unreadable.skipped == ["the first is damaged"]
    require_scored(scores, unreadable)
    with pytest.raises(ValueError, match="None of 1 files can be read"):
        require_scored(scored(fine, examples, indices=[0], unreadable=Unreadable("x", "skip")), unreadable)


def image(index, truth, labels, classes=3):
    """Make a `LabelledImage` of one head."""
    truth, labels = np.array(truth, np.uint8), np.array(labels, np.uint8)
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (truth[truth != 255], labels[truth != 255]), 1)
    return LabelledImage(index, f"image {index}", {}, {"": truth}, {"": labels}, {"": matrix})


def test_what_a_pass_adds_up_to():
    images = [
        image(0, [[0, 0, 1], [0, 1, 1]], [[0, 0, 0], [0, 1, 2]]),
        image(1, [[255, 255]], [[0, 1]]),
        image(2, [[1], [1]], [[1], [1]]),
    ]
    scores = score_split(iter(images))
    assert scores.matrices[""].tolist() == [[3, 0, 0], [1, 3, 1], [0, 0, 0]]
    assert scores.matrices[""].dtype == np.int64
    assert scores.holding[""].tolist() == [1, 2, 0]
    assert scores.boundaries == {}
    assert [row.size for row in scores.images] == [(2, 3), (1, 2), (2, 1)]
    assert [row.mean_iu for row in scores.images] == [pytest.approx((3 / 4 + 1 / 3 + 0) / 3), None, 1.0]
    expected = BoundaryScores(3)
    for each in images:
        expected.update(each.truth[""], each.labels[""])
    np.testing.assert_array_equal(score_split(images, boundaries=True).boundaries[""].matrices, expected.matrices)


def test_a_split_of_void_alone():
    with pytest.raises(ValueError, match=r"Every pixel of the split is void \(255\)"):
        require_scored(score_split([image(0, [[255]], [[0]])]), Unreadable("x", "fail"))


def test_an_images_score():
    half = np.array([[1, 1], [0, 0]])  # IU 1/2 and 0/1
    assert mean_iu({"": half}) == 0.25
    assert mean_iu({"a": half, "b": np.eye(2, dtype=int)}) == 0.625
    assert mean_iu({"a": half, "b": np.zeros((2, 2), int)}) == 0.25  # all void in head b
    assert mean_iu({"": np.zeros((2, 2), int)}) is None
