"""The stages of a run, their logs and their timings, as `fcn-report` reads them."""

import json

import pytest

from tests.training.report.stages import names, stage
from training.report.training_run import begun_after, find_run


def test_stages_stand_in_the_order_they_were_trained(tmp_path):
    stage(tmp_path, "a_fine", start="m_middle")
    stage(tmp_path, "m_middle", start="z_coarse")
    stage(tmp_path, "z_coarse")
    assert names(find_run(tmp_path)) == ["z_coarse", "m_middle", "a_fine"]
    assert names(find_run(tmp_path / "m_middle")) == ["z_coarse", "m_middle"]


def test_late_fusion_starts_from_two(tmp_path):
    stage(tmp_path, "fused", start={"color": "rgb", "hha": "other"})
    stage(tmp_path, "rgb", start="first")
    stage(tmp_path, "other", start="first")
    stage(tmp_path, "first")
    assert names(find_run(tmp_path)) == ["first", "rgb", "other", "fused"]


def test_stages_that_start_from_each_other_are_read_once(tmp_path):
    everyone = [f"s{i}" for i in range(12)]
    for name in everyone:
        stage(tmp_path, name, start=dict.fromkeys(everyone) | {other: other for other in everyone})
    assert sorted(names(find_run(tmp_path / "s5"))) == sorted(everyone)


@pytest.mark.parametrize("start", ["loop", "gone", "../outside", "..", ".", "", "a\0b", 7, ["x"], {"a": 7}])
def test_sources_that_lead_nowhere_are_left_out(tmp_path, start):
    stage(tmp_path, "outside")
    place = stage(tmp_path / "runs", "loop", start=start)
    assert names(find_run(place)) == ["loop"]


def test_a_stage_that_has_no_best_model_yet_is_not_the_last(tmp_path):
    stage(tmp_path, "coarse")
    for name in ("fine", "damaged"):
        (stage(tmp_path, name, start="coarse") / "best.keras").unlink()
    (stage(tmp_path, "finest", start="fine") / "best.keras").unlink()
    (tmp_path / "damaged" / "recipe.json").write_text("{")
    run = find_run(tmp_path)
    assert names(run) == ["coarse"]
    assert begun_after(run) == ["fine"]


def test_of_several_runs_the_finest_is_taken_and_said(tmp_path, caplog):
    for name, start in {"quick_fcn8s_head": None, "quick_fcn8s": "quick_fcn8s_head", "quick_fcn32s": None}.items():
        stage(tmp_path, name, start=start)
    assert names(find_run(tmp_path)) == ["quick_fcn8s_head", "quick_fcn8s"]
    assert f"{tmp_path}: taking quick_fcn8s, the finest stage" in caplog.text


def test_of_runs_that_are_not_finished_the_one_that_was_finished_before_is_taken(tmp_path):
    for name in ("one_fcn8s", "two_fcn8s"):
        stage(tmp_path, name)
    (stage(tmp_path / "before_1", "one_fcn8s") / "summary.json").write_text("{}")
    assert find_run(tmp_path)[-1].stage.folder == (tmp_path / "before_1" / "one_fcn8s").resolve()


def test_a_run_in_its_first_epoch(tmp_path):
    (stage(tmp_path, "coarse") / "best.keras").unlink()
    for path in (tmp_path, tmp_path / "coarse"):
        with pytest.raises(ValueError, match=r"holds no trained models\. coarse has finished no epoch yet: wait"):
            find_run(path)


def test_what_the_log_and_the_timings_say(tmp_path):
    (tmp_path / "other").mkdir()  # no stage
    stage(
        tmp_path,
        "only",
        rows="0,2.5,3.5,.1,.2\n1,nan,3,.2,.5\n2,1,2,.3,.4\n",
        times="0,2,10,1\n1,2,4,1\n2,1,5,2\n",
    )
    (only,) = find_run(tmp_path)
    assert (only.epochs, only.best, only.prefixes) == (3, 1, {"": "confusion"})
    assert only.points("loss") == [(1, 2.5), (3, 1)]  # epoch 2 has no number
    assert only.points("none") == []
    assert only.without_loss == [2]
    # 5 images a batch: 1, 2.5 and 1 images a second.
    assert only.images_per_second() == 1
    assert (only.seconds("training"), only.seconds("validation")) == (19, 4)


