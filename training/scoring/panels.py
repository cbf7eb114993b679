"""Draw what TensorBoard and `fcn-report` show of one scored image; turn figures into pixels and files."""

import numpy as np

from fcn_keras.visualize import background_of, error_map, overlay
from fcn_keras_console.files import written

from .legend import below, entries_of, present

TITLES = ("photograph", "truth", "prediction", "errors")


def panels(image, truth, labels, background, colors):
    """Draw what is shown of one image: itself, truth and prediction painted over it, and where they differ.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        truth: `(H, W)` class ids, 255 void.
        labels: `(H, W)` class ids.
        background: as for `fcn_keras.overlay`.
        colors: of the classes, `(K, 3)` uint8.

    Returns:
        `(H, W, 3)` uint8 arrays in the order of `TITLES`.
    """
    painted = [overlay(image, ids, background=background, colors=colors) for ids in (truth, labels)]
    return [np.asarray(image), *painted, error_map(image, truth, labels)]


def panels_in_a_row(image, truth, labels, names, colors):
    """Draw `panels` side by side, and below them the legend of the classes that occur: `(H, W, 3)` uint8."""
    background = background_of(names)
    row = np.concatenate(panels(image, truth, labels, background, colors), axis=1)
    return below(row, entries_of(present([truth, labels], names, background), names, colors))


def shortened(name, most):
    """Leave out the middle of a name of more than `most` characters: long names often differ at their ends alone."""
    if len(name) <= most:
        return name
    end = (most - 1) // 2
    return f"{name[: most - 1 - end]}\N{HORIZONTAL ELLIPSIS}{name[-end:]}"


def cells_of(matrix, side=16):
    """Draw a confusion matrix in squares, the darker the larger the share of the truth's pixels.

    Without the names, and so in no time after every epoch: `fcn_keras.charts.confusion_picture` takes seconds.

    Args:
        matrix: `(C, C)` counts, rows truth, columns prediction.
        side: of a square, in pixels.

    Returns:
        `(side * C, side * C, 3)` uint8, class 0 at the upper left.
    """
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    white, dark = np.array([255, 255, 255]), np.array([8, 48, 107])
    cells = np.round(white + shares[..., None] * (dark - white)).astype(np.uint8)
    return cells.repeat(side, axis=0).repeat(side, axis=1)


def pixels_of_figure(figure, dpi=120):
    """Draw a `matplotlib.figure.Figure`; return `(H, W, 3)` uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def write_figure(figure, path, dpi=120):
    """Write a `matplotlib.figure.Figure` as a PNG, whole or not at all."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    with written(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary)
