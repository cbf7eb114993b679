"""What differs between the data of two times, in words."""

from collections import Counter

from fcn_keras_console.words import counted, some

NAMED = 3  # files of a kind that are named before the others are only counted
KINDS = {"image": "image", "label": "mask", "hha": "HHA image", "depth": "depth image", "data": "example"}


def changes(before, now):
    """Say what differs between two lists of a stage's data.

    Args:
        before, now: `DataList`.

    Returns:
        sentences without a full stop by what they are about: `"train"`, `"val"` or `"classes"`. Empty if the same.
    """
    names = [name for name in now.splits if name in before.splits]
    said = {name: _split_changes(before.splits[name], now.splits[name]) for name in names}
    said["classes"] = _class_changes(before.classes, now.classes)
    return {name: ", ".join(parts) for name, parts in said.items() if parts}


def sentence(said):
    """Join what `changes` returns to one text."""
    return "; ".join(f"{name}: {what}" for name, what in said.items())


def _split_changes(before, now):
    if before.digest == now.digest:
        return []
    if not now.ids or not before.ids:
        return [f"{counted(now.count, 'example')}, {_were(before.count)} {before.count:,}"]
    gone, new = _without(before, now), _without(now, before)
    renamed = _renamed(gone, new)
    added = [key for key in new if key not in renamed.values()]
    removed = [key for key in gone if key not in renamed]
    said = [f"{counted(len(added), 'image')} more ({some(added, NAMED)})"] if added else []
    said += [f"{counted(len(removed), 'image')} fewer ({some(removed, NAMED)})"] if removed else []
    said += (
        [f"{len(renamed):,} renamed ({some([f'{a} to {b}' for a, b in renamed.items()], NAMED)})"] if renamed else []
    )
    said += _content_changes(before, now)
    kept = [
        [key for key in one.ids if key in common] for one in (before, now) if (common := {*before.ids} & {*now.ids})
    ]
    if kept and kept[0] != kept[1]:
        said.append("the images are in another order")
    return said


def _content_changes(before, now):
    place = {key: number for number, key in enumerate(before.ids)}
    for kind in {**before.digests, **now.digests}:
        word = KINDS.get(kind, f"{kind} file")
        if kind not in before.digests or kind not in now.digests:
            yield f"{word}s are {'left out' if kind in before.digests else 'new'}"
            continue
        old, new = before.digests[kind], now.digests[kind]
        other = [key for key, digest in zip(now.ids, new, strict=True) if key in place and old[place[key]] != digest]
        if other:
            yield f"{counted(len(other), word)} changed ({some(other, NAMED)})"


def _without(one, other):
    """Return the ids of one list that another has not, with the digests of their files."""
    known = {*other.ids}
    rows = zip(one.ids, *one.digests.values(), strict=True)
    return {key: digests for key, *digests in rows if key not in known}


def _renamed(gone, new):
    """Pair ids whose files are the same, of those that no others equal."""
    times = [Counter(map(tuple, each.values())) for each in (gone, new)]
    key_of = {tuple(digests): key for key, digests in new.items()}
    single = {tuple(digests) for digests in gone.values() if all(each[tuple(digests)] == 1 for each in times)}
    return {key: key_of[tuple(digests)] for key, digests in gone.items() if tuple(digests) in single}


def _class_changes(before, now):
    if before == now:
        return []
    said = []
    for head, names in now["names"].items():
        old, of = before["names"].get(head, []), f" of head {head!r}" if head else ""
        if names == old:
            continue
        if len(names) != len(old):
            said.append(f"{len(names)}{of} ({some(names)}), {_were(len(old))} {len(old)} ({some(old)})")
        elif sorted(names) == sorted(old):
            said.append(f"the order{of} is {some(names)}, was {some(old)}")
        else:
            other = [f"{was} is now {name}" for was, name in zip(old, names, strict=True) if was != name]
            said.append(f"{some(other, NAMED)}{of}")
    said += ["the heads are others"] if before["names"].keys() != now["names"].keys() else []
    return said or ["their colours are others"]


def changes_meaning(before, now):
    """Tell whether the classes are in another order, or more or fewer: what a network's channels mean would change.

    A class that is called by a new name in the place of the old one keeps its channel.

    Args:
        before, now: `DataList.classes`.
    """
    if before["names"].keys() != now["names"].keys():
        return True
    pairs = [(before["names"][head], names) for head, names in now["names"].items()]
    return any(
        len(old) != len(new) or any(name in old and old.index(name) != i for i, name in enumerate(new))
        for old, new in pairs
    )


def _were(number):
    return "was" if number == 1 else "were"
