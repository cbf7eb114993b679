"""Tell whether the ids of masks are those of the classes, and name what they may mean where that is several things."""

import math
import re

from fcn_keras_console.words import some

from ..annotations.masks import VOID

# What `--read-as` chooses among, where the masks do not tell; a finding offers those that fit it.
READINGS = {
    "zero-void": "0 is unlabelled, {ids}: 0 becomes void, and the others one less",
    "zero-background": "0 is a class that the class file lacks, such as background, which is put first",
    "last-void": "{number} is void",
    "multiples": "the ids of the classes were multiplied by {step}, to be seen, and are divided by it",
    "others-void": "{outside} are void",
    "from-one": "the ids begin at 1, and each becomes one less",
    "zero-absent": "there is a class 0, which no mask shows",
    "foreground-255": "255 is the foreground and becomes 1{background}",
    "void-255": "255 is void",
    "first-file": "of two files of one id the first by name is meant",
}


_OFTEN = 0.8  # of the ids 1 to N, that occur where the ids of N classes begin at 1 beyond doubt


def readings(*names, **values):
    """Return sentences by name, of those of `READINGS` that fit."""
    return {name: READINGS[name].format(**values) for name in names}


def either(fitting):
    """Name readings in a sentence."""
    named = "; or ".join(f"{sentence} ({name})" for name, sentence in fitting.items())
    return f"{'Either' if len(fitting) > 1 else 'Perhaps'} {named}."


def _asking(fitting):
    return f"{either(fitting)} fcn-doctor --fix does nothing until one is named with --read-as."


def chosen_readings(report, names):
    """Return the readings that were chosen, as a set.

    Args:
        report: of the doctor.
        names: of `READINGS`.

    Raises:
        ValueError: if a finding has several and none or two of them were chosen, or one was chosen that nothing asks.
    """
    asked = [finding for finding in report.findings if finding.readings]
    for finding in asked:
        if sum(name in finding.readings for name in names) != 1:
            say = " or ".join(f"--read-as {name}" for name in finding.readings)
            raise ValueError(f"{finding.message} {either(finding.readings)} Say {say}. Nothing was written.")
    can = ", ".join(name for finding in asked for name in finding.readings)
    for name in names:
        if name not in can.split(", "):
            advice = f"It can be {can}" if can else "Leave it out"
            raise ValueError(f"--read-as {name} says nothing to {report.directory}. {advice}.")
    return frozenset(names)


def check_binary(ids, ignore_label, known, files):
    """Find masks whose foreground is 255, which is void; return their indices."""
    more = known not in (None, 2)
    if ignore_label != VOID or (more and not all(values <= {0, VOID} for values in ids.values())):
        return []
    white = [i for i, values in ids.items() if VOID in values]
    if not set().union(*ids.values()) <= {0, 1, VOID} or not any(0 in ids[i] for i in white):
        return []
    if any(1 in ids[i] for i in white):  # there 255 is void
        return []
    background = ", and 0 a background, which the class file lacks" if known == 1 else ""
    unclear = more or any(1 in values for values in ids.values())
    fitting = readings("foreground-255", "void-255", background=background) if unclear else None
    files.error(
        "mask-is-0-255",
        white,
        "hold 0 and 255 but never 1, and 255 is void: the foreground has no pixel.",
        _asking(fitting) if fitting else "Write 1 instead of 255; fcn-doctor --fix does.",
        readings=fitting,
    )
    return white


def infer(ids, findings):
    """Return names of classes 0 to the largest id."""
    ids = {value for value in ids if 0 <= value < VOID}
    number = max(ids, default=0) + 1
    if min(ids, default=0) == 1 and number > 2:
        number -= 1  # an error below: the ids are off by one
    gaps = sorted(set(range(number)) - ids)
    missing = f" {len(gaps)} of them never occur: {some(gaps, 6)}." if gaps and min(ids, default=0) == 0 else ""
    findings.note(
        "classes-inferred",
        f"There is no classes.txt, so that the number of classes is taken from the ids: {number}.{missing}",
        "Write the names into classes.txt, one a line, or say --classes.",
    )
    return tuple(map(str, range(number)))


