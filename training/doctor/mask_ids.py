"""Tell from the ids of all masks together what they mean, and which masks mean something else than they hold."""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from fcn_keras.datasets.label_reading import fits
from fcn_keras_console.words import some

from ..annotations.masks import VOID, luma_tables, voc_ids
from .numbering import check_binary, check_names, check_range, infer

_COLORED = {"P", "RGB", "RGBA", "RGBX"}  # modes of files that are read by colour where classes have colours
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
        greys: indices of the grey masks whose greys are the classes' colours.
        step: what the ids of the classes may have been multiplied by.
    """

    names: tuple[str, ...]
    origin: str
    colored: bool
    ignore_label: int
    voc: set[int] = field(default_factory=set)
    luma: dict[int, int] = field(default_factory=dict)
    greys: set[int] = field(default_factory=set)
    step: int = 1

    @property
    def num_classes(self):
        return len(self.names)


def read_ids(masks, files, *, table=None, origin="", ignore_label=VOID, greys=frozenset()):
    """Find out what the ids mean, and write down which masks are wrong.

    Args:
        masks: `Mask` by index of the pair.
        files: `Files` of the masks.
        table: a `ClassTable`; None infers the number of classes.
        greys: indices of the grey masks that were read by colour.

    Returns:
        `Reading`.
    """
    reading = Reading(table.names if table else (), origin, bool(table and table.colored), ignore_label, greys=greys)
    known = len(table.names) if table else None
    _check_lossy(masks, files)
    ids = _check_colors(masks, reading, known, files)
    luma = _check_luma(masks, ids, reading, known, files)
    ids = {index: values for index, values in ids.items() if index not in luma}
    by_color = {i for i in ids if reading.colored and (i in greys or masks[i].mode in _COLORED)}
    binary = check_binary({i: own for i, own in ids.items() if i not in by_color}, ignore_label, known, files)
    ids = {index: values for index, values in ids.items() if index not in binary}
    if known is None:
        values = set().union(*ids.values(), reading.luma.values(), {1} if binary else ())
        reading.names = infer(values - {VOID}, files.findings)
        reading.origin = "inferred from the ids"
    lost = {i for i, mask in masks.items() if mask.remark == "void lost"}
    check_range(ids, reading, known is None, files, lost)
    return reading


def settle_greys(masks, table, ignore_label):
    """Find the grey masks that hold the classes' colours, as `fcn_keras.datasets.label_reading` reads them.

    Returns:
        `Mask` by index, those masks described by their ids; and their indices.
    """
    if table is None or not table.greys:
        return masks, set()
    grey = {i: mask for i, mask in masks.items() if mask.mode not in _COLORED}
    told = {i: fits(mask.values, table, ignore_label) for i, mask in grey.items()}
    colored = {i for i, (as_ids, as_colors) in told.items() if as_colors and not as_ids}
    if colored and table.greys_differ and (True, False) not in told.values():
        colored |= {i for i, both in told.items() if all(both)}
    return masks | {i: _by_greys(masks[i], table) for i in colored}, colored


def _by_greys(mask, table):
    ids = table.grey_ids[mask.values]
    values, place = np.unique(ids, return_inverse=True)
    counts = np.bincount(place, mask.counts).astype(np.int64)
    return replace(mask, values=values.astype(np.int64), counts=counts, solid=np.unique(table.grey_ids[mask.solid]))


def note_files(masks, reading, table, files):
    """Say what was taken as what, and what few bits a pixel did."""
    if table is not None:
        check_names(table.names, files.findings)
    if table is not None and (taken := [name for name in table.void_names if name != "void"]):
        files.findings.note(
            "void-named", f"The class file's {some(taken)} is read as void.", "Nothing to do if so meant."
        )
    alike = Counter(" ".join(name.casefold().split()) for name in reading.names)
    if twice := [name for name in reading.names if alike[" ".join(name.casefold().split())] > 1]:
        files.findings.note(
            "classes-named-alike",
            f"The classes {some(twice)} differ by capitals alone.",
            "If they are one class, give it one name where it is annotated, and import anew.",
        )
    files.note(
        "greys-are-colors",
        sorted(reading.greys),
        "are grey, and their greys are the classes' colours: they are read by colour.",
        "Right here; other programs may take the greys for ids.",
    )
    for remark, code, message, advice in (
        (
            "few bits",
            "mask-few-bits",
            "are grey files of 2 or 4 bits a pixel, whose values are read as ids.",
            "Right here; other programs read 85 or 17 times as much. Save masks with 8 bits.",
        ),
        (
            "void cut off",
            "mask-void-cut-off",
            "are palette files of 2 or 4 bits a pixel with an index that their palette has no colour for: 255 was cut "
            "off when they were written, and they are read so.",
            "Right here; save masks with a palette of 256 colours.",
        ),
    ):
        files.note(code, [i for i, mask in masks.items() if mask.remark == remark], message, advice)


def _check_lossy(masks, files):
    files.error(
        "mask-is-jpeg",
        [i for i, mask in masks.items() if mask.lossy],
        "are JPEG files, which do not keep ids exactly.",
        "Save masks as PNG from where they were drawn. fcn-doctor --fix takes the nearest true id; of "
        "masks of ids, what is thinner than three pixels is lost.",
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
        "Add the colours to the class file; masks saved as JPEG or resized smoothly hold such colours at borders. "
        "fcn-doctor --fix takes these for the nearest ones, and leaves a mask out that may hold a class which the "
        "class file lacks.",
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
    if len(strange) < 2:  # one may be a stray
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


def _ids(values, reading):
    """Return the set of a mask's ids, with the data set's own void as 255."""
    ids = set(values.tolist())
    return ids - {reading.ignore_label} | {VOID} if reading.ignore_label in ids else ids
