"""Where a run stands, and how long the rest takes: worked by hand, by a clock that stands still."""

from types import SimpleNamespace

import pytest

from training.train.run_progress import Expected, RunProgress, rounded, step_duration


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def recipe(name):
    return SimpleNamespace(name=name, steps=8, epochs=2, steps_per_epoch=4, batch_size=2)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def progress(clock):
    """Two stages of two epochs, each of four steps and then six validation images; the first stage begins."""
    made = RunProgress([recipe("coarse"), recipe("fine")], clock)
    made.begin("coarse")
    made.go_on(0, [], 6)
    made.begin_epoch()
    return made


def step(progress, clock, *times):
    for clock.now in times:
        progress.step(loss=1.0)


def test_the_first_step_tells_nothing_as_it_compiles(progress, clock):
    assert progress.run_left() is None
    step(progress, clock, 30)
    assert (progress.stage.done, progress.measured, progress.run_left()) == (1, 0, None)


def test_before_validation_was_measured_an_image_takes_a_third_of_its_step(progress, clock):
    step(progress, clock, 30, 32)
    # 6 steps of 2 s, and 2 epochs' ends of 6 images at 2 s / 2 / 3; the other stage has 8 steps and 2 ends.
    assert progress.stage_left() == pytest.approx(12 + 4)
    assert progress.run_left() == pytest.approx(12 + 4 + 16 + 4)


def test_time_passes_within_a_step_but_not_beyond_what_it_takes(progress, clock):
    step(progress, clock, 30, 32)
    clock.now = 33
    assert progress.stage_left() == pytest.approx(15)
    clock.now = 39
    assert progress.stage_left() == pytest.approx(14)


def test_steps_that_were_measured_correct_it(progress, clock):
    step(progress, clock, 30, 32, 36)  # 2 s and 4 s
    assert progress.step_seconds == 3
    assert progress.stage_left() == pytest.approx(5 * 3 + 2 * 3)


def test_a_validation_that_is_done_in_part_tells_how_long_it_takes(progress, clock):
    step(progress, clock, 30, 33, 36, 39)
    assert progress.stage.ending
    clock.now = 41
    progress.score()
    # A sixth took 2 s: 4 steps of 3 s, 10 s of this validation, 12 s of the next.
    assert progress.stage_left() == pytest.approx(12 + 10 + 12)


def test_an_end_that_was_measured_counts_for_all(progress, clock):
    step(progress, clock, 30, 33, 36, 39)
    clock.now = 49
    progress.end_epoch(loss=0.5, mean_iu=0.25)
    assert not progress.stage.ending
    assert progress.stage_left() == pytest.approx(4 * 3 + 10)
    assert progress.run_left() == pytest.approx(22 + 8 * 3 + 2 * 10)


def train(progress, clock):
    """Train a stage to its end: steps of 3 s after a first one of 30 s, ends of epochs of 10 s."""
    for epoch in range(2):
        progress.begin_epoch()
        start = clock.now + (27 if epoch == 0 else 0)
        step(progress, clock, *(start + 3 * i for i in range(1, 5)))
        clock.now += 10
        progress.end_epoch(loss=0.5, mean_iu=0.25)


def test_the_next_stage_is_expected_to_be_as_fast_until_it_is_measured(progress, clock):
    train(progress, clock)
    assert progress.stage_left() == 0
    assert progress.stage.batch == 4  # the bar stays full
    progress.begin("fine")
    assert progress.step_seconds is None  # it is the other stage's
    progress.go_on(0, [], 6)
    progress.begin_epoch()
    assert progress.stage_left() == progress.run_left() == pytest.approx(8 * 3 + 2 * 10)
    start = clock.now
    step(progress, clock, start + 20, start + 25)  # the first one compiles
    assert progress.run_left() == pytest.approx(6 * 5 + 2 * 10)


def test_only_the_last_hundred_steps_count(clock):
    made = RunProgress([SimpleNamespace(name="long", steps=400, epochs=1, steps_per_epoch=400, batch_size=1)], clock)
    made.begin("long")
    made.go_on(0, [], 0)
    made.begin_epoch()
    step(made, clock, 0, 60)  # one slow step
    step(made, clock, *range(61, 161))
    assert made.step_seconds == 1


