"""The table and the sentence at its end."""

import numpy as np
import pytest

from tests.training.compare.tallies import tallied
from training.compare.bootstrap import Compared, bootstrap
from training.compare.table import comparison, table, verdict

LARGE = np.full((30, 5), 100)


@pytest.mark.parametrize(
    ("value", "images", "sentence"),
    [
        ((0.5, 0.541, 0.041, 0.03, 0.052, 0.0002), 30, "B is better by 4.10 mean IU (95 % interval 3.00 to 5.20, p 0"),
        ((0.541, 0.5, -0.041, -0.052, -0.03, 0.0002), 30, "A is better by 4.10 mean IU (95 % interval 3.00 to 5.20,"),
        ((0.5, 0.503, 0.003, -0.005, 0.011, 0.48), 30, "B is 0.30 mean IU above A, which may be chance (95 % interv"),
        ((0.503, 0.5, -0.003, -0.011, 0.005, 0.48), 30, "A is 0.30 mean IU above B, which may be chance (95 % inter"),
        ((0.5, 0.5, 0.0, -0.01, 0.01, 1.0), 30, "A and B have the same mean IU (95 % interval -1.00 to 1.00, p 1."),
        ((0.5, 0.6, 0.1, 0.05, 0.2, 0.0002), 19, "p 0.0002). 19 images are few: the interval is too narrow."),
    ],
)
def test_the_sentence(value, images, sentence):
    assert sentence in verdict(Compared(*value, images), LARGE)


def test_the_sentence_where_chance_cannot_be_told():
    one = {"p": None, "low": None, "high": None, "images": 1}
    better = Compared(a=0.25, b=1.0, difference=0.75, **one)
    assert verdict(better, LARGE) == "B is 75.00 mean IU above A on this image; one image does not tell chance."
    equal = Compared(a=0.25, b=0.25, difference=0.0, **one)
    assert verdict(equal, LARGE) == "A and B have the same mean IU on this image; one image does not tell chance."
    assert verdict(equal, LARGE * [1, 0, 0, 0, 1]) == "A and B give every pixel that counts the same class."


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
