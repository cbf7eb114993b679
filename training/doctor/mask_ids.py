"""Tell from the ids of all masks together what they mean, and which masks mean something else than they hold."""

from dataclasses import dataclass, field

import numpy as np

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


def read_ids(masks, where, ledger, *, table=None, origin="", ignore_label=VOID):
    """Find out what the ids mean, and write down which masks are wrong.

    Args:
        masks: `Mask` by index of the pair.
        where: `(indices) -> str`, such as "3 of 20 masks (train 2, val 1)"; `where.files(indices)` names them.
        table: a `ClassTable`; None infers the number of classes.

    Returns:
        `Reading`.
    """
    reading = Reading(table.names if table else (), origin, bool(table and table.colored), ignore_label)
    known = len(table.names) if table else None
    _check_lossy(masks, where, ledger)
    ids = _check_colors(masks, reading, known, where, ledger)
    rest = dict(ids)
    for index in _check_luma(masks, rest, reading, known, where, ledger):
        del rest[index]
    binary = _check_binary(rest, ignore_label, known, where, ledger)
    rest = {index: found for index, found in rest.items() if index not in binary}
    if known is None:
        found = set().union(*rest.values(), reading.luma.values(), {1} if binary else ())
        reading.names = _infer(found - {VOID}, where, ledger)
        reading.origin = "inferred from the ids"
    _check_range(rest, reading, known is None, where, ledger)
    return reading


def _check_lossy(masks, where, ledger):
    lossy = [i for i, mask in masks.items() if mask.lossy]
    if lossy:
        ledger.error(
            "mask-is-jpeg",
            f"{where(lossy)} are JPEG files, which do not keep ids exactly.",
            "Save masks as PNG from where they were drawn; fcn-doctor --fix takes the nearest true id.",
            files=where.files(lossy),
            pairs=lossy,
        )
    smooth = [i for i, mask in masks.items() if mask.smooth and not mask.lossy]
    if smooth:
        mixed = sorted(set().union(*(set(masks[i].values.tolist()) - set(masks[i].solid.tolist()) for i in smooth)))
        extra = f" ({_few(mixed)} occur nowhere else)" if mixed else ""
        ledger.error(
            "mask-resized-smoothly",
            f"{where(smooth)} hold in-between ids along their borders{extra}: they were resized smoothly.",
            "Resize masks with nearest neighbour from the originals; fcn-doctor --fix takes the nearest true id.",
            files=where.files(smooth),
            pairs=smooth,
        )


def _check_colors(masks, reading, known, where, ledger):
    """Return the set of ids, void left out, of every mask whose ids can be told."""
    colored = {i: mask for i, mask in masks.items() if mask.colors is not None}
    if reading.colored:
        _check_unknown_colors(colored, where, ledger)
        return {i: _ids(mask.solid, reading) for i, mask in masks.items()}
    voc = {i: voc_ids(mask.colors) for i, mask in colored.items()}
    limit = known or VOID
    fits = {i for i, ids in voc.items() if ((ids == VOID) | ((ids >= 0) & (ids < limit))).all()}
    grey = {i for i, mask in colored.items() if mask.values.size}
    if fits - grey and grey <= fits:  # black and grey are colours of the map, too
        grey = set()
    reading.voc = fits - grey
    others = colored.keys() - fits - grey
    found = np.unique(np.concatenate([np.zeros((0, 3), int), *(masks[i].colors for i in others)]), axis=0)
    shown = ", ".join(str(tuple(color)) for color in found[:4].tolist())
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
            f"hold colours ({len(found)}, such as {shown}), and the classes have none.",
            "Give each class its colour in classes.txt (`name R G B` a line), or save ids as 8-bit grey PNG.",
        ),
    ):
        if indices:
            bad = sorted(indices)
            ledger.error("mask-is-rgb", f"{where(bad)} {message}", advice, files=where.files(bad), pairs=bad)
    ids = {i: _ids(mask.solid, reading) for i, mask in masks.items() if i not in reading.voc and i not in others}
    return {**ids, **{i: set(voc[i].tolist()) for i in reading.voc}}


def _check_unknown_colors(colored, where, ledger):
    if colored:
        shares = [mask.unknown / (mask.size[0] * mask.size[1]) for mask in colored.values()]
        ledger.error(
            "mask-colors-unknown",
            f"{where(sorted(colored))} hold colours that no class has, on up to {100 * max(shares):.2g} % of a mask's "
            "pixels.",
            "Add the colours to the class file; masks saved as JPEG or resized smoothly hold such colours at borders.",
            files=where.files(sorted(colored)),
            pairs=sorted(colored),
        )


