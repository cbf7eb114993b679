"""More than two models: corrected for every look, and said in a sentence."""

import numpy as np
import pytest

from tests.training.compare.tallies import drawn, tallied
from training.compare.bootstrap import bootstrap
from training.compare.several import _correct, several, table

NAMES = ("sky", "road", "sign")


def of(images, **options):
    tally = tallied(images, 3, **({"boundaries": True} if options.pop("boundaries", False) else {}))
    return several(tally.rows(), tally.widths, NAMES, **{"times": 500, "seed": 0, **options})


def test_holms_correction_worked_by_hand():
    """0.01 * 3, 0.03 * 2, and 0.04, which may not fall below the one before it."""
    pairs = [{"p": p} for p in (0.01, 0.04, 0.03, None)]
    _correct(pairs)
    assert [x["p_corrected"] for x in pairs] == [pytest.approx(0.03), pytest.approx(0.06), pytest.approx(0.06), None]
    large = [{"p": p} for p in (0.4, 0.9)]
    _correct(large)
    assert [x["p_corrected"] for x in large] == [0.8, 0.9]


def test_a_pair_is_what_two_models_are():
    """The same draws, so the same p; the interval is wider, since three pairs are looked at."""
    images = [drawn(seed, 3, (9, 9), (0.5, 0.7, 0.72)) for seed in range(25)]
    found, tally = of(images, boundaries=True), tallied([x[:3] for x in images], 3)
    alone = bootstrap(*tally.rows(), times=500)["mean_iu"]
    both = next(x for x in found["pairs"] if (x["a"], x["b"]) == ("A", "B"))
    assert (both["difference"], both["p"]) == (alone.difference, alone.p)
    assert both["p_corrected"] == pytest.approx(3 * alone.p)
    assert both["low"] < alone.low < alone.high < both["high"]
    model = found["models"]["A"]
    assert model["mean_iu"]["value"] == alone.a
    assert model["mean_iu"]["low"] < alone.a < model["mean_iu"]["high"]
    assert set(model["per_class_iu"]) == set(NAMES)
    assert {"boundary_f1", "boundary_iou", "trimap_1_mean_iu"} < set(model)
    text = table(found)
    assert "Boundary IoU" in text
    assert text.endswith(found["verdict"])


def test_the_verdict():
    first = of([drawn(seed, 3, (12, 12), (0.2, 0.3, 0.95)) for seed in range(25)])
    assert first["verdict"] == "C is better than all others."
    second = of([drawn(seed, 3, (12, 12), (0.2, 0.9, 0.9)) for seed in range(19)])
    assert "may be chance. It is better than A. 19 images are few: the intervals are too narrow." in second["verdict"]
    one = of([drawn(0, 3, (12, 12), (0.2, 0.9, 0.9))])
    assert one["verdict"].endswith("has the highest mean IU on this image; one image does not tell chance.")
    assert one["pairs"][0]["p_corrected"] is None
    assert "  -" in table(one)


def test_of_equal_models_hardly_any_split_shows_a_difference():
    """Six looks at four equal models: without a correction, one split in six shows a difference; with it, one in 20."""
    alone = corrected = 0
    for seed in range(200):
        found = of([drawn(1000 * seed + n, 3, (6, 6), (0.7,) * 4) for n in range(40)], times=480)
        alone += min(x["p"] for x in found["pairs"]) < 0.05
        corrected += min(x["p_corrected"] for x in found["pairs"]) < 0.05
    assert alone > 20
    assert corrected <= 18  # 10 are expected, with a standard deviation of 3


def test_an_image_more_than_once_is_no_news():
    images = [drawn(seed, 3, (9, 9), (0.7, 0.7, 0.7)) for seed in range(4)]
    same = [(truth, a, a, a) for truth, a, _, _ in images]
    found = of(same)
    assert {x["difference"] for x in found["pairs"]} == {0.0}
    assert {x["p_corrected"] for x in found["pairs"]} == {1.0}
    assert found["verdict"].startswith("A and B and C have the same mean IU. 4 images are few")
    two = of([(truth, a, a, b) for truth, a, b in (drawn(seed, 3, (12, 12), (0.9, 0.2)) for seed in range(25))])
    assert two["verdict"] == "A and B have the highest mean IU. It is better than C."
    assert np.ptp([x["mean_iu"]["value"] for x in found["models"].values()]) == 0
