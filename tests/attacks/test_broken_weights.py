"""The attack by weights and pixels that are no numbers, for a moment."""

import os

import pytest

from tests.attacks import broken_weights


@pytest.mark.skipif("SOAK" not in os.environ, reason="takes half a minute; make soak runs it at length")
def test_no_drawn_weight_or_pixel_gets_through(tmp_path):
    outcomes = broken_weights.soak(0, tmp_path, seed=0)
    assert [outcome.tries for outcome in outcomes] == [1, 1, 1]
    assert [outcome.lost for outcome in outcomes] == [()] * 3
