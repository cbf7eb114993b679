"""Divide images into training and validation so that an image added later changes nobody's split."""

import hashlib


def divide(keys, share, seed=0):
    """Choose the validation images by a hash of their ids.

    An image's split depends on its id and the seed alone; only where that would leave a split empty is one image moved.

    Args:
        keys: ids, at least two.
        share: expected share of the validation images, between 0 and 1.

    Returns:
        set of the ids to validate with.
    """
    places = {key: _place(key, seed) for key in keys}
    chosen = {key for key, place in places.items() if place < share}
    if not chosen:
        return {min(keys, key=places.get)}
    return chosen - {max(keys, key=places.get)} if len(chosen) == len(places) else chosen


def _place(key, seed):
    digest = hashlib.blake2b(f"{seed}/{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
