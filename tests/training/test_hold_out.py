"""Which images validate: one rule for `fcn-train`, `fcn-doctor --fix --val` and `fcn-doctor --import --val`."""

import random

import numpy as np
import pytest

from training.hold_out import divide, divide_by_number


def test_division_by_hash_is_stable_seeded_and_near_the_share():
    keys = [f"image {number}" for number in range(4000)]
    chosen = divide(keys, 0.2)
    assert abs(len(chosen) - 800) < 4 * np.sqrt(4000 * 0.2 * 0.8)
    assert divide(keys[:1000], 0.2) == chosen & set(keys[:1000])  # nobody moved when images came
    assert divide(reversed(keys), 0.2) == chosen
    assert divide(keys, 0.3) > chosen
    assert divide(keys, 0.2, seed=1) != chosen


def test_images_keep_their_part_while_images_are_added():
    keys = [f"{number:04}" for number in range(300)]
    random.Random(0).shuffle(keys)
    parts = [divide(keys[:number], 0.2) for number in range(20, 301)]
    for before, after, number in zip(parts, parts[1:], range(20, 301), strict=False):
        assert after & set(keys[:number]) == before


def test_no_release_changes_which_images_validate():
    """As `divide` chose them when it was written."""
    assert divide([f"{number:02}" for number in range(20)], 0.2) == {"03", "04", "08", "09", "14", "15", "17"}
    assert divide([f"{number:02}" for number in range(20)], 0.2, seed=7) == {"00", "01", "03", "05", "06", "07"}


@pytest.mark.parametrize("share", [1e-9, 1 - 1e-9])
def test_no_split_is_empty(share):
    for number in (2, 3, 5):
        assert 1 <= len(divide([str(n) for n in range(number)], share)) < number


def test_the_image_moved_into_an_empty_part_is_the_next_one_the_share_would_take():
    keys = [str(number) for number in range(5)]
    (moved,) = divide(keys, 1e-9)
    share = next(share for share in np.linspace(0, 1, 1001) if divide(keys, share) != {moved})
    assert divide(keys, share) > {moved}


def test_the_rule_of_runs_begun_before():
    """SHA-256 of the ids, the lowest first: `0` 5f..., `1` 6b..., `2` d4..., `3` 4e..., `4` 4b..."""
    assert divide_by_number("01234", 0.4) == {"3", "4"}
    assert divide_by_number("01234", 0.2) == {"4"}
    assert divide_by_number("01234", 0.01) == {"4"}
