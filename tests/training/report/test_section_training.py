"""The curves of a run, and what is written where there is nothing to draw."""

from tests.training.report.stages import stage
from tests.training.report.svg import drawn
from training.report import section_training
from training.report.training_run import find_run


def test_epochs_without_a_loss_are_named_and_left_open(tmp_path):
    rows = "0,2,3,.1,.2\n1,nan,3,.2,.3\n2,2,inf,.3,.4\n3,1,1e38,.4,.5\n4,1,2,.4,.6\n"
    stage(tmp_path, "broken", rows=rows)
    section = section_training.section(find_run(tmp_path), [""], ["finer"])
    text = " ".join(section.itertext())
    assert "broken: in epochs 2, 3, 4 the loss is no number that can be drawn." in text
    assert "finer has begun, and finished no epoch yet." in text
    loss = section.find(".//figure/svg")
    stretches = [len(line.get("points").split()) for line in drawn(loss, "polyline", "training")]
    assert stretches == [1, 3]
    assert [len(line.get("points").split()) for line in drawn(loss, "polyline", "validation")] == [2, 1]


def test_many_epochs_without_a_loss_are_counted(tmp_path):
    stage(tmp_path, "broken", rows="0,2,3,.1,.2\n" + "".join(f"{n},nan,3,.1,.2\n" for n in range(1, 12)))
    text = " ".join(section_training.section(find_run(tmp_path), [""]).itertext())
    assert "in epochs 2, 3, 4, 5, 6, 7, 8, 9 and 3 more the loss is no number" in text
