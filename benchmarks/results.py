"""What the benchmarks share: how a result is written and laid out."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg

from fcn_keras_console.environment import command, versions
from fcn_keras_console.files import require_folder, to_json, write_text, written


def add_output(parser):
    """Add `--output`, and make `parse_args` of it a folder that exists."""
    parser.add_argument(
        "--output", type=_folder, required=True, metavar="DIR", help="folder for the JSON and PNG files"
    )


def _folder(given):
    require_folder(Path(given))
    return Path(given)


def write(folder, name, report, figure, text):
    """Write `<name>.json`, `<name>.txt` and `<name>.png`, and print the text."""
    write_text(folder / f"{name}.json", to_json({**report, "versions": versions(), "command": command()}) + "\n")
    write_text(folder / f"{name}.txt", text + "\n")
    with written(folder / f"{name}.png") as temporary:
        FigureCanvasAgg(figure).print_png(temporary)
    print(text)


def table(heads, rows):
    """Lay out rows of texts under their heads, the first column to the left and the others to the right."""
    lines = [heads, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )
