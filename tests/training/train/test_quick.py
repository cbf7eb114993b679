"""A plan in minutes: what it chooses, what it says, and what it refuses."""

import json
import re
from types import SimpleNamespace

import pytest

from tests.training.train.test_budget import AREA, COSTS
from training.recipes import catalogue
from training.recipes.overrides import Overrides
from training.train import quick
from training.train.detail import Detail
from training.train.plan import overrides_from
from training.train.quick import quick_plan, suits

IDS = {"train": [f"a{i}" for i in range(160)], "val": [f"b{i}" for i in range(40)]}


KEEPS = Detail(None)


def report(sizes=((360, 480, 200),), **changes):
    facts = {
        "directory": "photos",
        "errors": (),
        "findings": (),
        "sizes": sizes,
        "images": {"train": 160, "val": 40},
        "left_alone": {},
        "buckets": ((384, 512), (512, 384)),
        "padding": 0.1,
        "num_classes": 3,
        "class_frequencies": {"train": [0.5, 0.3, 0.2]},
        "class_weights": (1, 1, 1),
    }
    return SimpleNamespace(**{**facts, **changes})


def measured(batch_size, num_classes, size):
    measured.asked = batch_size, num_classes, size
    return "mixed_bfloat16", 0.5, COSTS, 15.0


def planned(tmp_path, minutes=10, given=None, name="quick_fcn8s", looked=KEEPS, **changes):
    facts = {"minutes": minutes, "spent": 5.0, "workdir": tmp_path, "measure": measured}
    facts["detail"] = lambda held_out: looked
    return quick_plan(report(**changes), IDS, name, given or Overrides(), **facts)


def test_ten_minutes_of_camvid(tmp_path):
    plan = planned(tmp_path)
    assert measured.asked == (4, 3, (360, 480))
    assert plan.recipe == "quick_fcn8s"
    overrides = plan.overrides
    assert (overrides.batch_size, overrides.views, overrides.validation_images) == (4, 160, 40)
    assert (overrides.dtype_policy, overrides.minutes, overrides.crop, overrides.buckets) == (
        "mixed_bfloat16",
        10,
        None,
        None,
    )
    chain = catalogue.chain(plan.recipe, overrides)
    assert [recipe.name for recipe in chain] == ["quick_fcn8s_head", "quick_fcn8s"]
    assert [recipe.epochs for recipe in chain] == [5, 3]
    total = sum(e.before + recipe.steps * e.step + recipe.epochs * e.end for recipe, e in paired(chain, plan.expected))
    assert 0.97 * 557 < total <= 557  # of 600 s, 20 are over, and 4 % are kept
    said = dict(plan.reasons)
    assert said["time"].startswith("10 min, of which 20 s are over; ends about ")
    assert said["views"] == "160 whole images, each with its mirror image; 40 images are scored"
    assert "an image's maps 0.53 s, a step of 4 0.2 s; mixed_bfloat16 takes 50% of float32's time" in said["machine"]
    assert said["precision"] == "mixed_bfloat16 for layers; --dtype-policy float32 trains in float32"
    assert "1.8 GB of disk" in said["memory"]  # 360 files of 2.4 MB and the models


def paired(chain, expected):
    return [(recipe, expected[recipe.name]) for recipe in chain]


def test_the_plan_is_read_again_from_recipe_json(tmp_path):
    overrides = planned(tmp_path).overrides
    assert overrides_from(overrides.as_json()) == overrides
    with pytest.raises(ValueError, match="was begun by another version"):
        overrides_from({"no_such_thing": 1})


def test_several_sizes_are_padded_and_large_ones_cut(tmp_path):
    plan = planned(tmp_path, sizes=((360, 480, 100), (480, 360, 100)))
    assert plan.overrides.buckets == [[384, 512], [512, 384]]
    # A tenth of what is computed is padding: an image's maps take 0.53 s / 0.9.
    assert "an image's maps 0.59 s" in dict(plan.reasons)["machine"]
    large = planned(tmp_path, sizes=((3000, 4000, 200),)).overrides
    assert large.crop == [384, 384]
    assert large.buckets is None
    assert large.views == 160
    augment = catalogue.find("quick_fcn8s_head", large).augment
    assert augment.keywords == {"height": 384, "width": 384} or "384" in str(augment)


