"""Tell which masks were resized smoothly: of all masks together, where nothing else explains what they hold.

One mask with a class one pixel wide between a lower and a higher id looks as if it had been resized. docs/doctor.md
tells how often this is right.
"""

from dataclasses import replace

from fcn_keras_console.words import some

from ..annotations.masks import VOID
from ..annotations.mixed_borders import Borders

SURE, DOUBTFUL = "mask-resized-smoothly", "mask-perhaps-resized"
_MASKS = 3  # that must show it
_SOME = 10  # borders that lead through ids between, in a mask that shows it
_SHARE = 0.4  # of the borders between ids 3 or more apart, that do
_CHANGES, _OF_ALL = 0.1, 0.15  # of these, how many lead through others in the next row: in one mask, in all of them
_STRANGE = 5  # thin ids in a mask that no class has: more than classes that were left out of a class file
_MOST = 0.75  # of the masks with such borders that show it: then those with few of them were resized as well


def settle_resized(masks, files, *, table=None, ignore_label=VOID):
    """Say which masks were resized smoothly, and which may have been; take the doubtful ones as they are.

    Args:
        masks: `Mask` by index of the pair.
        files: `Files` of the masks.
        table: a `ClassTable`; None if the number of classes is not known.
        ignore_label: the void id besides 255.

    Returns:
        the same, `smooth` where masks were resized beyond doubt; and the doubtful ones by index, all their ids true.
    """
    seeming = {i: mask for i, mask in masks.items() if mask.smooth and not mask.lossy}
    sure = _beyond_doubt({i: mask.borders for i, mask in seeming.items()})
    if table is not None and not table.colored:
        sure |= _strange(seeming, {*range(len(table.names)), VOID, ignore_label})
    doubtful = {i: mask for i, mask in seeming.items() if i not in sure}
    _note_sure({i: seeming[i] for i in sorted(sure)}, files)
    files.note(
        DOUBTFUL,
        list(doubtful),
        f"hold ids between those of two regions along their borders{_only_thin(doubtful)}, as smooth resizing leaves "
        "them. So do thin classes, such as wires, poles and contours, and the masks do not tell. They are taken as "
        "they are.",
        "Look at a few. If they were resized, resize them with nearest neighbour from the originals; fcn-doctor --fix "
        "does not change them.",
    )
    taken = {i: replace(mask, smooth=False, solid=mask.values) for i, mask in doubtful.items()}
    return masks | taken, taken


def _beyond_doubt(borders):
    """Return the indices of those whose `Borders` only resizing explains."""
    telling = {i: own for i, own in borders.items() if own.through >= _SOME}
    sure = {i for i, own in telling.items() if _shows(own, _CHANGES)}
    if len(sure) < _MASKS or 2 * len(sure) < len(telling):
        return set()
    if not _shows(Borders(*map(sum, zip(*telling.values(), strict=True))), _OF_ALL):
        return set()
    return sure | (borders.keys() - telling.keys() if len(sure) >= _MOST * len(telling) else set())


def _strange(masks, known):
    """Return the indices of the masks that hold many ids which no class has, and none of these as a region."""
    strange = {i: set(mask.values.tolist()) - known for i, mask in masks.items()}
    found = {i for i, ids in strange.items() if len(ids - set(masks[i].solid.tolist())) >= _STRANGE}
    return found if len(found) >= _MASKS else set()


def _shows(borders, changes):
    """Tell whether many borders lead through ids between, and through others in the next row."""
    return borders.through >= _SHARE * borders.number and borders.changes >= max(2, changes * borders.beside)


def _note_sure(masks, files):
    through, number = (sum(getattr(mask.borders, name) for mask in masks.values()) for name in ("through", "number"))
    files.error(
        SURE,
        list(masks),
        f"hold ids between those of two regions along their borders{_only_thin(masks)}: they were resized smoothly. Of "
        f"{number:,} borders between ids 3 or more apart, {through:,} lead through such ids, which change as a border "
        "goes on.",
        "Resize masks with nearest neighbour from the originals. fcn-doctor --fix takes the nearest true id; what is "
        "thinner than three pixels is lost.",
    )


def _only_thin(masks):
    """Name the ids that have no region in any of these masks."""
    held, wide = (
        set().union(*(getattr(mask, name).tolist() for mask in masks.values())) for name in ("values", "solid")
    )
    return f" ({some(sorted(held - wide), 6)} are nowhere three pixels wide)" if held - wide else ""
