import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_keras import charts
from fcn_keras.charts import comparison, confusion_picture, iu_chart, trimap_chart
from fcn_keras.visualize import colorize, palette


def drawn(figure):
    """Render to pixels; a blank figure would have one colour."""
    file = io.BytesIO()
    figure.savefig(file, dpi=40)
    pixels = np.asarray(Image.open(file).convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1
    return pixels


def test_comparison_shows_each_row_and_the_classes_that_occur():
    rows = [(np.zeros((h, 12, 3), np.uint8), np.full((h, 12), 2, np.uint8), np.full((h, 12), 255)) for h in (9, 15)]
    figure = comparison(rows, titles=("Image", "FCN-8s", "Ground truth"), class_names=["sky", "road", "car"])
    assert len(figure.axes) == 6
    assert [axis.get_title() for axis in figure.axes[:3]] == ["Image", "FCN-8s", "Ground truth"]
    np.testing.assert_array_equal(figure.axes[4].images[0].get_array(), colorize(rows[1][1]))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["car", "void"]
    np.testing.assert_allclose(legend.get_patches()[0].get_facecolor()[:3], palette()[2] / 255)
    drawn(figure)
    assert not comparison(rows, titles=("a", "b", "c")).legends


def test_the_legend_fits_its_picture():
    labels = np.tile(np.arange(9, dtype=np.uint8), (9, 1))
    row = [np.zeros((9, 9, 3), np.uint8), labels]
    picture = comparison([row], titles=("a", "b"), class_names=["class"] * 9)
    assert picture.legends[0]._ncols == 3  # 4.8 inches have room for four, and rows of three are full
    long = comparison([row], titles=("a", "b"), class_names=["long name " * 5] * 9)
    assert long.legends[0]._ncols == 1
    for figure in (picture, long):
        drawn(figure)  # which lays it out
        box = figure.legends[0].get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width
        assert box.y1 <= figure.axes[0].get_window_extent().y0


def test_confusion_picture_divides_rows():
    figure = confusion_picture([[3, 1, 0], [0, 5, 0], [0, 0, 0]], ["sky", "road", "car"])
    shown = np.ma.filled(figure.axes[0].images[0].get_array().astype(float), np.nan)
    np.testing.assert_allclose(shown, [[75, 25, 0], [0, 100, 0], [np.nan] * 3])
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["100", "25", "75"]
    drawn(figure)


def test_iu_chart_sorts_and_leaves_absent_classes_out_of_the_mean():
    figure = iu_chart([0.5, np.nan, 0.75], ["sky", "road", "car"])
    axis = figure.axes[0]
    assert [bar.get_width() for bar in axis.patches] == [0, 0.5, 0.75]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["road", "sky", "car"]
    assert [text.get_text() for text in axis.texts] == ["absent", "50.0", "75.0"]
    assert axis.get_legend().get_texts()[0].get_text() == "mean IU 62.5"
    drawn(figure)
    drawn(iu_chart([np.nan]))


def test_trimap_chart():
    figure = trimap_chart((1, 2, 4), {"32s": [0.1, None, 0.3], "8s": [0.4, 0.5, 0.6]}, whole={"32s": 0.4, "8s": 0.7})
    axis = figure.axes[0]
    curves = {line.get_label(): line.get_ydata().tolist() for line in axis.lines if len(line.get_xdata()) == 3}
    assert curves["8s"] == [40, 50, 60]
    assert [x == x for x in curves["32s"]] == [True, False, True]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "2", "4"]
    assert {line.get_ydata()[0] for line in axis.lines if line.get_linestyle() == ":"} == {40, 70}
    assert len(trimap_chart((1, 2), {"8s": [0.4, 0.5]}).axes[0].lines) == 1
    with pytest.raises(ValueError, match=r"'8s' must have a value for each of 2 widths\. Received: 3"):
        trimap_chart((1, 2), {"8s": [0.1, 0.2, 0.3]})


def test_figures_leave_pyplot_alone():
    # Load the modules alone: the package around them imports Keras, which takes seconds.
    code = (
        "import sys, types; sys.modules['fcn_keras'] = types.ModuleType('fcn_keras');"
        "sys.modules['fcn_keras'].__path__ = ['.'];"
        "from fcn_keras.charts import iu_chart; assert 'matplotlib' not in sys.modules;"
        "iu_chart([0.5]); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(charts.__file__).parent)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: comparison([(np.zeros((1, 1, 3)),)]), r"must have 5 arrays, one per title. Received: \[1\]"),
        (lambda: comparison([]), r"must have 5 arrays, one per title. Received: \[\]"),
        (lambda: confusion_picture(np.zeros((2, 3))), r"must be square, \(K, K\). Received: shape \(2, 3\)"),
        (lambda: confusion_picture(np.eye(2), ["a"]), "must name the 2 classes. Received: 1 names"),
        (lambda: iu_chart(np.eye(2)), r"must be \(K,\), .* shape \(2, 2\)"),
        (lambda: iu_chart([1, 0], "abc"), "must name the 2 classes. Received: 3 names"),
    ],
)
def test_messages(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_missing_matplotlib_names_the_command(monkeypatch):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        iu_chart([0.5])
