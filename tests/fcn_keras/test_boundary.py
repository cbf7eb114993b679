"""Trimaps and boundary F1 against loops over pairs of pixels, and against cases worked by hand."""

import math

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.boundary import boundaries, boundary_f1, trimap_matrices

VOID = 255


def drawn(seed, classes, size, void=0.1):
    """A truth of blocks and a noisy guess at it."""
    generator = np.random.default_rng(seed)
    height, width = size
    coarse = generator.integers(0, classes, (height // 3 + 1, width // 3 + 1))
    truth = coarse.repeat(3, axis=0).repeat(3, axis=1)[:height, :width]
    noise = generator.integers(0, classes, size)
    labels = np.where(generator.random(size) < 0.15, noise, np.roll(truth, 1, axis=1))
    return np.where(generator.random(size) < void, VOID, truth).astype(np.uint8), labels.astype(np.uint8)


def boundary_pixels(labels):
    """Every pixel with a neighbour of another label, one pixel at a time."""
    height, width = labels.shape
    found = set()
    for y in range(height):
        for x in range(width):
            around = ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1))
            inside = [(b, a) for b, a in around if 0 <= b < height and 0 <= a < width]
            if any(labels[place] != labels[y, x] for place in inside):
                found.add((y, x))
    return found


def nearest(place, others):
    return min((math.dist(place, other) for other in others), default=math.inf)


def trimap_by_hand(truth, labels, classes, width):
    matrix = np.zeros((classes, classes), int)
    edge = boundary_pixels(truth)
    for place, true in np.ndenumerate(truth):
        if true != VOID and nearest(place, edge) < width:
            matrix[true, labels[place]] += 1
    return matrix


def f1_by_hand(truth, labels, classes, tolerance):
    labels = np.where(truth == VOID, VOID, labels)
    radius = tolerance * math.hypot(*truth.shape)
    found = []
    for wanted in range(classes):
        true, said = ([p for p in boundary_pixels(x) if x[p] == wanted] for x in (truth, labels))
        if not true and not said:
            found.append(math.nan)
            continue
        right = sum(nearest(p, true) < radius for p in said)
        recalled = sum(nearest(p, said) < radius for p in true)
        if not right or not recalled:
            found.append(0.0)
            continue
        precision, recall = right / len(said), recalled / len(true)
        found.append(2 / (1 / precision + 1 / recall))
    return found