def test_images_are_reduced_to_what_their_masks_allow(tmp_path):
    looked = Detail(43_200, "masks keep 93% of mean IU at half the side")
    plan = planned(tmp_path, looked=looked)
    assert plan.overrides.most_pixels == 43_200
    assert measured.asked == (8, 3, (180, 240))
    assert plan.overrides.views == 840  # 40 % of 557 s, each 0.265 s with its mirror image
    assert plan.overrides.crop == [180, 240]
    said = dict(plan.reasons)
    assert said["size"] == (
        "480x360 reduced to 240x180 (masks keep 93% of mean IU at half the side); --most-pixels 0 keeps it"
    )
    assert "size" not in dict(planned(tmp_path).reasons)
    kept = planned(tmp_path, looked=looked, given=Overrides(most_pixels=0))
    assert (kept.overrides.most_pixels, kept.overrides.views) == (0, 160)
    given = planned(tmp_path, looked=looked, given=Overrides(most_pixels=100_000))
    assert "(as given)" in dict(given.reasons)["size"]


def test_reading_large_photographs_takes_time(tmp_path):
    phone = {"sizes": ((3000, 4000, 200),), "looked": Detail(250_000, reading=0.5)}
    plan = planned(tmp_path, **phone)
    assert (plan.overrides.most_pixels, plan.overrides.crop) == (250_000, [320, 320])  # 130,000 pixels an image fit
    parts = dict(plan.reasons)["time"]
    assert "feature maps 3.7 min" in parts  # 160 times 0.5 + 0.63 s, and 35 times 0.5 + 0.77 s
    assert plan.overrides.validation_images == 26  # 6 % of the 312 s that are left, each 8 times 0.087 s


def test_two_backbones_take_twice_the_disk(tmp_path):
    plan = planned(tmp_path, name=quick.recipe_of("fcn8s", hha=True))
    assert plan.recipe == "quick_fcn8s_rgb_hha"
    assert [recipe.name for recipe in catalogue.chain(plan.recipe, plan.overrides)] == list(plan.expected)
    said = dict(plan.reasons)
    assert said["depth"] == "HHA images: a backbone for them beside that for colour, scores averaged"
    assert "3.5 GB of disk" in said["memory"]  # 360 files of 4.7 MB and twice the models
    assert "depth" not in dict(planned(tmp_path).reasons)


def test_several_views_of_an_image_differ(tmp_path):
    plan = planned(tmp_path, minutes=30)
    assert plan.overrides.views > 2 * 160
    assert plan.overrides.augment == ["scale"]
    assert plan.overrides.crop == [360, 480]
    assert "at scales from 0.5 to 2, each with its mirror image" in dict(plan.reasons)["views"]


def test_what_is_given_stays(tmp_path):
    plan = planned(tmp_path, given=Overrides(batch_size=2, seed=5, ema=0.9))
    recipe = catalogue.find("quick_fcn8s", plan.overrides)
    assert (recipe.batch_size, recipe.seed, recipe.ema) == (2, 5, 0.9)
    assert measured.asked[0] == 2


def test_a_precision_that_is_given_stays(tmp_path):
    given = Overrides(dtype_policy="float32")
    plan = quick_plan(
        report(),
        IDS,
        "quick_fcn8s",
        given,
        minutes=10,
        spent=5.0,
        workdir=tmp_path,
        measure=lambda *_: ("float32", None, COSTS, 15.0),
        detail=lambda held_out: KEEPS,
    )
    assert plan.overrides.dtype_policy == "float32"
    said = dict(plan.reasons)
    assert said["precision"] == "float32 (as given)"
    assert said["machine"].endswith("; float32")


