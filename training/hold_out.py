"""Divide images into training and validation so that near-duplicates stay together and later images change little."""

import hashlib

MOST_IN_A_GROUP = 0.5  # of the images: above, a group says nothing, such as the frames of one film


def divide(keys, share, seed=0, together=()):
    """Choose the images to validate with, each by a hash of its own id, near-duplicates by that of one of them.

    An image validates if its hash, a number from 0 to 1, is below `share`. So its part depends on its id and the seed
    alone, whatever other images there are, and a larger share only adds images.

    The images of a group go where its leader goes, the one with the lowest of second hashes, which are independent of
    the first: groups validate as often as images do. A group of more images than `share` of all trains.

    What an image added later can change: if it is nobody's near-duplicate, nothing. If it joins a group of n, that
    group may move where the new image is its leader, in one case of n + 1, or where it comes to hold more than `share`
    of all (or, as the folder grows, no longer does). If it joins several groups into one, all but one of them may move.

    Only where all this would leave a part empty is one image, or group, moved, the nearest to the threshold: of 5
    images at a share of 0.2 in a third of the cases, of 20 in one of a hundred. It may go back when images are added.
    No rule can keep every part for ever: of each pair of images one validates, so all images but one would have to.

    Args:
        keys: ids, at least two.
        share: expected share of the validation images, between 0 and 1. Of 200 images, 0.2 gives 40, 6 more or less.
        seed: of the hashes.
        together: groups of ids to keep in one part, none with all of the ids; ids that are not in `keys` are left out.

    Returns:
        set of the ids to validate with.
    """
    keys = set(keys)
    groups = [members for group in together if (members := sorted(keys.intersection(group)))]
    units = groups + [[key] for key in keys.difference(*groups)]
    places = [(_place_of(unit, seed, large=len(unit) > max(1, share * len(keys))), unit) for unit in units]
    chosen = [unit for place, unit in places if place < share]
    if not chosen:
        chosen = [min(places)[1]]
    elif len(chosen) == len(units):
        chosen.remove(max(places)[1])
    return {key for unit in chosen for key in unit}


def folds_of(keys, count, together=()):
    """Deal images out to folds of about one size, near-duplicates into one fold, each by a hash of its own id.

    Args:
        keys: ids.
        count: of folds.
        together: groups of ids to keep in one fold, no id in two of them.

    Returns:
        dict: by id, the number of its fold, from 0 on. No fold is empty.

    Raises:
        ValueError: if there are not as many groups as folds; an image that is nobody's near-duplicate is one alone.
    """
    groups = [sorted(group) for group in together]
    units = groups + [[key] for key in set(keys).difference(*groups)]
    if len(units) < count:
        near = f", of which {len(units)} are left with each group of near-duplicates in one fold" if groups else ""
        raise ValueError(f"{count} folds need {count} images or more. There are {sum(map(len, units))}{near}.")
    fold, sizes = {}, [0] * count
    for unit in sorted(units, key=lambda unit: (-len(unit), _hash(f"fold/{unit[0]}"), unit)):
        smallest = sizes.index(min(sizes))
        sizes[smallest] += len(unit)
        fold |= dict.fromkeys(unit, smallest)
    return fold


def divide_by_number(keys, share):
    """Choose as runs did that were begun before the rule of `divide`: an exact number, the lowest hashes.

    Such a run goes on with its own images. An image that is added may push another out of the validation.
    """
    ordered = sorted(keys, key=lambda key: hashlib.sha256(key.encode()).digest())
    return set(ordered[: max(1, round(share * len(ordered)))])


# What a run's recipe.json calls the rule; runs begun before there were two say nothing. `TOGETHER` is `divide` with
# groups, which recipe.json names as well; `THRESHOLD` is it without, for runs begun before and for films.
TOGETHER, THRESHOLD = "together", "threshold"
RULES = {TOGETHER: divide, THRESHOLD: divide, None: divide_by_number}


def held_out(keys, share, rule, together=None):
    """Choose the images to validate with by one of `RULES`; `together` as `divide` takes it, for the rule `TOGETHER`.

    Returns:
        set of ids.
    """
    return divide(keys, share, together=together or ()) if rule == TOGETHER else RULES[rule](keys, share)


def usable_groups(groups, images):
    """Tell whether near-duplicates can be kept together.

    Args:
        groups: lists of ids.
        images: how many there are in all.

    Returns:
        the groups and None; or no groups, and a sentence that says why not: one holds more than half of the images.
    """
    largest = max(map(len, groups), default=0)
    if largest <= MOST_IN_A_GROUP * images:
        return groups, None
    return [], (
        f"{largest} of {images} images are near-duplicates of one another, as in a film, more than half of them. They "
        "cannot be kept in one part: each goes by the hash of its own name, so nearly the same image is trained on and "
        "validated with, and scores come out too high. Divide the folder yourself, into train and val."
    )


def _place_of(unit, seed, *, large):
    """Return where a group stands from 0 to 1 by its leader; behind every threshold if it is large."""
    leader = min(unit, key=lambda key: (_hash(f"leader {seed}/{key}"), key))
    return 1 + len(unit) if large else _place(leader, seed)


def _place(key, seed):
    return _hash(f"{seed}/{key}")


def _hash(text):
    return int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "big") / 2**64
