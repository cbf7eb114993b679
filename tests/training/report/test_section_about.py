"""Sizes, timings, commands and versions, by hand."""

import numpy as np

from tests.training.report.stages import stage
from training.report import section_about as about
from training.report.training_run import find_run
from training.scoring.images import ScoredImage, SplitScores

PLAN = {"images": "8 to train on", "time": "2 min, of which 21 s are over", "memory": "about 1.4 GB"}


def cells(table):
    """Return the texts of a table's body, row by row."""
    return [["".join(cell.itertext()) for cell in row] for row in table.find(".//tbody")]


def rows(section):
    """Return the cells of a section's first table, row by row."""
    return cells(section)


def images(*sizes):
    return [ScoredImage(index, f"image {index}", size, 0.5) for index, size in enumerate(sizes)]


def test_a_plan_beside_the_time_that_it_took(tmp_path):
    stage(tmp_path, "head", plan=PLAN, times="0,2,60,5\n", seconds=83.4)
    stage(tmp_path, "whole", start="head", plan=PLAN, seconds=106.6)
    section = about.plan(find_run(tmp_path))
    assert [caption.text for caption in section.iterfind(".//caption/span")] == ["The plan, made before the run began"]
    assert rows(section) == [
        ["images", "8 to train on"],
        ["time", "2 min, of which 21 s are over"],
        ["it took", "head 83 s, whole 1.8 min, together 3.2 min"],  # 83.4 + 106.6 s
        ["memory", "about 1.4 GB"],
    ]


def test_a_plan_of_steps_has_the_time_at_its_end(tmp_path):
    stage(tmp_path, "only", plan={"only": "40 steps", "odd": ["<b>", None]}, times="0,2,60,5\n1,2,40,5\n")
    assert rows(about.plan(find_run(tmp_path))) == [
        ["only", "40 steps"],
        ["odd", "<b>, none"],
        ["it took", "only 1.8 min so far"],  # 110 s, and not finished
    ]


def test_a_run_that_went_on_has_its_first_plan(tmp_path):
    stage(tmp_path, "head", plan=PLAN, seconds=10)
    stage(tmp_path, "whole", start="head", seconds=20)  # nothing was planned again
    section = about.plan(find_run(tmp_path))
    assert len(section.findall(".//table")) == 1
    assert ["it took", "head 10 s, whole 20 s, together 30 s"] in rows(section)


def test_stages_that_were_planned_apart_have_a_plan_each(tmp_path):
    stage(tmp_path, "coarse", plan={"time": "long"}, seconds=70)
    stage(tmp_path, "fine", start="coarse", plan={"time": "short"})
    section = about.plan(find_run(tmp_path))
    tables = {"".join(table.find("caption").itertext()): cells(table) for table in section.iter("table")}
    assert tables == {
        "The plan of coarse": [["time", "long"], ["it took", "coarse 70 s"]],
        "The plan of fine": [["time", "short"]],  # nobody wrote down its time
    }


def test_a_run_without_a_plan_shows_none(tmp_path):
    stage(tmp_path, "older", seconds=10)
    assert about.plan(find_run(tmp_path)) is None
    stage(tmp_path, "other", start="older", plan=["no plan"], seconds=10)
    assert about.plan(find_run(tmp_path)) is None


def test_one_size():
    section = about.sizes(images((30, 40), (30, 40)))
    assert rows(section) == [["40 x 30", "2"]]
    assert "Widths" not in "".join(section.itertext())


def test_the_most_frequent_sizes_and_how_many_others():
    section = about.sizes(images((5, 9), (5, 9), *((n, n) for n in range(1, 10))))
    assert rows(section)[0] == ["9 x 5", "2"]
    assert rows(section)[-1] == ["2 other sizes", "2"]
    assert "Widths from 1 to 9, heights from 1 to 9 pixels." in "".join(section.itertext())


def test_timings(tmp_path):
    stage(tmp_path, "coarse")
    stage(tmp_path, "fine", start="coarse", times="0,2,10,1\n1,2,4,1\n")
    section = about.timings(find_run(tmp_path), SplitScores(images=images((1, 1)) * 30, seconds=4.0), "this machine")
    assert rows(section) == [
        ["coarse: training", "-", "-", "-"],
        ["coarse: validation", "-", "-", "-"],
        ["fine: training", "14 s", "1.75", "-"],  # 10 images in 10 s, then in 4 s
        ["fine: validation", "2.0 s", "-", "-"],
        ["this report: 30 images scored", "4.0 s", "7.5", "this machine"],
    ]
    assert "coarse: trained by a version that did not write timings." in "".join(section.itertext())


def test_how_it_was_made(tmp_path):
    stage(tmp_path, "coarse")
    origin = {"model": "runs/coarse/best.keras", "recipe": None}
    section = about.made(find_run(tmp_path), origin, ["a.png cannot be read"], "fcn-report runs")
    text = " ".join(" ".join(section.itertext()).split())
    assert "model runs/coarse/best.keras" in text
    assert "recipe" not in text
    assert "The command was not written down." in text
    assert "1 file skipped, which could not be read: a.png cannot be read" in text
    assert "This report fcn-report runs" in text
    assert ["numpy", np.__version__] in rows(section)
