"""How numbers and lists are written for people."""

import math

from .printing import in_one_line

ROUGH = 20  # images, below which a mean IU tells little
SPREAD = 11  # points: what other images, as many as n, change is this over the root of n, or more: docs/training.md


def percent(value):
    """Write a share from 0 to 1 with two decimals, as `fcn-evaluate` does; `-` for None."""
    return "-" if value is None else f"{100 * value:.2f}"


def duration(seconds):
    """Write seconds as `4.2 s`, `12 min`, `3 h 05 min`; `-` for None."""
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def rate(value):
    """Write a number of images a second with three digits; `-` for None."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def counted(number, unit):
    """Write a number and its unit, such as `1 image` or `1,012 images`."""
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def rough(images):
    """Say that a mean IU on so few images is rough; an empty text where they are enough, or none."""
    if not 0 < images < ROUGH:
        return ""
    return f"mean IU on {counted(images, 'image')} is rough: +-{SPREAD / math.sqrt(images):.0f} or more with others"


def rough_sentence(images):
    """Write `rough` as a sentence, or an empty text."""
    said = rough(images)
    return said and f"{said[0].upper()}{said[1:]}."


def some(names, most=5, between=", "):
    """Join the first `most` names, and count the others: `a, b and 3 more`.

    Args:
        names: sequence of what is to be named.
        most: how many are named at most.
        between: what divides them.
    """
    shown = between.join(in_one_line(str(name)) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
