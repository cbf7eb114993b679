"""Tell from the ids of all masks together what they mean, and which masks mean something else than they hold."""

from dataclasses import dataclass, field

import numpy as np

from fcn_keras_console.words import some

from ..annotations.masks import VOID, luma_tables, voc_ids

_VOC = 21  # classes of VOC, whose colours are assumed where the number of classes is not known


@dataclass
class Reading:
    """How the masks are to be read.

    Attributes:
        names: of the classes.
        origin: where their number comes from.
        colored: whether the classes have colours.
        ignore_label: the void id besides 255.
        voc: indices of the masks that hold the colours of VOC's map.
        luma: grey value -> id for masks that hold the grey of VOC's colours; 255 where several ids have that grey.
    """

    names: tuple[str, ...]
    origin: str
    colored: bool
    ignore_label: int
    voc: set[int] = field(default_factory=set)
    luma: dict[int, int] = field(default_factory=dict)

    @property
    def num_classes(self):
        return len(self.names)


def read_ids(masks, files, *, table=None, origin="", ignore_label=VOID):
    """Find out what the ids mean, and write down which masks are wrong.

    Args:
        masks: `Mask` by index of the pair.
        files: `Files` of the masks.
        table: a `ClassTable`; None infers the number of classes.

    Returns:
        `Reading`.
    """
    reading = Reading(table.names if table else (), origin, bool(table and table.colored), ignore_label)
    known = len(table.names) if table else None
    _check_lossy(masks, files)
    ids = _check_colors(masks, reading, known, files)
    luma = _check_luma(masks, ids, reading, known, files)
    ids = {index: values for index, values in ids.items() if index not in luma}
    binary = _check_binary(ids, ignore_label, known, files)
    ids = {index: values for index, values in ids.items() if index not in binary}
    if known is None:
        values = set().union(*ids.values(), reading.luma.values(), {1} if binary else ())
        reading.names = _infer(values - {VOID}, files.findings)
        reading.origin = "inferred from the ids"
    _check_range(ids, reading, known is None, files)
    return reading


def _check_lossy(masks, files):
    files.error(
        "mask-is-jpeg",
        [i for i, mask in masks.items() if mask.lossy],
        "are JPEG files, which do not keep ids exactly.",
        "Save masks as PNG from where they were drawn; fcn-doctor --fix takes the nearest true id.",
    )
    smooth = [i for i, mask in masks.items() if mask.smooth and not mask.lossy]
    mixed = sorted(set().union(*(set(masks[i].values.tolist()) - set(masks[i].solid.tolist()) for i in smooth)))
    extra = f" ({some(mixed, 6)} occur nowhere else)" if mixed else ""
    files.error(
        "mask-resized-smoothly",
        smooth,
        f"hold in-between ids along their borders{extra}: they were resized smoothly.",
        "Resize masks with nearest neighbour from the originals; fcn-doctor --fix takes the nearest true id.",
    )


def _check_colors(masks, reading, known, files):
    """Return the set of ids, void left out, of every mask whose ids can be told."""
    colored = {i: mask for i, mask in masks.items() if mask.colors is not None}
    if reading.colored:
        _check_unknown_colors(colored, files)
        return {i: _ids(mask.solid, reading) for i, mask in masks.items()}
    voc = {i: voc_ids(mask.colors) for i, mask in colored.items()}
    limit = known or VOID
    fits = {i for i, ids in voc.items() if ((ids == VOID) | ((ids >= 0) & (ids < limit))).all()}
    grey = {i for i, mask in colored.items() if mask.values.size}
    if fits - grey and grey <= fits:  # black and grey are colours of the map, too
        grey = set()
    reading.voc = fits - grey
    others = colored.keys() - fits - grey
    colors = np.unique(np.concatenate([np.zeros((0, 3), int), *(masks[i].colors for i in others)]), axis=0)
    shown = ", ".join(str(tuple(color)) for color in colors[:4].tolist())
    for indices, message, advice in (
        (
            grey,
            "are RGB files whose three channels are equal: ids stored three times.",
            "Save one channel as 8-bit grey PNG; fcn-doctor --fix does.",
        ),
        (
            reading.voc,
            "hold VOC's colours, not ids, and the classes have no colours.",
            "Save ids as 8-bit grey PNG, as fcn-doctor --fix does, or give each class its colour in classes.txt.",
        ),
        (
            others,
            f"hold colours ({len(colors)}, such as {shown}), and the classes have none.",
            "Give each class its colour in classes.txt (`name R G B` a line), or save ids as 8-bit grey PNG.",
        ),
    ):
        files.error("mask-is-rgb", sorted(indices), message, advice)
    ids = {i: _ids(mask.solid, reading) for i, mask in masks.items() if i not in reading.voc and i not in others}
    return {**ids, **{i: set(voc[i].tolist()) for i in reading.voc}}


