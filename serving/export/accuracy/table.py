"""The table of how far a file is from its model, and the model card that stands beside the file."""

import datetime

from .. import model_card as card

COLUMNS = ("precision", "labels agree", "compared on", "largest score error", "mean IU", "of the model", "difference")


def table(precision, figures, validation=None):
    """Lay out one row of figures.

    Args:
        figures: `parity.Figures`.
        validation: `validation.Validation`, or None.

    Returns:
        Lines of a Markdown table, whose columns line up.
    """
    error = "-" if figures.largest_error is None else f"{100 * figures.largest_error:.2g} %"
    row = [precision, f"{100 * figures.agreement:.3f} %", f"{figures.images} images", error]
    columns = COLUMNS[: len(row)]
    if validation is not None:
        difference = 100 * (validation.file - validation.model)
        row += [f"{100 * validation.file:.2f}", f"{100 * validation.model:.2f}", f"{difference:+.2f}"]
        columns = COLUMNS
    widths = [max(map(len, pair)) for pair in zip(columns, row, strict=True)]
    lines = [columns, ["-" * width for width in widths], row]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]


def markdown(facts, rows, notes):
    """Write the model card of a file.

    Args:
        facts: `"file"`, `"format"`, `"answers"`, `"network"`, `"weights"`, `"heads"`, `"packages"` (names) and what
            `provenance.beside` found.
        rows: lines of `table`.
        notes: sentences on what was compared with what.

    Returns:
        str.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    parts = [
        f"# {facts['file']}",
        f"A fully convolutional network ({facts['network']}, {facts['weights']:,} weights) for {facts['format']}: "
        f"{facts['answers']}. Exported {now}.",
        "## Classes",
        *(card.classes_of(head, one) for head, one in facts["heads"].items()),
        "## Data and training",
        card.training_of(facts),
        "## Metrics",
        card.metrics_of(facts.get("metrics"), facts.get("training")),
        "## Parity",
        "\n".join(rows),
        "This file against `fcn_keras.predict` on the model it was made of. The error is a share of the image's "
        f"largest score. {notes}".strip(),
        "## Versions",
        ", ".join(f"{name} {version}" for name, version in card.package_versions(facts["packages"]).items()) + ".",
    ]
    return "\n\n".join(parts) + "\n"
