"""The bootstrap against SciPy's and against what is known of simulated data; who is right where; the sentence."""

import math
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from scipy import stats

import fcn_keras as fcn
from training.compare import bootstrap as module
from training.compare.bootstrap import Compared, bootstrap
from training.compare.figures import COLORS, LargestDifferences, differences, figure, painted
from training.compare.table import comparison, table, verdict
from training.compare.tally import OUTCOMES, Tally, metrics, outcomes

VOID = 255


def counted(truth, labels, classes):
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (truth[truth != VOID], labels[truth != VOID]), 1)
    return matrix


def tallied(images, classes, *, boundaries=False):
    """Tally `(truth, a, b)` of several images."""
    tally = Tally(classes, boundaries=boundaries)
    for number, (truth, *labels) in enumerate(images):
        tally.add(f"image {number}", truth, labels, [counted(truth, each, classes) for each in labels])
    return tally


def drawn(seed, classes, size, right=(0.6, 0.8)):
    """A truth with some void, and the labels of two models, each right on its share of the pixels."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, classes, size)
    labels = [np.where(generator.random(size) < share, truth, generator.integers(0, classes, size)) for share in right]
    truth[generator.random(size) < 0.1] = VOID
    return (truth, *labels)


def rows_of_accuracies(right, pixels):
    """Statistics of images of `pixels` pixels of one true class, of which `right` are right."""
    hits = np.array(right, float)
    rows = np.zeros((len(hits), 3, 2))
    rows[:, 0, 0] = hits
    rows[:, 1, 0] = pixels
    rows[:, 2] = np.stack([hits, pixels - hits], axis=1)
    return rows


@pytest.mark.parametrize("classes", [1, 3, 6])
def test_metrics_are_those_of_the_library(classes):
    images = [drawn(seed, classes, size) for seed, size in enumerate([(1, 1), (9, 14), (17, 6)])]
    tally = tallied(images, classes, boundaries=True)
    for which, rows in enumerate(tally.rows()):
        found = metrics(rows.sum(axis=0), tally.widths)
        matrix = sum(counted(truth, labels[which], classes) for truth, *labels in images)
        expected, bounds = fcn.scores(matrix), fcn.BoundaryScores(classes)
        for truth, *labels in images:
            bounds.update(truth, labels[which])
        for name in ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu", "per_class_iu"):
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)
        expected = bounds.result()
        for width, values in expected["trimap"].items():
            np.testing.assert_allclose(found[f"trimap_{width}_mean_iu"], values["mean_iu"], rtol=1e-12)
        np.testing.assert_allclose(found["boundary_f1"], expected["boundary_f1"], rtol=1e-12)


def test_metrics_of_nothing_are_nan():
    assert all(np.isnan(value).all() for value in metrics(np.zeros((3, 2))).values())


def test_the_interval_is_scipys():
    """Of images of one size, pixel accuracy is the mean of the images' own, which SciPy can resample."""
    generator = np.random.default_rng(1)
    a, b = generator.integers(40, 90, 60), generator.integers(45, 95, 60)
    found = bootstrap(rows_of_accuracies(a, 100), rows_of_accuracies(b, 100), times=20_000)["pixel_accuracy"]
    differences = (b - a) / 100
    assert (found.a, found.b) == (pytest.approx(a.mean() / 100), pytest.approx(b.mean() / 100))
    assert found.difference == pytest.approx(differences.mean())
    theirs = stats.bootstrap((differences,), np.mean, n_resamples=20_000, method="percentile", rng=3)
    spread = differences.std() / math.sqrt(60)
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=0.08 * spread)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=0.08 * spread)
    # p is near the two-sided one of a normal mean.
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(differences.mean()) / spread), abs=0.006)
    assert found.p == pytest.approx(2 * (theirs.bootstrap_distribution <= 0).mean(), abs=0.006)


