"""The curves of a run, and what is written where there is nothing to draw."""

import pytest

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


def test_stages_are_called_by_what_their_names_do_not_share(tmp_path):
    stage(tmp_path, "quick_fcn8s_head", rows="0,3,3,.1,.2\n")
    stage(tmp_path, "quick_fcn8s", start="quick_fcn8s_head", rows="0,2,3,.1,.2\n")
    section = section_training.section(find_run(tmp_path), [""])
    for chart in section.iter("svg"):
        named = [text.text for text in chart.iter("text") if "fcn" in (text.text or "")]
        assert named == ["fcn8s_head", "fcn8s"]


def test_raw_weights_are_drawn_beside_the_averaged_ones(tmp_path):
    stage(tmp_path, "before", rows="0,3,3,.1,.2\n")
    place = stage(tmp_path, "averaged", start="before")
    (place / "log.csv").write_text(
        "epoch,loss,val_loss,raw_val_loss,val_confusion_mean_iu,raw_val_confusion_mean_iu\n"
        "0,2,3,4,.4,.2\n"
        "1,1,2,3,.5,.6\n"
    )
    section = section_training.section(find_run(tmp_path), [""])
    charts = {figure.find("figcaption").text: figure.find("svg") for figure in section.iter("figure")}
    assert {title: len(drawn(chart, "polyline", "raw")) for title, chart in charts.items()} == {"loss": 1, "mean IU": 1}
    raw, averaged = (drawn(charts["mean IU"], "circle", kind) for kind in ("raw", "validation"))
    assert [point.find("title").text for point in raw] == [
        "averaged, epoch 1, validation of raw weights: 20 %",
        "averaged, epoch 2, validation of raw weights: 60 %",
    ]
    assert [point.get("cx") for point in raw] == [point.get("cx") for point in averaged[1:]]
    # In the first epoch both stages' 20 % stand at one height; in the last one the raw weights are above.
    assert raw[0].get("cy") == averaged[0].get("cy")
    assert float(raw[1].get("cy")) < float(averaged[2].get("cy"))
    assert keys(section) == {
        "training": "training batches",
        "validation": "validation images",
        "raw": "validation images, raw weights instead of averaged",
    }


def test_a_stage_that_kept_the_model_of_the_one_before_says_so(tmp_path):
    stage(tmp_path, "head", rows="0,3,3,.1,.4\n")
    place = stage(tmp_path, "last", rows="0,3,3,.1,.2\n", start="head")
    (place / "summary.json").write_text('{"kept": "head"}')
    text = " ".join(section_training.section(find_run(tmp_path), [""]).itertext())
    assert text.count("last: no epoch was better than head, whose model is kept as its best.") == 1
    assert "head: no epoch" not in text


def test_without_raw_scores_there_is_no_third_line(tmp_path):
    stage(tmp_path, "plain", rows="0,3,3,.1,.2\n")
    section = section_training.section(find_run(tmp_path), [""])
    assert keys(section) == {"training": "training batches", "validation": "validation images"}
    assert {line.get("class") for line in section.iter("polyline")} == {"training", "validation"}


def keys(section):
    return {span.get("class"): span.text for span in section.iterfind("p[@class='key']/span")}


def test_what_stood_still_in_which_stage(tmp_path):
    stage(tmp_path, "pixels", rows="0,3,3,.1,.2\n")
    stage(
        tmp_path, "head", start="pixels", rows="0,3,3,.1,.2\n", frozen=["conv"], views=460, kept_maps=["pool4", "pool5"]
    )
    stage(tmp_path, "last", start="head", rows="0,3,3,.1,.2\n", frozen=["conv1", "conv2", "conv4"], views=1)
    head, *rows = stages(section_training.section(find_run(tmp_path), [""]))
    assert head[-2:] == ["stands still", "trained from"]
    assert [[row[0], *row[-2:]] for row in rows] == [
        ["pixels", "nothing", "images"],
        ["head", "all conv", "460 views and as many mirror images, kept as maps of pool4, pool5"],
        ["last", "conv1 to conv2, conv4", "1 view and as many mirror images, kept as maps"],
    ]


def test_stages_in_which_all_layers_learn_have_no_column_of_it(tmp_path):
    stage(tmp_path, "pixels", rows="0,3,3,.1,.2\n", frozen=[])
    head, row = stages(section_training.section(find_run(tmp_path), [""]))
    assert head == ["stage", "epochs", "batches", "best epoch", "pixel accuracy", "mean accuracy", "mean IU", "f.w. IU"]
    assert len(row) == len(head)


def stages(section):
    return [["".join(cell.itertext()) for cell in row] for row in section.iter("tr")]


@pytest.mark.parametrize(
    ("frozen", "said"),
    [
        (["conv1", "conv2", "conv3", "conv4"], ["conv1 to conv4"]),
        (["conv", "fc"], ["all conv", "all fc"]),
        (["fc6", "fc7", "conv8", "score"], ["fc6 to fc7", "conv8", "all score"]),
        (["conv2", "conv1", "conv"], ["conv2", "conv1", "all conv"]),
        (["", "1" * 5000], ["all ", "1" * 5000]),
    ],
)
def test_layers_whose_numbers_follow_one_another(frozen, said):
    assert section_training._spans(frozen) == said
