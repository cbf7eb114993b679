"""What differs between two runs is said by the names of the options."""

import pytest

from training.workdir.option_changes import in_words, option_changes

THERE = {
    "recipe": "folder_fcn8s",
    "overrides": {"steps": 80},
    "settings": {"steps": 80, "steps_per_epoch": 80, "seed": 7, "batch_size": 1, "data": "folder"},
    "data": "/photos",
}


def here(overrides, **settings):
    return {**THERE, "overrides": overrides, "settings": {**THERE["settings"], **settings}}


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        (THERE, ""),
        (here({"steps": 120}, steps=120, steps_per_epoch=120), "steps: 80 there, 120 now"),
        (here({}, steps=500, steps_per_epoch=125), "steps: 80 there, 500 now"),
        (here({}), ""),  # the recipe has 80 itself
        (here({"steps": 80, "seed": 7}), ""),
        (here({"steps": 120}), "steps: 80 there, 120 now"),  # which a plan's own steps overrule
        (here({"stages": {"folder_fcn8s": {"steps": 80}}}), ""),
        (here({"steps": 80, "minutes": 3.0}), "minutes: none there, 3 now"),
        (here({"steps": 80, "width": 0.25}, model_options={"channels": [4]}), "width: none there, 0.25 now"),
        (here({"steps": 80, "buckets": [[8, 8]]}, buckets=[[8, 8]]), "buckets: none there, 8 8 now"),
        ({**THERE, "data": "/other"}, "data: /photos there, /other now"),
        (here({"steps": 80}, seed=1, batch_size=2), "seed: 7 there, 1 now; batch size: 1 there, 2 now"),
    ],
)
def test_differences_in_words(decisions, said):
    assert in_words(option_changes(THERE, decisions)) == said


def test_many_are_counted():
    assert in_words(dict.fromkeys("abcdef", (1, True))) == (
        "a: 1 there, yes now; b: 1 there, yes now; c: 1 there, yes now; d: 1 there, yes now; 2 more"
    )