SIZES = [(1, 1), (1, 9), (8, 1), (7, 13), (15, 11)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("classes", [1, 3, 9])
def test_trimaps_are_those_of_a_loop(size, classes):
    truth, labels = drawn(1, classes, size)
    widths = (0.5, 1, 1.5, 2, 3, 7, 40)
    matrices = trimap_matrices(truth, labels, classes, widths=widths)
    assert matrices.dtype == np.int64
    for width, matrix in zip(widths, matrices, strict=True):
        np.testing.assert_array_equal(matrix, trimap_by_hand(truth, labels, classes, width))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("classes", [1, 3, 9, 70])  # 70 takes more bits than a word has
@pytest.mark.parametrize("tolerance", [0.0075, 0.1, 0.31, 1])
def test_boundary_f1_is_that_of_a_loop(size, classes, tolerance):
    truth, labels = drawn(2, classes, size)
    f1 = boundary_f1(truth, labels, classes, tolerance=tolerance)
    np.testing.assert_allclose(f1, f1_by_hand(truth, labels, classes, tolerance), rtol=1e-12)


@pytest.mark.parametrize("count", [8, 16, 32, 33, 64, 65, 128])
def test_classes_that_fill_a_word_of_bits(count):
    """Stripes of the last classes, one of them moved by a pixel."""
    ids = np.array([count - 1, count - 2, count - 1, 0]).repeat(4)
    truth = np.tile(ids, (3, 1))
    labels, tolerance = np.roll(truth, 1, axis=1), 1.1 / math.hypot(*truth.shape)
    f1 = boundary_f1(truth, labels, count, tolerance=tolerance)
    np.testing.assert_allclose(f1, f1_by_hand(truth, labels, count, tolerance))
    assert sorted(np.flatnonzero(~np.isnan(f1))) == [0, count - 2, count - 1]


def test_bands_beside_a_straight_boundary():
    """Two halves of eight columns: a band of w holds w columns on either side; the labels are one column late."""
    truth = np.repeat([[0] * 8 + [1] * 8], 5, axis=0)
    labels = np.roll(truth, 1, axis=1)
    labels[:, 0] = 0
    found = fcn.BoundaryScores(2, widths=(1, 2, 8))
    found.update(truth, labels)
    trimap = found.result()["trimap"]
    assert [trimap[width]["pixels"] for width in (1, 2, 8)] == [10, 20, 80]
    assert [trimap[width]["pixel_accuracy"] for width in (1, 2, 8)] == [0.5, 0.75, 75 / 80]
    assert trimap[2]["mean_iu"] == pytest.approx((10 / 15 + 5 / 10) / 2)
    assert boundaries(truth).sum() == 10


def test_f1_of_a_moved_boundary():
    """Boundary columns 7 | 8 against 9 | 10: 0's and 1's are two pixels off, so 2.1 pixels reach them and 2 do not."""
    truth = np.repeat([[0] * 8 + [1] * 8], 5, axis=0)
    labels = np.repeat([[0] * 10 + [1] * 6], 5, axis=0)
    diagonal = math.hypot(5, 16)
    assert boundary_f1(truth, labels, 3, tolerance=2.1 / diagonal).tolist()[:2] == [1, 1]
    assert boundary_f1(truth, labels, 3, tolerance=1.99 / diagonal).tolist()[:2] == [0, 0]
    assert math.isnan(boundary_f1(truth, labels, 3)[2])


def test_precision_and_recall_differ():
    """Truth has one speck, labels have it and another: recall 1, precision 1/2, F1 2/3."""
    truth, labels = np.zeros((2, 9, 30), np.uint8)
    truth[4, 5] = labels[4, 5] = labels[4, 25] = 1
    assert boundary_f1(truth, labels, 2)[1] == pytest.approx(2 / 3)


def test_means_over_images_and_classes():
    """Class 1 is found in one of two images, 0 lies beside it; 2 is said in one and never there; 3 is nowhere."""
    truth, right, wrong = np.zeros((3, 4, 4), np.uint8)
    truth[:, 2:] = right[:, 2:] = 1
    wrong[:, 2:] = 2
    found = fcn.BoundaryScores(4)
    found.update(truth, right)
    found.update(truth, wrong)
    result = found.result()
    np.testing.assert_array_equal(result["per_class_boundary_f1"], [1, 0.5, 0, np.nan])
    assert result["boundary_f1"] == pytest.approx(0.5)
    assert found.f1_images.tolist() == [2, 2, 1, 0]


def test_boundaries_of_void_count_and_void_does_not():
    """A rim of void, as in PASCAL VOC: its neighbours are the trimap, and labels inside it are free."""
    truth = np.array([[0, 0, 0, VOID, VOID, 1, 1, 1]])
    labels = np.array([[0, 0, 1, 1, 1, 1, 1, 1]])
    found = fcn.BoundaryScores(2, widths=(1, 2), tolerance=0.01)
    found.update(truth, labels)
    np.testing.assert_array_equal(found.matrices, [[[0, 1], [0, 1]], [[1, 1], [0, 2]]])
    # 1 ends where the rim does, and begins again before it: one of its three boundary pixels is right.
    np.testing.assert_allclose(found.result()["per_class_boundary_f1"], [0, 2 / (2 / 1 + 1)])
    labels[0, 3:5] = 0
    again = fcn.BoundaryScores(2, widths=(1, 2), tolerance=0.01)
    again.update(truth, labels)
    np.testing.assert_array_equal(again.matrices, found.matrices)
    assert again.result()["boundary_f1"] == found.result()["boundary_f1"]


@pytest.mark.parametrize("truth", [np.full((4, 5), VOID), np.full((1, 1), VOID)])
def test_nothing_but_void(truth):
    found = fcn.BoundaryScores(2)
    found.update(truth, np.zeros_like(truth))
    result = found.result()
    assert found.matrices.sum() == 0
    assert math.isnan(result["boundary_f1"])
    assert np.isnan(result["per_class_boundary_f1"]).all()
    assert {values["pixels"] for values in result["trimap"].values()} == {0}
    assert all(math.isnan(values["mean_iu"]) for values in result["trimap"].values())


@pytest.mark.parametrize("size", [(1, 1), (6, 4)])
def test_one_class_has_no_boundary(size):
    found = fcn.BoundaryScores(2)
    found.update(np.ones(size, np.uint8), np.ones(size, np.uint8))
    assert found.matrices.sum() == 0
    assert found.f1_images.tolist() == [0, 0]


def test_the_split_is_one_sum_however_it_is_divided():
    pairs = [drawn(seed, 4, (12, 17)) for seed in range(5)]
    truth, labels = (np.stack(part) for part in zip(*pairs, strict=True))
    whole, single, parts = fcn.BoundaryScores(4), fcn.BoundaryScores(4), fcn.BoundaryScores(4)
    whole.update(truth, labels)
    for one, other in pairs:
        single.update(one, other)
    parts.update(truth[:2], labels[:2])
    parts.update(truth[2:], labels[2:])
    for other in (single, parts):
        np.testing.assert_array_equal(other.matrices, whole.matrices)
        np.testing.assert_array_equal(other.f1_sums, whole.f1_sums)
        np.testing.assert_array_equal(other.f1_images, whole.f1_images)
    # Of images far apart in size, the split's IU is not the mean of the images'.
    ius = [fcn.scores(trimap_matrices(*pair, 4)[0])["mean_iu"] for pair in pairs]
    assert whole.result()["trimap"][1]["mean_iu"] != pytest.approx(np.mean(ius), abs=1e-3)


def test_the_widest_trimap_is_the_whole_image():
    truth, labels = drawn(3, 4, (9, 14))
    found = fcn.BoundaryScores(4, widths=(1, 100))
    found.update(truth, labels)
    metric = fcn.ConfusionMatrix(4)
    metric.update_state(truth[None], np.eye(4, dtype="float32")[labels][None])
    np.testing.assert_array_equal(found.matrices[-1], keras.ops.convert_to_numpy(metric.matrix))
    assert found.result()["trimap"][100]["fw_iu"] == pytest.approx(fcn.scores(found.matrices[-1])["fw_iu"])


def test_another_void_and_wider_integers():
    truth, labels = drawn(4, 3, (9, 9))
    for void, dtype in ((-1, np.int64), (7, np.uint8), (9, np.uint16)):
        other = np.where(truth == VOID, void, truth.astype(int)).astype(dtype)
        found = fcn.BoundaryScores(3, ignore_label=void)
        found.update(other, labels)
        np.testing.assert_array_equal(found.matrices, trimap_matrices(truth, labels, 3))


def test_what_is_refused():
    scores = fcn.BoundaryScores(2)
    here = np.zeros((2, 3), int)
    for truth, labels in ((here, here.T), (here[0], here[0]), (here[None, None], here[None, None])):
        with pytest.raises(ValueError, match=r"`truth` and `labels` must be \(H, W\), or batches"):
            scores.update(truth, labels)
    with pytest.raises(ValueError, match=r"`labels` must be integers\. Received: float64. Take the argmax"):
        scores.update(here, here.astype(float))
    with pytest.raises(ValueError, match=r"`label` may hold 0..1 or 255 \(void\). Received: 2."):
        scores.update(here + 2, here)
    with pytest.raises(ValueError, match=r"`labels` may hold 0..1 where the truth is a class.*Received: \[-1, 255\]"):
        scores.update(here, np.array([[0, -1, 255], [0, 0, 1]]))
    assert scores.matrices.sum() == 0
    for widths in ((), (0, 1), (2, 1), (1, 1)):
        with pytest.raises(ValueError, match="`widths` are positive and rise"):
            fcn.BoundaryScores(2, widths=widths)
    for tolerance in (0, -1, 1.5, math.nan):
        with pytest.raises(ValueError, match="`tolerance` is a share of the diagonal"):
            fcn.BoundaryScores(2, tolerance=tolerance)
    for count in (0, True, 2.0):
        with pytest.raises(ValueError, match="`num_classes` is a positive int"):
            fcn.BoundaryScores(count)
