"""Sizes, timings, commands and versions, by hand."""

import numpy as np

from tests.training.report.stages import stage
from training.report import section_about as about
from training.report.training_run import find_run
from training.scoring.images import ScoredImage, SplitScores


def rows(section):
    """Return the cells of a section's first table, row by row."""
    return [["".join(cell.itertext()) for cell in row] for row in section.find(".//tbody")]


def images(*sizes):
    return [ScoredImage(index, f"image {index}", size, 0.5) for index, size in enumerate(sizes)]


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
