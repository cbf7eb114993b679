"""The minutes are divided so that every image is seen, and the whole fits."""

import pytest

from training.train.budget import (
    DRAWS,
    EPOCHS,
    FEWEST,
    MAPS,
    Costs,
    Images,
    batch_of,
    crop_side,
    fewest_minutes,
    schedule,
)

AREA = 360 * 480
CAMVID = Images(trained=160, validated=40, area=AREA, largest=AREA)
# Seconds of two cores: 0.53 for an image's maps, 0.2 a step of four, 0.6 with the last block, 0.06 to score an image.
COSTS = Costs(maps=0.53 / AREA, head=0.2 / 4 / AREA, thawed=0.6 / 4 / AREA, scored=0.06 / AREA, start=10)


def test_ten_minutes_of_camvid_by_hand():
    plan = schedule(CAMVID, 600, COSTS)
    assert plan.crop is None
    assert plan.batch_size == 4
    assert plan.views == 160  # 217 would fit into 40 % of 576 s: each image once, not some of them twice
    assert plan.validation_images == 40
    assert plan.seconds["feature maps"] == pytest.approx(2 * 160 * 0.53 + 40 * 0.53)  # 190.8
    assert plan.seconds["start"] == 20
    assert plan.seconds["scores"] == pytest.approx(8 * 40 * 0.06)  # 19.2
    rest = 0.96 * 600 - 190.8 - 20 - 19.2  # 346
    assert plan.steps == (int(0.7 * rest / 0.2 / 5) * 5, int(0.3 * rest / 0.6 / 3) * 3) == (1210, 171)
    assert 0.98 * 576 < plan.total <= 576


def test_more_time_draws_more_views_and_takes_more_steps():
    ten, thirty, day = (schedule(CAMVID, seconds, COSTS) for seconds in (600, 1800, 86400))
    assert thirty.views == int(MAPS * 0.96 * 1800 / (2 * 0.53)) > 2 * ten.views
    assert all(later > earlier for earlier, later in zip(ten.steps, thirty.steps, strict=True))
    assert day.views == DRAWS * 160
    assert day.total == pytest.approx(0.96 * 86400, rel=0.01)


def test_large_photographs_are_cut_and_many_images_more_so():
    phone = Images(trained=200, validated=50, area=12_000_000, largest=12_000_000)
    assert crop_side(phone, 1800, COSTS.maps) == 512
    assert crop_side(phone, 600, COSTS.maps) == 384  # 188,000 pixels an image fit, 433 on a side
    many = Images(trained=1500, validated=300, area=AREA, largest=AREA)
    plan = schedule(many, 1800, COSTS)
    assert plan.crop == 256
    assert plan.batch_size == 8
    assert plan.views == 1500
    assert plan.validation_images < 300
    assert plan.total <= 1800


def test_small_images_stay_whole_and_stand_in_larger_batches():
    assert crop_side(Images(10, 2, 64 * 64, 64 * 64), 120, COSTS.maps) is None
    assert [batch_of(area, 100) for area in (64 * 64, 240 * 320, AREA, 1_000_000)] == [8, 8, 4, 1]
    assert batch_of(64 * 64, 3) == 3
    assert schedule(CAMVID, 600, COSTS, batch_size=2).batch_size == 2


def test_the_least_is_the_smallest_crops_and_the_fewest_steps():
    many = Images(20_000, 5000, AREA, AREA)
    plan = schedule(many, 600, COSTS)
    assert (plan.crop, plan.views, plan.validation_images) == (192, 20_000, 8)
    assert plan.steps == tuple(FEWEST * epochs for epochs in EPOCHS[-1])
    assert plan.total > 600
    gone = schedule(many, -300, COSTS)  # over before it is planned
    assert (gone.crop, gone.validation_images, gone.steps) == (192, 1, plan.steps)
    assert crop_side(Images(9, 2, 64 * 64, 64 * 64), 0, COSTS.maps) is None  # smaller than the smallest crops


def test_the_fewest_minutes_are_those_whose_plan_fits():
    many = Images(20_000, 5000, AREA, AREA)
    for images, over in ((CAMVID, 20), (many, 0), (many, 300)):
        fewest = fewest_minutes(images, COSTS, over)
        assert over + schedule(images, 60 * fewest - over, COSTS).total <= 60 * fewest
        less = fewest - 1
        assert 1.25 * over + schedule(images, 60 * less - 1.25 * over, COSTS).total > 60 * less
        whole = fewest_minutes(images, COSTS, over, whole=True)
        assert whole > fewest
        assert schedule(images, 60 * whole - over, COSTS).crop is None
    assert fewest_minutes(CAMVID, COSTS, 10**7) is None


def test_in_little_time_fewer_scores_leave_fewer_steps():
    slow = Costs(maps=1e-9, head=1.0 / 4 / AREA, thawed=3.0 / 4 / AREA, scored=1e-9, start=10)
    plans = [schedule(CAMVID, seconds, slow) for seconds in (300, 125, 80)]
    assert [plan.epochs for plan in plans] == list(EPOCHS)
    assert all(plan.total <= seconds for plan, seconds in zip(plans, (300, 125, 80), strict=True))


def test_validation_images_that_take_too_long_are_fewer():
    phone = Images(10, 8, 12e6, 12e6)  # in crops; their maps take 37 s each
    plan = schedule(phone, 720, COSTS)
    assert plan.validation_images == 3
    assert plan.total <= 720


def test_eight_images_are_scored_however_little_time_there_is():
    dear = Costs(maps=0.53 / AREA, head=0.2 / 4 / AREA, thawed=0.6 / 4 / AREA, scored=1 / AREA, start=10)
    assert schedule(CAMVID, 300, dear).validation_images == 8
    assert schedule(Images(160, 3, AREA, AREA), 300, dear).validation_images == 3


def test_a_stage_has_its_fewest_steps_and_whole_epochs():
    slow = Costs(maps=1e-14, head=1e-3, thawed=1e-3, scored=1e-9, start=1)
    plan = schedule(CAMVID, 120, slow)
    assert plan.epochs == EPOCHS[-1]  # 20 and 10 steps, the fewest scores
    assert plan.steps == tuple(FEWEST * epochs for epochs in EPOCHS[-1])
    assert plan.total > 120
    for steps, epochs in zip(schedule(CAMVID, 777, COSTS).steps, EPOCHS[0], strict=True):
        assert steps % epochs == 0