def test_a_run_that_goes_on_counts_from_where_it_stopped(progress, clock):
    progress.go_on(5, [0.25], 6)
    assert (progress.stage.batch, progress.stage.ended, progress.stage.best) == (1, 1, 0)
    step(progress, clock, 30, 32)
    assert progress.stage_left() == pytest.approx(1 * 2 + 2)


def test_a_run_that_goes_on_at_an_epochs_end_waits_for_its_validation(progress, clock):
    progress.go_on(4, [], 6)
    assert progress.stage.ending
    clock.now = 10
    progress.end_epoch(loss=0.5, mean_iu=0.25)
    assert progress.run_left() is None  # no step was measured
    progress.begin_epoch()
    step(progress, clock, 40, 42)
    assert progress.stage_left() == pytest.approx(2 * 2 + 10)


def test_a_phase_counts_in_the_time_left(progress, clock):
    train(progress, clock)
    progress.begin("fine")
    progress.go_on(0, [], 6)
    with progress.counting("computing", 10) as phase:
        assert progress.run_left() is None  # nothing of it is done
        clock.now += 4
        phase.advance(2)
        assert progress.phase_left() == 16
        assert progress.run_left() == pytest.approx(16 + 8 * 3 + 2 * 10)
        phase.advance()
        assert phase.done == 3
    assert progress.phase_left() == 0
    assert progress.phase is None


EXPECTED = {"coarse": Expected(before=60, step=2, end=5), "fine": Expected(before=7, step=4, end=6)}


@pytest.fixture
def planned(clock):
    """The same two stages, measured beforehand; the first one begins."""
    made = RunProgress([recipe("coarse"), recipe("fine")], clock, EXPECTED)
    clock.now = 100.0
    made.begin("coarse")
    return made


def test_what_was_measured_beforehand_is_told_from_the_start(planned, clock):
    coarse, fine = 60 + 8 * 2 + 2 * 5, 7 + 8 * 4 + 2 * 6
    assert planned.stage_left() == pytest.approx(coarse)
    assert planned.run_left() == pytest.approx(coarse + fine)
    clock.now += 20
    assert planned.run_left() == pytest.approx(coarse + fine - 20)
    clock.now += 100  # the phases take longer than expected
    assert planned.run_left() == pytest.approx(coarse + fine - 60)


def test_a_stage_of_which_nothing_is_known_leaves_the_run_untold(clock):
    made = RunProgress([recipe("coarse"), recipe("fine")], clock, {"coarse": EXPECTED["coarse"]})
    made.begin("coarse")
    assert made.stage_left() == pytest.approx(60 + 8 * 2 + 2 * 5)
    assert made.run_left() is None


def test_a_phase_corrects_what_was_expected_of_it(planned, clock):
    with planned.counting("computing", 10) as phase:
        assert planned.stage_left() == pytest.approx(60 + 8 * 2 + 2 * 5)
        clock.now += 50
        phase.advance(5)  # half took 50 s: the other half is longer than the 10 s that were expected
        assert planned.stage_left() == pytest.approx(50 + 8 * 2 + 2 * 5)


def test_steps_and_ends_correct_what_was_expected_of_their_stage_alone(planned, clock):
    planned.go_on(0, [], 6)
    planned.begin_epoch()  # before anything is measured, and however long the phases were expected to take
    assert planned.stage_left() == pytest.approx(8 * 2 + 2 * 5)
    step(planned, clock, 130, 133)
    assert planned.stage_left() == pytest.approx(6 * 3 + 2 * 5)
    step(planned, clock, 136, 139)
    clock.now = 149
    planned.end_epoch(loss=0.5, mean_iu=0.25)
    assert planned.run_left() == pytest.approx(4 * 3 + 10 + 7 + 8 * 4 + 2 * 6)


def test_the_best_epoch_is_the_first_of_equals(progress):
    assert progress.stage.best is None
    progress.go_on(8, [0.25, 0.5, 0.5, 0.375], 6)
    assert progress.stage.best == 1


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0 s"), (4.4, "4 s"), (119.4, "119 s"), (119.6, "2 min"), (7500, "2 h 05 min")]
)
def test_time_left_is_written_in_whole_units(seconds, written):
    assert rounded(seconds) == written


@pytest.mark.parametrize(("seconds", "written"), [(0.0234, "23 ms"), (0.1, "0.1 s"), (1.3149, "1.31 s"), (62, "62 s")])
def test_a_steps_time_is_written_with_three_digits(seconds, written):
    assert step_duration(seconds) == written