def test_a_full_disk_is_told_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10**9))
    with pytest.raises(ValueError, match=r"needs about 1\.8 GB for feature maps .* has 1\.0 GB free\. Make room"):
        planned(tmp_path / "not" / "there")


def test_too_many_images(tmp_path):
    with pytest.raises(
        ValueError, match=r"160 images are too many for --minutes 0\.3 .* took 20 s\. Give --minutes \d or more"
    ):
        planned(tmp_path, minutes=0.3)
    with pytest.raises(ValueError, match=r"160 images are too many for --minutes 0\.1"):
        planned(tmp_path, minutes=0.1)  # over before they are planned


def test_too_few_minutes_are_said_first_with_what_is_done(tmp_path):
    what, why = planned(tmp_path, minutes=1).reasons[0]
    assert what == "minutes"
    said = dict(planned(tmp_path, minutes=1).reasons)
    told = re.fullmatch(
        r"1 is too little for 160 images on this machine as it is: 20 s are over, and the least, which is trained now, "
        r"takes ([\d.]+ (?:s|min)) more, until about \d\d:\d\d:\d\d; --minutes (\d+) is enough",
        why,
    )
    assert said["time"].startswith(f"{told[1]} more: feature maps ")
    enough = int(told[2])
    assert "minutes" not in dict(planned(tmp_path, minutes=enough).reasons)
    assert "minutes" in dict(planned(tmp_path, minutes=enough - 1).reasons)
    assert said["for the time"] == (
        "crops of 192x192, and no whole images (those from about --minutes 8 on), 8 of 40 images scored, "
        "the fewest steps, scores after 2 and 1 epochs, not 5 and 3"
    )
    assert said["rough"] == "mean IU on 8 images is rough: +-4 or more with others"


def test_enough_minutes_reduce_nothing(tmp_path):
    assert not {"minutes", "for the time", "rough"} & {what for what, _ in planned(tmp_path).reasons}


def test_the_doctor_comes_first(tmp_path):
    error = SimpleNamespace(code="empty", message="Nothing.", advice="Fill it.", severity="error")
    with pytest.raises(ValueError, match="The doctor finds"):
        planned(tmp_path, errors=(error,), findings=(error,))


@pytest.mark.parametrize(
    ("given", "minutes", "processor", "expected"),
    [
        ({}, None, True, True),
        ({}, None, False, False),
        ({}, 10, False, True),
        ({"steps": 5}, None, True, False),
        ({"width": 0.25}, None, True, False),
        ({"seed": 5}, None, True, True),
        ({"dtype_policy": "float32"}, None, True, True),
    ],
)
def test_when_a_run_is_planned_in_minutes(given, minutes, processor, expected):
    assert suits(Overrides(**given), minutes, processor=processor) is expected


def test_minutes_and_steps_exclude_each_other():
    with pytest.raises(ValueError, match="--minutes decides --steps-per-epoch: leave one of the two out"):
        suits(Overrides(steps_per_epoch=5), 10, processor=True)


def test_no_run_was_begun(tmp_path):
    assert quick.begun(tmp_path, "quick_fcn8s", tmp_path) is None
    assert AREA == 172_800


def test_a_run_without_checkpoint_goes_on_by_a_plan_for_the_same_sizes(tmp_path):
    overrides = {"minutes": 10, "most_pixels": 2000, "crop": [39, 51]}
    folder = tmp_path / "quick_fcn8s_head"
    folder.mkdir()
    written = {"decisions": {"data": str(tmp_path.resolve()), "overrides": overrides}}
    (folder / "recipe.json").write_text(json.dumps(written))
    for most_pixels in (None, 2000):
        assert quick.begun(tmp_path, "quick_fcn8s", tmp_path, 10, most_pixels).crop == [39, 51]
    for most_pixels in (0, 4000):
        assert quick.begun(tmp_path, "quick_fcn8s", tmp_path, 10, most_pixels) is None
