"""Divide images into training and validation so that an image added later changes nobody's part."""

import hashlib


def divide(keys, share, seed=0):
    """Choose the images to validate with, each by a hash of its own id.

    An image validates if its hash, a number from 0 to 1, is below `share`. So its part depends on its id and the seed
    alone, whatever other images there are, and a larger share only adds images.

    Only where that would leave a part empty is one image moved, the nearest to the threshold: of 5 images at a share
    of 0.2 in a third of the cases, of 20 in one of a hundred. This one may go back when images are added. No rule can
    keep every part for ever: of each pair of images one validates, so all images but one would have to.

    Args:
        keys: ids, at least two.
        share: expected share of the validation images, between 0 and 1. Of 200 images, 0.2 gives 40, 6 more or less.

    Returns:
        set of the ids to validate with.
    """
    places = {key: _place(key, seed) for key in keys}
    chosen = {key for key, place in places.items() if place < share}
    if not chosen:
        return {min(places, key=places.get)}
    return chosen - {max(places, key=places.get)} if len(chosen) == len(places) else chosen


def divide_by_number(keys, share):
    """Choose as runs did that were begun before the rule of `divide`: an exact number, the lowest hashes.

    Such a run goes on with its own images. An image that is added may push another out of the validation.
    """
    ordered = sorted(keys, key=lambda key: hashlib.sha256(key.encode()).digest())
    return set(ordered[: max(1, round(share * len(ordered)))])


# What a run's recipe.json calls the rule; runs that were begun before there were two say nothing.
THRESHOLD = "threshold"
RULES = {THRESHOLD: divide, None: divide_by_number}


def _place(key, seed):
    digest = hashlib.blake2b(f"{seed}/{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