def test_the_interval_covers_the_true_difference():
    """Splits of 40 images drawn from a known distribution: 95 % of the intervals hold the true difference.

    Of 300 splits, 285 are expected, with a standard deviation of 3.8; percentiles of 40 images are narrow by 1 to 2 %.
    """
    covered = told = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        hard = generator.beta(4, 4, 40)  # images are hard or easy for both
        a = generator.binomial(1000, 0.3 + 0.5 * hard)
        b = generator.binomial(1000, np.clip(0.35 + 0.5 * hard + generator.uniform(-0.1, 0.1, 40), 0, 1))
        found = bootstrap(rows_of_accuracies(a, 1000), rows_of_accuracies(b, 1000), times=400, seed=seed)
        covered += found["pixel_accuracy"].low <= 0.05 <= found["pixel_accuracy"].high
        told += found["pixel_accuracy"].p < 0.05
    assert 270 <= covered <= 296
    assert told > 290  # 0.05 is five standard errors: the pairing takes out how hard the images are


def test_p_is_even_where_there_is_no_difference():
    """Of models that are alike, one in twenty shows a difference at 5 %."""
    told = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        a, b = generator.binomial(1000, generator.beta(4, 4, (2, 40)))
        found = bootstrap(rows_of_accuracies(a, 1000), rows_of_accuracies(b, 1000), times=400, seed=seed)
        told += found["pixel_accuracy"].p < 0.05
    assert 4 <= told <= 30


def test_equal_models_differ_by_nothing():
    tally = tallied([(truth, a, a) for truth, a, _ in (drawn(seed, 3, (6, 7)) for seed in range(4))], 3)
    found = bootstrap(*tally.rows(), times=200)
    for value in [found["mean_iu"], found["fw_iu"], *found["per_class_iu"]]:
        assert (value.difference, value.low, value.high, value.p) == (0, 0, 0, 1)
    assert verdict(found["mean_iu"], tally.outcomes()) == "A and B give every pixel that counts the same class."


def test_a_large_difference_has_the_least_p_and_swaps_with_the_models():
    tally = tallied([drawn(seed, 3, (12, 12), (0.2, 0.95)) for seed in range(25)], 3)
    a, b = tally.rows()
    found, back = bootstrap(a, b, times=999)["mean_iu"], bootstrap(b, a, times=999)["mean_iu"]
    assert found.p == back.p == 2 / 1000
    assert (back.low, back.high, back.difference) == pytest.approx((-found.high, -found.low, -found.difference))


def test_draws_are_the_seeds_and_memory_is_bounded(monkeypatch):
    tally = tallied([drawn(seed, 3, (6, 7)) for seed in range(8)], 3)
    whole, done = bootstrap(*tally.rows(), times=250, seed=5), []
    assert bootstrap(*tally.rows(), times=250, seed=5) == whole
    assert bootstrap(*tally.rows(), times=250, seed=6) != whole
    monkeypatch.setattr(module, "_NUMBERS", 900)  # 100 draws of nine numbers a model
    found = bootstrap(*tally.rows(), times=250, seed=5, progress=lambda *now: done.append(now))
    assert done == [(100, 250), (200, 250), (250, 250)]
    assert found["mean_iu"].low == pytest.approx(whole["mean_iu"].low, abs=0.02)


def test_one_image_tells_no_chance():
    tally = tallied([(np.array([[0, 1]]), np.array([[0, 0]]), np.array([[0, 1]]))], 2)
    found = bootstrap(*tally.rows())["mean_iu"]
    assert found == Compared(0.25, 1.0, 0.75, None, None, None, 1)
    told = "B is 75.00 mean IU above A on this image; one image does not tell chance."
    assert verdict(found, tally.outcomes()) == told
    swapped = tallied([(np.array([[0, 1]]), np.array([[0, 0]]), np.array([[1, 1]]))], 2)
    told = "A and B have the same mean IU on this image; one image does not tell chance."
    assert verdict(bootstrap(*swapped.rows())["mean_iu"], swapped.outcomes()) == told


