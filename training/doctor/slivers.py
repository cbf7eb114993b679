"""Say where masks are frayed: many islands of one pixel, and slivers one pixel wide, in many masks.

Classes that are thin by nature, such as poles and wires, are left out. docs/doctor.md tells what clean masks have.
"""

import numpy as np

_LEAST, _PIXELS = 20, 3_000  # more thin parts than 20, and than one in so many pixels, are many
_SHARE = 0.25  # of the masks that have many, before it is worth a word
_THIN = 0.01  # of a class's pixels that lie in slivers, if it is thin by nature
_OUTNUMBER = 2  # slivers for an island: a wire is long, a mistake is short


def thin_classes(masks):
    """Return the ids of the classes that are thin by nature.

    More than 1 % of their pixels lie in slivers, which outnumber their islands two to one.

    Args:
        masks: list of `Mask`.
    """
    rows = np.array([part for mask in masks for part in mask.thin], np.int64).reshape(-1, 4)
    suspects, place = np.unique(rows[:, 0], return_inverse=True)
    totals = np.zeros((len(suspects), 3), np.int64)
    np.add.at(totals, place, rows[:, 1:])
    natural = set()
    for c, (islands, slivers, thin) in zip(suspects.tolist(), totals.tolist(), strict=True):
        if slivers >= max(1, _OUTNUMBER * islands):
            pixels = sum(int(mask.counts[mask.values == c].sum()) for mask in masks)
            natural |= {c} if thin > _THIN * pixels else set()
    return natural


def check_slivers(masks, names, files):
    """Count islands and slivers in every mask, and name the worst where many masks have many.

    Args:
        masks: `Mask` by index of the pair, without those that have faults of their own.
        names: of the classes.
        files: `Files` of the masks.
    """
    natural = thin_classes([*masks.values()])
    numbers = {}
    for index, mask in masks.items():
        islands = sum(part.islands for part in mask.thin if part.id not in natural)
        slivers = sum(part.slivers for part in mask.thin if part.id not in natural)
        if islands + slivers > max(_LEAST, mask.size[0] * mask.size[1] / _PIXELS):
            numbers[index] = islands, slivers
    if not numbers or len(numbers) < _SHARE * len(masks):
        return
    worst = sorted(numbers, key=lambda index: -sum(numbers[index]))
    islands, slivers = (sum(counts) for counts in zip(*numbers.values(), strict=True))
    left_out = [names[c] for c in sorted(natural) if c < len(names)]
    thin = f" {', '.join(left_out)} not counted: thin by nature." if left_out else ""
    files.note(
        "mask-frayed",
        worst,
        f"hold many parts that are nowhere two pixels wide: {islands:,} islands of one pixel and {slivers:,} slivers, "
        f"the first {numbers[worst[0]][0]:,} and {numbers[worst[0]][1]:,}.{thin}",
        "Look at them: gaps between outlines, a brush's leftovers and a net's own guesses look like that. Remove such "
        "parts, or make them void.",
    )