def check_names(names, findings):
    """Find lines of a class file that begin with an id of their own, which is not that of the line.

    Args:
        names: of the classes. The first may be a heading, such as `id,name`.
        findings: `Findings`.
    """
    numbered = [re.fullmatch(r"(\d{1,3})\s*[\s,;:=.)]\s*\S.*", name) for name in names]
    first = 1 if numbered[0] is None else 0
    if len(names) - first < 2 or None in numbered[first:]:
        return
    numbers = [int(match[1]) for match in numbered[first:]]
    right = list(range(first, len(names)))
    if numbers in (right, [number + 1 for number in right]) or len(set(numbers)) < len(numbers) or min(numbers) > 1:
        return
    findings.error(
        "class-file-numbered",
        f"The lines of the class file begin with numbers that are not their ids: {names[0]!r} would be id 0, and "
        f"{names[1]!r} id 1. A line's place is its id.",
        "Write the names alone, in the order of the ids; fcn-doctor --import ids reads files of ids and names.",
    )


def check_range(ids, reading, inferred, files, lost=frozenset()):
    """Find ids that are no class's.

    Args:
        ids: set of them by index of the mask.
        reading: `mask_ids.Reading`.
        inferred: whether the number of classes is taken from the ids.
        files: `Files` of the masks.
        lost: indices of palette files of few bits, which cannot hold 255.
    """
    number = reading.num_classes
    union = set().union(*ids.values()) - {VOID}
    outside = sorted(value for value in union if not 0 <= value < number)
    if not outside:
        return
    if outside == [number] and 0 not in union:
        seldom = (
            len(union) < _OFTEN * number
        )  # 8 of 2, 5 and 8 may as well be the void of classes of which 0 never occurs
        doubt = ("from-one", "zero-absent") if inferred else ("from-one", "last-void") if seldom else ()
        fitting = readings(*doubt, number=number) if doubt else None
        files.error(
            "ids-off-by-one",
            sorted(ids),
            f"hold {_range_of(union, number)} and never 0, for {number} classes.",
            f"{_asking(fitting)} Or say --classes {number + 1}."
            if inferred
            else _asking(fitting)
            if fitting
            else "Subtract 1, as fcn-doctor --fix does.",
            readings=fitting,
        )
        return
    wrong = sorted(i for i, values in ids.items() if values & set(outside))
    reading.step = _step(union, number)
    fitting = _fitting(outside, number, reading.colored, union, reading.step)
    files.error(
        "ids-out-of-range",
        wrong,
        f"hold {some(outside, 6)}, and {_ids_of(number)} "
        f"(255 is void{'' if reading.ignore_label == VOID else f', as is {reading.ignore_label}'}).",
        _advice(outside, number, fitting, bool(lost & set(wrong))),
        readings=fitting,
    )


def _range_of(ids, number):
    return f"ids 1 to {number}" if len(ids) == number else f"{some(sorted(ids), 6)}"


def _ids_of(number):
    return "the one class has the id 0" if number == 1 else f"{number} classes have ids 0 to {number - 1}"


def _step(ids, number):
    """Return what the ids of classes may have been multiplied by, such as 85 for 3 classes; 1 if that cannot be."""
    step = math.gcd(*ids)
    # Of 4 classes, 255 would be the last one, and not void.
    return step if step > 1 and min(ids) >= 0 and max(ids) < step * number <= VOID else 1


def _fitting(outside, number, colored, ids, step):
    """Return the readings of ids out of range: none is wanted of strays, which can only be void."""
    if ids - {0} <= set(outside) and outside != [number] and not colored:  # as void, they would leave nothing
        names = ["multiples", "others-void"] if step > 1 else ["others-void"]
        return readings(*names, step=step, outside=some(outside, 6))
    if outside == [number]:
        names = ["zero-background", "zero-void", "last-void"] if number == 1 else ["zero-void", "last-void"]
        names += [] if number == 1 or colored else ["zero-background"]
        ids = "1 is the class" if number == 1 else f"1 to {number} are the classes"
        return readings(
            *(name for name in names if not (colored and name == "zero-background")), number=number, ids=ids
        )
    if outside == list(range(number, number + len(outside))):
        return readings("others-void", outside=some(outside, 6))
    return None


def _advice(outside, number, fitting, lost):
    cut = " Palette files of few bits cannot hold 255: it became the highest of these ids when they were written."
    cut = cut if lost else ""
    hint = f"If {number} means void, say --ignore-label {number}. " if outside == [number] else ""
    if outside == [number] and number == 1:
        hint += "If 0 is the background, put background first in the class file. "
    if fitting is None:
        advice = "Renumber them or give the right number of classes; fcn-doctor --fix makes them void (255)."
    elif len(fitting) > 1:
        advice = _asking(fitting)
    else:
        advice = (
            "They look like classes that the class file lacks: add their names, or give the right number. If they are "
            f"void: fcn-doctor --fix OUT --read-as {next(iter(fitting))}."
        )
    return f"{hint}{advice}{cut}"
