"""Pictures of where two models differ, and which images are pictured."""

import re

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from tests.training.compare.tallies import VOID, tallied
from training.compare.bootstrap import bootstrap
from training.compare.figures import COLORS, LargestDifferences, differences, figure, painted
from training.compare.table import comparison
from training.compare.tally import OUTCOMES

CLASS_COLORS = [(0, 0, 255), (255, 0, 0), (0, 160, 0), (90, 90, 0)]


def test_the_picture_of_where_they_differ():
    outcome = np.array([[OUTCOMES.index(name) for name in OUTCOMES] + [VOID]])
    image = np.full((1, 6, 3), 100, np.uint8)
    for ground, pixels in ((195, painted(outcome, image)), (255, painted(outcome))):
        expected = {name: COLORS.get(name, (ground,) * 3) for name in OUTCOMES}
        assert [tuple(map(int, pixel)) for pixel in pixels[0]] == [*expected.values(), (ground,) * 3]


def test_pictures_have_room_for_long_names():
    labels, names = np.arange(8)[None], [f"{number} and a long name" * 20 for number in range(8)]
    outcome = np.full((1, 8), OUTCOMES.index("a_right"))
    image, few = np.zeros((1, 8, 3), np.uint8), labels % 4
    drawn = figure(names[0], image, few, few, few, outcome, class_names=names[:4], colors=CLASS_COLORS)
    (shown,) = drawn.axes[1].images  # the truth
    np.testing.assert_array_equal(shown.get_array()[0, :4], CLASS_COLORS)
    tally = tallied([(labels, labels, labels)], 8)
    chart = differences(comparison(bootstrap(*tally.rows(), times=100), tally.outcomes(), tally.names, names))
    for each in (drawn, chart):
        canvas = FigureCanvasAgg(each)
        canvas.draw()
        for text in each.findobj(Text):
            if re.search("[a-z]", text.get_text()):
                box = text.get_window_extent()
                assert box.x0 > -1, text
                assert box.x1 < each.bbox.x1 + 1, text
    alone = figure("street", None, few, few, few, outcome, class_names=names[:4], colors=CLASS_COLORS)
    assert [axis.get_title() for axis in alone.axes] == ["Truth of street", "A", "B", "Where they differ"]
    (axis,) = chart.axes
    assert axis.get_ylim() == (-0.6, 11.6)  # four metrics and eight classes


def test_the_images_that_differ_most_are_kept():
    largest = LargestDifferences(2)
    for name, count in (("none", 0), ("one", 1), ("three", 3), ("also one", 1), ("two", 2)):
        outcome = np.full((1, 4), OUTCOMES.index("both_right"))
        outcome[0, :count] = OUTCOMES.index("a_right")
        largest.add(name, None, outcome * 0, (outcome * 0, outcome * 0), outcome)
    assert [name for name, _ in largest.figures(("sky",), [(0, 153, 255)])] == ["three", "two"]
