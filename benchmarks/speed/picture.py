"""One picture of all sections, a panel each."""

from matplotlib.figure import Figure

COLUMNS = 2


def draw(sections, found):
    """Let every section draw its result.

    Args:
        sections: modules by name, with `draw(axes, result)` and `TITLE`.
        found: results by name.

    Returns:
        `matplotlib.figure.Figure`.
    """
    names = list(found)
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = Figure((9 * columns, 5.5 * rows), dpi=100, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        axes.set_title(sections[name].TITLE)
        sections[name].draw(axes, found[name])
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    return figure