def _check_unknown_colors(colored, files):
    largest = max((mask.unknown / (mask.size[0] * mask.size[1]) for mask in colored.values()), default=0)
    files.error(
        "mask-colors-unknown",
        sorted(colored),
        f"hold colours that no class has, on up to {100 * largest:.2g} % of a mask's pixels.",
        "Add the colours to the class file; masks saved as JPEG or resized smoothly hold such colours at borders.",
    )


def _check_luma(masks, ids, reading, known, files):
    """Find masks that hold the grey of VOC's colours; return their indices."""
    limit = known or _VOC
    grey = {i: own - {VOID} for i, own in ids.items() if masks[i].colors is None and masks[i].mode != "P"}
    tables = luma_tables(min(limit, 255))
    possible = {i: own for i, own in grey.items() if any(own <= table.keys() for table in tables)}
    proven = {i: own for i, own in possible.items() if any(value >= limit for value in own)}
    values = set().union(*proven.values())
    strange = {value for value in values if value >= limit}
    if not strange or not (len(strange) >= 2 or min(strange) >= 2 * limit):
        return []
    everything = set().union(*grey.values())
    if known is None and (len(possible) < len(grey) or len(everything - {0}) < 3):
        return []
    # Where every mask may be luma, one without a telling value is luma too.
    members = possible if len(possible) == len(grey) else proven
    values = set().union(*members.values())
    fitting = [table for table in tables if values <= table.keys()] or tables
    for value in sorted(values):
        candidates = set().union(*(table.get(value, set()) for table in fitting))
        reading.luma[value] = candidates.pop() if len(candidates) == 1 else VOID
    unclear = sorted(value for value in values if reading.luma[value] == VOID and value != 220)
    changed = sorted(i for i, own in members.items() if any(reading.luma[value] != value for value in own))
    doubt = f" {some(unclear, 6)} stand for several ids and become void (255) there." if unclear else ""
    files.error(
        "mask-is-luma",
        changed,
        f"hold {some(sorted(values - {0}), 6)}: the grey values of VOC's colours, not ids. A palette mask was read as "
        "a grey picture.",
        f"Read the original palette files as indices; fcn-doctor --fix goes back from grey to id.{doubt}",
    )
    return sorted(members)


def _check_binary(ids, ignore_label, known, files):
    """Find masks whose foreground is 255, which is void; return their indices."""
    more = known not in (None, 2)
    if ignore_label != VOID or (more and not all(values <= {0, VOID} for values in ids.values())):
        return []
    white = [i for i, values in ids.items() if VOID in values]
    if not set().union(*ids.values()) <= {0, 1, VOID} or not any(0 in ids[i] for i in white):
        return []
    if any(1 in ids[i] for i in white):  # there 255 is void
        return []
    files.error(
        "mask-is-0-255",
        white,
        "hold 0 and 255 but never 1, and 255 is void: the foreground has no pixel.",
        "Write 1 instead of 255; fcn-doctor --fix does.",
    )
    return white


def _infer(ids, findings):
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


def _check_range(ids, reading, inferred, files):
    number = reading.num_classes
    union = set().union(*ids.values()) - {VOID}
    outside = sorted(value for value in union if not 0 <= value < number)
    if not outside:
        return
    if outside == [number] and 0 not in union:
        files.error(
            "ids-off-by-one",
            sorted(ids),
            f"hold ids 1 to {number} and never 0, for {number} classes.",
            "Subtract 1, as fcn-doctor --fix does"
            + (f", or say --classes {number + 1} if there is a class 0 that no mask shows." if inferred else "."),
        )
        return
    hint = f"If {number} means void, say --ignore-label {number}. " if outside == [number] else ""
    files.error(
        "ids-out-of-range",
        sorted(i for i, values in ids.items() if values & set(outside)),
        f"hold {some(outside, 6)}, and {number} classes have ids 0 to {number - 1} "
        f"(255 is void{'' if reading.ignore_label == VOID else f', as is {reading.ignore_label}'}).",
        f"{hint}Renumber them or give the right number of classes; fcn-doctor --fix makes them void (255).",
    )


def _ids(values, reading):
    """Return the set of a mask's ids, with the data set's own void as 255."""
    ids = set(values.tolist())
    return ids - {reading.ignore_label} | {VOID} if reading.ignore_label in ids else ids
