"""Which images validate: one rule for `fcn-train`, `fcn-doctor --fix --val` and `fcn-doctor --import --val`."""

import random

import numpy as np
import pytest

from training.hold_out import THRESHOLD, TOGETHER, divide, divide_by_number, folds_of, held_out, usable_groups


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


# --- near-duplicates ----------------------------------------------------------------------------------------


def groups_of(size, number=2000):
    """Draw up groups, and all their ids."""
    groups = [[f"{group}/{member}" for member in range(size)] for group in range(number)]
    return groups, [key for group in groups for key in group]


@pytest.mark.parametrize("size", [2, 7])
def test_groups_stay_together_and_validate_as_often_as_images_do(size):
    groups, keys = groups_of(size)
    chosen = divide(keys, 0.2, together=groups)
    inside = [len(chosen.intersection(group)) for group in groups]
    assert set(inside) == {0, size}
    assert abs(inside.count(size) - 400) < 4 * np.sqrt(2000 * 0.2 * 0.8)


def test_images_without_a_twin_go_where_they_went():
    groups, keys = groups_of(3, 100)
    alone = [f"image {number}" for number in range(1000)]
    assert divide(alone + keys, 0.2, together=groups) & set(alone) == divide(alone, 0.2)
    assert divide(alone, 0.2, together=[["image 1"], ["gone", "image 2"]]) == divide(alone, 0.2)


def test_an_image_that_joins_a_group_moves_it_only_as_its_leader():
    """It leads a quarter of the groups of four, and of these 2 * 0.2 * 0.8 stand on the other side: 160 of 2000."""
    groups, keys = groups_of(3)
    before = divide(keys, 0.2, together=groups)
    joined = [[*group, f"{group[0]} again"] for group in groups]
    after = divide([key for group in joined for key in group], 0.2, together=joined)
    moved = sum((group[0] in before) != (group[0] in after) for group in groups)
    assert abs(moved - 160) < 4 * np.sqrt(160)
    assert divide([*keys, "nobody's twin"], 0.2, together=groups) - {"nobody's twin"} == before


def test_groups_joined_by_an_image_go_where_one_of_them_was():
    groups, keys = groups_of(2)
    before = divide(keys, 0.2, together=groups)
    pairs = [[*one, *other] for one, other in zip(groups[::2], groups[1::2], strict=True)]
    after = divide(keys, 0.2, together=pairs)
    for group in pairs:
        assert len(after.intersection(group)) in (0, 4)
        if len(inside := before.intersection(group)) in (0, 4):
            assert after.intersection(group) == inside


def test_a_group_of_more_than_the_share_trains():
    keys = [f"{number}" for number in range(40)]
    for seed in range(20):
        assert divide(keys, 0.2, seed, [keys[:9]]).isdisjoint(keys[:9])
    assert any(set(keys[:8]) <= divide(keys, 0.2, seed, [keys[:8]]) for seed in range(20))


def test_no_split_is_empty_with_groups():
    for seed in range(20):
        for share in (1e-9, 0.5, 1 - 1e-9):
            chosen = divide("abcdef", share, seed, ["abc", "de"])
            assert 1 <= len(chosen) < 6
            assert len(chosen & set("abc")) in (0, 3)
            assert len(chosen & set("de")) in (0, 2)


def test_no_release_changes_where_groups_go():
    """As `divide` chose them when it was written."""
    together = [["00", "01", "02"], ["03", "05"], ["08", "10", "11"]]
    keys = [f"{number:02}" for number in range(20)]
    assert divide(keys, 0.2, together=together) == {"03", "04", "05", "09", "14", "15", "17"}
    assert held_out(keys, 0.2, TOGETHER, together) == {"03", "04", "05", "09", "14", "15", "17"}
    assert held_out(keys, 0.2, TOGETHER) == held_out(keys, 0.2, THRESHOLD) == divide(keys, 0.2)
    assert held_out(keys, 0.2, None) == divide_by_number(keys, 0.2)


def test_the_frames_of_a_film_are_not_kept_together():
    film = [str(number) for number in range(51)]
    groups, reason = usable_groups([film, ["a", "b"]], 100)
    assert groups == []
    assert reason.startswith("51 of 100 images are near-duplicates of one another")
    assert usable_groups([film], 102) == ([film], None)
    assert usable_groups([], 5) == ([], None)


def test_folds_keep_groups_together_and_none_is_empty():
    keys = [str(number) for number in range(23)]
    groups = [["3", "4", "5", "6"], ["10", "11"]]
    fold = folds_of(keys, 5, groups)
    assert fold.keys() == set(keys)
    assert all(len({fold[key] for key in group}) == 1 for group in groups)
    assert sorted(list(fold.values()).count(number) for number in range(5)) == [4, 4, 5, 5, 5]
    assert folds_of(reversed(keys), 5, groups) == fold
    assert set(folds_of("ab", 2).values()) == {0, 1}


def test_folds_need_as_many_images_and_groups():
    with pytest.raises(ValueError, match=r"3 folds need 3 images or more. There are 2\."):
        folds_of("ab", 3)
    with pytest.raises(ValueError, match=r"There are 4, of which 2 are left with each group of near-duplicates"):
        folds_of("abcd", 3, ["abc"])