def test_images_of_void_alone_are_none():
    labelled, void = np.array([[0, 1]]), np.array([[VOID, VOID]])
    tally = tallied([(labelled, 0 * labelled, labelled), (void, 0 * void, 0 * void)], 2)
    assert bootstrap(*tally.rows(), times=100)["mean_iu"] == Compared(0.25, 1.0, 0.75, None, None, None, 1)


def test_classes_that_few_or_no_images_have():
    """Class 2 is in two of four images, so that some draws are without it; 3 in one, which tells no chance; 4 in none,
    but A says it; 5 is nowhere."""
    plain, rare, rarest = np.array([[[0, 1, 1, 0]], [[0, 2, 2, 0]], [[0, 2, 3, 0]]])
    images = [(plain, plain, plain), (plain, 4 - plain, plain), (rare, 0 * rare, rare), (rarest, 0 * rarest, rarest)]
    found = bootstrap(*tallied(images, 6).rows(), times=300)["per_class_iu"]
    assert found[2] == Compared(0.0, 1.0, 1.0, 1.0, 1.0, pytest.approx(2 / 283, rel=0.05), 2)
    assert found[3] == Compared(0.0, 1.0, 1.0, None, None, None, 1)
    assert found[4] == Compared(0.0, None, None, None, None, None, 0)
    assert found[5] == Compared(*[None] * 6, images=0)


def test_who_is_right_where():
    truth = np.array([[0, 0, 0, 0, 0, VOID]])
    a = np.array([[0, 0, 1, 1, 1, 0]])
    b = np.array([[0, 1, 0, 1, 2, 1]])
    found = outcomes(truth, a, b)
    names = ["both_right", "a_right", "b_right", "both_wrong_alike", "both_wrong_otherwise"]
    assert [OUTCOMES[place] for place in found[0, :5]] == names
    assert found[0, 5] == VOID
    tally = tallied([(truth, a, b)], 3)
    assert tally.outcomes().tolist() == [[1, 1, 1, 1, 1]]


def test_the_picture_of_where_they_differ():
    outcome = np.array([[OUTCOMES.index(name) for name in OUTCOMES] + [VOID]])
    image = np.full((1, 6, 3), 100, np.uint8)
    for ground, pixels in ((195, painted(outcome, image)), (255, painted(outcome))):
        expected = {name: COLORS.get(name, (ground,) * 3) for name in OUTCOMES}
        assert [tuple(map(int, pixel)) for pixel in pixels[0]] == [*expected.values(), (ground,) * 3]


def test_pictures_have_room_for_long_names():
    labels, names = np.arange(8)[None], [f"{number} and a long name" * 20 for number in range(8)]
    outcome = np.full((1, 8), OUTCOMES.index("a_right"))
    image, few = np.zeros((1, 8, 3), np.uint8), labels % 4
    drawn = figure(names[0], image, few, few, few, outcome, class_names=names[:4])
    tally = tallied([(labels, labels, labels)], 8)
    chart = differences(comparison(bootstrap(*tally.rows(), times=100), tally.outcomes(), tally.names, names))
    for each in (drawn, chart):
        canvas = FigureCanvasAgg(each)
        canvas.draw()
        for text in each.findobj(Text):
            if re.search("[a-z]", text.get_text()):
                box = text.get_window_extent()
                assert box.x0 > -1, text
                assert box.x1 < each.bbox.x1 + 1, text
    alone = figure("street", None, few, few, few, outcome, class_names=names[:4])
    assert [axis.get_title() for axis in alone.axes] == ["Truth of street", "A", "B", "Where they differ"]
    (axis,) = chart.axes
    assert axis.get_ylim() == (-0.6, 11.6)  # four metrics and eight classes


