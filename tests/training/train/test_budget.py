"""The minutes are divided so that every image is seen, and the whole fits."""

import pytest

from training.train.budget import DRAWS, EPOCHS, FEWEST, MAPS, Costs, Folder, schedule, view_side

CAMVID = Folder(trained=160, validated=40, area=360 * 480, largest=360 * 480)
# Seconds as measured on two cores: 0.53 for a whole image's maps.
COSTS = Costs(pixel=0.53 / (360 * 480), head=0.2, thawed=0.9, scored=0.06, start=10)


def test_ten_minutes_of_camvid_by_hand():
    plan = schedule(CAMVID, 600, COSTS)
    assert plan.crop is None
    assert plan.draws == 160  # 226 would fit into 40 % of the time: each image once, not some of them twice
    assert plan.validation_images == 40
    assert plan.seconds["maps"] == pytest.approx(2 * 160 * 0.53 + 40 * 0.53)  # 190.8
    assert plan.seconds["start"] == 20
    assert plan.seconds["scores"] == pytest.approx(9 * 0.06 * plan.validation_images)
    rest = 600 - 190.8 - 20 - plan.seconds["scores"]
    assert plan.steps[0] == int(0.4 * rest / 0.2 / 4) * 4
    assert plan.steps[1] == int(0.6 * rest / 0.9 / 5) * 5
    assert 0.97 * 600 < plan.total <= 600


def test_more_time_draws_more_views_and_takes_more_steps():
    ten, thirty, day = (schedule(CAMVID, seconds, COSTS) for seconds in (600, 1800, 86400))
    assert thirty.draws == int(MAPS * 1800 / (2 * 0.53)) > 2 * ten.draws
    assert all(later > earlier for earlier, later in zip(ten.steps, thirty.steps, strict=True))
    assert day.draws == DRAWS * 160
    assert day.total == pytest.approx(86400, rel=0.01)


def test_large_photographs_are_cut_and_many_images_more_so():
    phone = Folder(trained=200, validated=50, area=12_000_000, largest=12_000_000)
    assert view_side(phone, 1800, COSTS.pixel) == 512
    assert view_side(phone, 600, COSTS.pixel) == 384  # 196,000 pixels an image fit, 443 on a side
    many = Folder(trained=1500, validated=300, area=360 * 480, largest=360 * 480)
    plan = schedule(many, 1800, COSTS)
    assert plan.crop == 256
    assert plan.draws == 1500
    assert plan.validation_images < 300
    assert plan.total <= 1800 * 1.01


def test_small_images_stay_whole():
    assert view_side(Folder(10, 2, 64 * 64, 64 * 64), 120, COSTS.pixel) is None


def test_too_many_images_are_told_how_long_they_take():
    with pytest.raises(
        ValueError, match=r"20000 images cannot be trained on in 10 minutes .* Give --minutes 189 or more"
    ):
        schedule(Folder(20_000, 5000, 360 * 480, 360 * 480), 600, COSTS)
    assert view_side(Folder(20_000, 5000, 360 * 480, 360 * 480), 189 * 60, COSTS.pixel) == 192


def test_a_stage_has_its_fewest_steps_and_whole_epochs():
    slow = Costs(pixel=1e-9, head=50, thawed=100, scored=0.1, start=1)
    plan = schedule(CAMVID, 120, slow)
    assert plan.steps == (FEWEST, FEWEST)
    for steps, epochs in zip(schedule(CAMVID, 777, COSTS).steps, EPOCHS, strict=True):
        assert steps % epochs == 0
