"""The attack by weights and pixels that are no numbers, for a moment."""

from tests.attacks import broken_weights


def test_no_drawn_weight_or_pixel_gets_through(tmp_path):
    outcomes = broken_weights.soak(0, tmp_path, seed=0)
    assert [outcome.tries for outcome in outcomes] == [1, 1, 1]
    assert [outcome.lost for outcome in outcomes] == [()] * 3
