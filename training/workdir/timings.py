"""How long every epoch of a stage took: written by `timing_callback.py`, read by `fcn-report`."""

import csv
import math

FIELDS = ("epoch", "batches", "training", "validation")


def read_timings(path):
    """Read what `Timings` wrote: dicts by epoch of `batches`, `training` and `validation`.

    An epoch that was trained again, after a run was killed, counts once, as its last row says. A row that was cut short
    is left out.
    """
    timing_of = {}
    for row in read_table(path) if path.is_file() else []:
        try:
            epoch, *values = (float(row[name]) for name in FIELDS)
        except (KeyError, TypeError, ValueError):
            continue
        if all(math.isfinite(value) and value >= 0 for value in (epoch, *values)):
            timing_of[int(epoch)] = dict(zip(FIELDS[1:], values, strict=True))
    return timing_of


def read_table(path):
    """Read the rows of a CSV file as dicts of text by column.

    Raises:
        ValueError: if it is no such file.
    """
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            return list(csv.DictReader(file))
    except csv.Error as error:
        raise ValueError(f"{path} is not CSV ({error}). Restore it from a copy, or remove it.") from None
