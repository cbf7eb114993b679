"""Charts, by hand: where points, bars and cells stand, and what they say."""

import numpy as np
import pytest

from tests.training.report.svg import drawn
from training.report import svg_charts as charts


def test_a_curve_by_hand():
    lines = {"validation": [[(0, 0, "a"), (10, 1, "b")], [(20, 0.5, "c")]], "training": [[], []]}
    svg = charts.curves("t", lines, [(10, "first"), (20, "second")], what="{:g}".format)
    places = [(float(x.get("cx")), float(x.get("cy"))) for x in drawn(svg, "circle", "validation")]
    left, right = charts.LEFT, charts.WIDTH - charts.RIGHT
    top, bottom = charts.TOP, charts.HEIGHT - charts.BOTTOM
    assert places == [(left, bottom), ((left + right) / 2, top), (right, (top + bottom) / 2)]
    assert [x.find("title").text for x in drawn(svg, "circle", "validation")] == ["a", "b", "c"]
    assert len(drawn(svg, "line", "rule")) == 1
    texts = [x.text for x in svg.iter("text")]
    assert texts == ["0", "0.5", "1", "first", "10", "second", "20"]
    assert charts.curves("t", {"training": []}, [], what=str) is None


def test_values_over_decades_stand_on_a_logarithmic_axis():
    lines = {"validation": [[(1, 1e5, ""), (2, 1e3, ""), (3, 1e4, "")]]}
    svg = charts.curves("t", lines, [(3, "s")], what="{:g}".format)
    heights = [float(x.get("cy")) for x in drawn(svg, "circle", "validation")]
    middle = (charts.TOP + charts.HEIGHT - charts.BOTTOM) / 2
    assert heights == [charts.TOP, charts.HEIGHT - charts.BOTTOM, middle]
    assert [x.text for x in svg.iter("text")][:3] == ["1000", "10000", "100000"]


@pytest.mark.parametrize(
    "values", [[0.0], [0.5, 0.5], [-3.0, 4.0], [1e-9, 1e-9], [7e8], [0.0, 1e9], [5e-324, 1.0], [1e-29, 1e29]]
)
def test_every_axis_holds_its_values(values):
    to_y, ticks = charts._scale(values)
    assert all(-1e-9 <= to_y(value) <= 1 + 1e-9 for value in values)
    assert 2 <= len(ticks) <= 6
    assert ticks == sorted(ticks)


def test_a_histogram_by_hand():
    svg = charts.histogram("t", [0.101, 0.109, 0.125, 0.13], marks=[(0.13, "best", "hint")])
    hints = [x.find("title").text for x in drawn(svg, "rect", "bar")]
    assert hints == [
        "2 of 4 images: 10 to 11 %",
        "0 of 4 images: 11 to 12 %",
        "2 of 4 images: 12 to 13 %",  # the last bin holds its end
    ]
    (mark,) = drawn(svg, "circle", "best")
    assert float(mark.get("cx")) == charts.WIDTH - charts.RIGHT


@pytest.mark.parametrize("values", [[0.0], [1.0], [0.0, 1.0], [0.5] * 3, [0.333, 0.3341]])
def test_a_histogram_counts_every_value(values):
    bars = drawn(charts.histogram("t", values), "rect", "bar")
    assert sum(int(x.find("title").text.split()[0]) for x in bars) == len(values)
    assert len(bars) <= 22


def test_a_confusion_matrix_by_hand():
    svg = charts.confusion("t", [[3, 1, 0], [0, 0, 0], [0, 1, 999]], ["sky", "road", "a" * 40])
    cells = {x.find("title").text: float(x.get("fill-opacity")) for x in drawn(svg, "rect", "cell")}
    long = "a" * 40
    assert cells == {  # one in a thousand is not drawn, the diagonal always
        "sky as sky: 75.0 %": 0.75,
        "sky as road: 25.0 %": 0.25,
        "road as road: 0.0 %": 0,
        f"{long} as {long}: 99.9 %": 0.999,
    }
    assert [x.text for x in svg.iter("text") if x.text.isdecimal()] == ["75", "25", "100"]
    assert f"{'a' * 9}\N{HORIZONTAL ELLIPSIS}{'a' * 8}" in [x.text for x in svg.iter("text")]


@pytest.mark.parametrize(("count", "side"), [(40, 16), (150, 12)])
def test_a_matrix_of_many_classes_has_small_cells_and_no_numbers(count, side):
    svg = charts.confusion("t", np.eye(count, dtype=int).tolist(), [f"{n:03}" for n in range(count)])
    assert len(drawn(svg, "rect", "cell")) == count
    assert drawn(svg, "rect", "frame")[0].get("width") == str(count * side)
    assert not [x.text for x in svg.iter("text") if x.text == "100" and x.get("text-anchor") == "middle"]