def _check_luma(masks, ids, reading, known, where, ledger):
    """Find masks that hold the grey of VOC's colours; return their indices."""
    limit = known or _VOC
    grey = {i: found - {VOID} for i, found in ids.items() if masks[i].colors is None and masks[i].mode != "P"}
    tables = luma_tables(min(limit, 255))
    possible = {i: found for i, found in grey.items() if any(found <= table.keys() for table in tables)}
    proven = {i: found for i, found in possible.items() if any(value >= limit for value in found)}
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
    changed = sorted(i for i, found in members.items() if any(reading.luma[value] != value for value in found))
    doubt = f" {_few(unclear)} stand for several ids and become void (255) there." if unclear else ""
    ledger.error(
        "mask-is-luma",
        f"{where(changed)} hold {_few(sorted(values - {0}))}: the grey values of VOC's colours, not ids. A palette "
        "mask was read as a grey picture.",
        f"Read the original palette files as indices; fcn-doctor --fix goes back from grey to id.{doubt}",
        files=where.files(changed),
        pairs=changed,
    )
    return sorted(members)


def _check_binary(ids, ignore_label, known, where, ledger):
    """Find masks whose foreground is 255, which is void."""
    more = known not in (None, 2)
    if ignore_label != VOID or (more and not all(found <= {0, VOID} for found in ids.values())):
        return []
    white = [i for i, found in ids.items() if VOID in found]
    if not set().union(*ids.values()) <= {0, 1, VOID} or not any(0 in ids[i] for i in white):
        return []
    if any(1 in ids[i] for i in white):  # there 255 is void
        return []
    ledger.error(
        "mask-is-0-255",
        f"{where(white)} hold 0 and 255 but never 1, and 255 is void: the foreground has no pixel.",
        "Write 1 instead of 255; fcn-doctor --fix does.",
        files=where.files(white),
        pairs=white,
    )
    return white


def _infer(found, where, ledger):
    """Return names of classes 0 to the largest id."""
    found = {value for value in found if 0 <= value < VOID}
    number = max(found, default=0) + 1
    if min(found, default=0) == 1 and number > 2:
        number -= 1  # said to be off by one below
    gaps = sorted(set(range(number)) - found)
    missing = f" {len(gaps)} of them never occur: {_few(gaps)}." if gaps and min(found, default=0) == 0 else ""
    ledger.note(
        "classes-inferred",
        f"There is no classes.txt, so that the number of classes is taken from the ids: {number}.{missing}",
        "Write the names into classes.txt, one a line, or say --classes.",
    )
    return tuple(map(str, range(number)))


def _check_range(ids, reading, inferred, where, ledger):
    number = reading.num_classes
    union = set().union(*ids.values()) - {VOID}
    outside = sorted(value for value in union if not 0 <= value < number)
    if not outside:
        return
    bad = sorted(i for i, found in ids.items() if found & set(outside))
    if outside == [number] and 0 not in union:
        every = sorted(ids)
        ledger.error(
            "ids-off-by-one",
            f"{where(every)} hold ids 1 to {number} and never 0, for {number} classes.",
            "Subtract 1, as fcn-doctor --fix does"
            + (f", or say --classes {number + 1} if there is a class 0 that no mask shows." if inferred else "."),
            files=where.files(every),
            pairs=every,
        )
        return
    hint = f"If {number} means void, say --ignore-label {number}. " if outside == [number] else ""
    ledger.error(
        "ids-out-of-range",
        f"{where(bad)} hold {_few(outside)}, and {number} classes have ids 0 to {number - 1} "
        f"(255 is void{'' if reading.ignore_label == VOID else f', as is {reading.ignore_label}'}).",
        f"{hint}Renumber them or give the right number of classes; fcn-doctor --fix makes them void (255).",
        files=where.files(bad),
        pairs=bad,
    )


def _ids(values, reading):
    found = set(values.tolist())
    if reading.ignore_label != VOID and reading.ignore_label in found:
        found = found - {reading.ignore_label} | {VOID}
    return found


def _few(values, most=6):
    return ", ".join(map(str, values[:most])) + (f" and {len(values) - most} more" if len(values) > most else "")