def test_the_images_that_differ_most_are_kept():
    most = LargestDifferences(2)
    for name, count in (("none", 0), ("one", 1), ("three", 3), ("also one", 1), ("two", 2)):
        outcome = np.full((1, 4), OUTCOMES.index("both_right"))
        outcome[0, :count] = OUTCOMES.index("a_right")
        most.add(name, None, outcome * 0, (outcome * 0, outcome * 0), outcome)
    assert [name for name, _ in most.figures(("sky",))] == ["three", "two"]


LARGE = np.full((30, 5), 100)


@pytest.mark.parametrize(
    ("value", "images", "told"),
    [
        ((0.5, 0.541, 0.041, 0.03, 0.052, 0.0002), 30, "B is better by 4.10 mean IU (95 % interval 3.00 to 5.20, p 0"),
        ((0.541, 0.5, -0.041, -0.052, -0.03, 0.0002), 30, "A is better by 4.10 mean IU (95 % interval 3.00 to 5.20,"),
        ((0.5, 0.503, 0.003, -0.005, 0.011, 0.48), 30, "B is 0.30 mean IU above A, which may be chance (95 % interv"),
        ((0.503, 0.5, -0.003, -0.011, 0.005, 0.48), 30, "A is 0.30 mean IU above B, which may be chance (95 % inter"),
        ((0.5, 0.5, 0.0, -0.01, 0.01, 1.0), 30, "A and B have the same mean IU (95 % interval -1.00 to 1.00, p 1."),
        ((0.5, 0.6, 0.1, 0.05, 0.2, 0.0002), 19, "p 0.0002). 19 images are few: the interval is too narrow."),
    ],
)
def test_the_sentence(value, images, told):
    assert told in verdict(Compared(*value, images), LARGE)


def test_the_table():
    truth = np.array([[0, 0, 1, 1]])
    right, wrong = truth, np.array([[0, 1, 1, 1]])
    tally = tallied([(truth, wrong, right), (truth, right, right)], 3)
    found = bootstrap(*tally.rows(), times=100)
    text = table(comparison(found, tally.outcomes(), tally.names, ("sky", "road", "ghost")))
    lines = text.splitlines()
    assert lines[0].split() == ["metric", "A", "B", "B", "-", "A", "95", "%", "interval", "p"]
    assert lines[1].split()[:5] == ["pixel", "accuracy", "87.50", "100.00", "+12.50"]
    assert next(line for line in lines if line.startswith("class")).split()[-1] == "images"
    assert next(line for line in lines if line.startswith("sky")).split()[-1] == "2"
    assert next(line for line in lines if line.startswith("ghost")).split() == ["ghost", *"-----0"]
    assert (
        "They differ on 12.50 % of the pixels that count: A is right on 0.00 %, B on 12.50 %, neither on 0.00 %."
        in lines
    )
    assert "They agree on the rest: 87.50 % right, 0.00 % wrong." in lines
    assert [line for line in lines if line.startswith("  image")] == [
        "  image 0: 25.00 %; A is right on 0.00 %, B on 25.00 %, neither on 0.00 %"
    ]


def test_classes_in_few_of_many_images_are_named():
    common, rare = np.array([[[0, 0, 1, 1]], [[0, 0, 2, 3]]])
    tally = tallied([(common, common, 0 * common)] * 19 + [(rare, rare, 0 * rare)] * 2 + [(common, common, common)], 4)
    names = ("sky", "road", "sign", "post")
    text = table(comparison(bootstrap(*tally.rows(), times=100), tally.outcomes(), tally.names, names))
    assert "\nIn fewer than 20 images, so that the interval is too narrow: sign, post.\n" in text
    few = tallied([(rare, rare, 0 * rare)] * 2, 4)  # the sentence at the end says so of all
    text = table(comparison(bootstrap(*few.rows(), times=100), few.outcomes(), few.names, names))
    assert "In fewer than 20" not in text
    assert "2 images are few" in text