def test_the_best_epoch_of_two_heads_is_that_of_their_mean(tmp_path):
    place = stage(tmp_path, "two")
    (place / "log.csv").write_text("epoch,val_sem_mean_iu,val_geo_mean_iu\n0,.9,.1\n1,.5,.6\n2,.4,.6\n")
    (two,) = find_run(tmp_path)
    assert two.prefixes == {"sem": "sem", "geo": "geo"}
    assert two.best == 1


def test_what_was_planned_and_what_stood_still(tmp_path):
    kept = {"frozen": ["conv"], "views": 460, "kept_maps": ["pool3", "pool5"]}
    stage(tmp_path, "head", plan={"time": "10 min"}, **kept)
    (head,) = find_run(tmp_path)
    assert (head.plan, head.frozen, head.views, head.kept_maps) == ({"time": "10 min"}, *kept.values())
    stage(tmp_path, "older", start="head")
    older = find_run(tmp_path)[-1]
    assert (older.plan, older.frozen, older.views, older.kept_maps) == ({}, [], None, [])


@pytest.mark.parametrize(
    ("times", "seconds", "took"),
    [
        ("", None, None),
        ("0,2,10,1\n1,2,4,1\n", None, 16),  # not finished
        ("0,2,10,1\n1,2,4,1\n", 40.5, 40.5),  # with feature maps
        ("0,2,10,1\n1,2,4,1\n", 7, 16),  # stopped in its second epoch
        ("", 40.5, 40.5),
        ("", float("inf"), None),
        ("", "long", None),
        ("", [7], None),
        ("", -1, None),
    ],
)
def test_how_long_a_stage_took(tmp_path, times, seconds, took):
    stage(tmp_path, "only", times=times, seconds=seconds)
    assert find_run(tmp_path)[0].took == took


def test_raw_weights_were_scored_if_the_log_says_so(tmp_path):
    place = stage(tmp_path, "only", rows="0,2.5,3.5,.1,.2\n")
    assert not find_run(tmp_path)[0].scored_raw
    (place / "log.csv").write_text("epoch,raw_val_confusion_mean_iu,val_confusion_mean_iu\n0,.1,.9\n1,.8,.2\n")
    (only,) = find_run(tmp_path)
    assert only.scored_raw
    assert (only.prefixes, only.best) == ({"": "confusion"}, 0)  # the averaged weights are the best, not the raw ones
    assert only.points("raw_val_confusion_mean_iu") == [(1, 0.1), (2, 0.8)]


def test_files_of_other_shapes(tmp_path):
    place = stage(tmp_path, "odd")
    odd = {"frozen": [1, None, "conv"], "views": "many", "kept_maps": "pool3"}
    (place / "recipe.json").write_text(json.dumps({"decisions": {"settings": odd}, "plan": [1]}))
    (odd,) = find_run(tmp_path)
    assert (odd.plan, odd.frozen, odd.views, odd.kept_maps) == ({}, ["conv"], None, [])
    (place / "recipe.json").write_text(json.dumps({"decisions": [1], "versions": "x"}))
    (place / "log.csv").write_bytes(b"epoch,val_confusion_mean_iu\n\xff,high,more\n")
    (odd,) = find_run(tmp_path)
    assert (odd.recipe, odd.sources, odd.epochs, odd.best, odd.images_per_second()) == ({}, [], None, None, None)
    (place / "log.csv").write_text("epoch\n" + "1" * 200_000)
    with pytest.raises(ValueError, match=r"log.csv is not CSV \(field larger than .*\). Restore it from a copy"):
        find_run(tmp_path)
    (place / "recipe.json").write_text("{")
    with pytest.raises(ValueError, match=r"recipe.json is not JSON"):
        find_run(tmp_path)
