"""Find images that are there twice: exactly by their pixels, nearly by a 64-bit difference hash and a thumbnail."""

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 32, 36  # of a thumbnail: blocks of 4x4 give the 8x9 means that 64 differences need
BITS = 12  # of 64 that may differ before the thumbnails are compared
CORRELATION = 0.95  # of two thumbnails of one image
_FLAT = 2.0  # grey levels of standard deviation below which an image shows nothing to compare
_ROWS, _COLUMNS = 1024, 4096
_COMPARED = ("train", "val", "test", "all")  # lists of other names are parts or unions of these


def check_duplicates(pairs, splits, names, findings):
    """Find images that are there twice: across splits an error where one of them is trained on, else a note.

    Args:
        pairs: `PairFacts` by index, of those whose images can be read.
        splits: indices of pairs by split.
        names: of the images' files, by index of the pair.
        findings: `Findings` to add to.
    """
    order = [split for split in _COMPARED if split in splits] or list(splits)
    members = {split: [index for index in splits[split] if index in pairs] for split in order}
    for place, first in enumerate(order):
        for second in order[place + 1 :]:
            _across(pairs, first, second, members, names, findings)
    for split in order:
        _inside(pairs, split, members[split], names, findings)


def _across(pairs, first, second, members, names, findings):
    mine, theirs = members[first], members[second]
    digests = {pairs[i].image.digest: i for i in reversed(theirs)}
    exact = [(i, digests[pairs[i].image.digest]) for i in mine if pairs[i].image.digest in digests]
    same = {i for i, _ in exact}
    others = [i for i in mine if i not in same]
    near = [(others[a], theirs[b]) for a, b in near_pairs(_thumbnails(pairs, others), _thumbnails(pairs, theirs))]
    for code, twins, how in (
        ("duplicate-across-splits", exact, "are also in"),
        ("near-duplicate-across-splits", near, "are also, changed a little or mirrored, in"),
    ):
        if not twins:
            continue
        trained = first == "train"
        (findings.error if trained else findings.note)(
            code,
            f"{len(twins)} of {len(mine)} images of {first} {how} {second}, the first {names[twins[0][0]]} "
            f"and {names[twins[0][1]]}" + (": what is scored there was trained on." if trained else "."),
            "Take them out of train; fcn-doctor --fix does." if trained else "Keep each in one split.",
            files=[names[i] for i, _ in twins],
            pairs=[i for i, _ in twins],
        )


def _inside(pairs, split, members, names, findings):
    first, exact = {}, []
    for index in members:
        twin = first.setdefault(pairs[index].image.digest, index)
        if twin != index:
            exact.append((index, twin))
    distinct = list(first.values())
    near = [(distinct[a], distinct[b]) for a, b in near_pairs(_thumbnails(pairs, distinct))]
    for code, twins, what in (
        ("duplicate-inside-split", exact, "the same picture as another one"),
        ("near-duplicate-inside-split", near, "nearly the same picture as another one"),
    ):
        if twins:
            differing = sum(pairs[i].mask_digest != pairs[j].mask_digest for i, j in twins)
            masks = f" {differing} of them have different masks." if code == "duplicate-inside-split" else ""
            findings.note(
                code,
                f"{len(twins)} of {len(members)} images of {split} show {what} there, the first {names[twins[0][0]]} "
                f"and {names[twins[0][1]]}.{masks}",
                "Nothing to do for frames of a video; else keep one of each, and never one in each of two splits.",
                files=[names[i] for i, _ in twins],
                pairs=[i for i, _ in twins],
            )


def _thumbnails(pairs, indices):
    return np.array([pairs[i].image.thumbnail for i in indices], np.uint8).reshape(-1, HEIGHT, WIDTH)


def thumbnail(picture):
    """Shrink a Pillow image of mode RGB to `(32, 36)` uint8 grey by averaging."""
    return np.array(picture.convert("L").resize((WIDTH, HEIGHT), Image.Resampling.BOX))


def difference_hash(thumbnails):
    """Tell for 8x8 places of a thumbnail whether it is brighter there than just left of it.

    Args:
        thumbnails: `(N, 32, 36)` uint8.

    Returns:
        `(N,)` uint64.

    Reference: Krawetz, "Kind of Like That", 2013 (dHash).
    """
    means = thumbnails.reshape(-1, 8, HEIGHT // 8, 9, WIDTH // 9).mean(axis=(2, 4))  # (N, 8, 9)
    bits = np.packbits(means[:, :, 1:] > means[:, :, :-1], axis=-1)  # (N, 8, 1)
    return np.ascontiguousarray(bits.reshape(-1, 8)).view(np.uint64)[:, 0]


def near_pairs(mine, theirs=None):
    """Find for each image the most similar one, mirrored or not, if it is the same but for small changes.

    Small changes are another size or JPEG quality, brighter or darker, a crop of some percent. Time grows with the
    product of the numbers: 10 000 against 2 000 takes about a second. Memory does not.

    Args:
        mine: `(N, 32, 36)` uint8 thumbnails.
        theirs: `(M, 32, 36)`; None compares `mine` with those before each.

    Returns:
        list of `(index in mine, index in theirs)`, one at most for each of `mine`.
    """
    best, partner = np.full(len(mine), CORRELATION, np.float32), np.full(len(mine), -1)
    for rows, columns, alike in _compared(mine, theirs):
        winner = alike.argmax(axis=1)
        score = alike[np.arange(len(rows)), winner]
        better = score >= best[rows]
        best[rows[better]] = score[better]
        partner[rows[better]] = columns[winner[better]]
    return [(int(i), int(partner[i])) for i in np.flatnonzero(partner >= 0)]


def near_groups(images):
    """Join near-duplicates and duplicates, also over others: if A is like B, and B like C, then all three are a group.

    Args:
        images: `ImageFacts`, as `near_pairs` compares their thumbnails.

    Returns:
        lists of two indices or more, in the order of the first image of each.
    """
    thumbnails = np.array([image.thumbnail for image in images], np.uint8).reshape(-1, HEIGHT, WIDTH)
    first = {}
    root = np.array([first.setdefault(image.digest, index) for index, image in enumerate(images)], int)
    for rows, columns, alike in _compared(thumbnails):
        row, column = np.nonzero(alike >= CORRELATION)
        root = _joined(root, rows[row], columns[column])
    members = {}
    for index, group in enumerate(root.tolist()):
        members.setdefault(group, []).append(index)
    return [group for group in members.values() if len(group) > 1]


def _joined(root, some, others):
    """Return the lowest index of each image's group after the images of each pair `some[i], others[i]` are joined."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number = len(root)
    ends = np.concatenate([some, np.arange(number)]), np.concatenate([others, root])
    count, group = connected_components(coo_array((np.ones(len(ends[0]), bool), ends), (number, number)), False)
    lowest = np.full(count, number)
    np.minimum.at(lowest, group, np.arange(number))
    return lowest[group]


def _compared(mine, theirs=None):
    """Compare the thumbnails of close hashes, a block after the other, mirrored ones too.

    Yields:
        indices in `mine` `(N,)`, indices in `theirs` `(M,)`, and correlations `(N, M)`, -1 where hashes are not close.
    """
    within = theirs is None
    theirs = mine if within else theirs
    mine_hash = difference_hash(mine)
    mine_flat, theirs_flat = _is_flat(mine), _is_flat(theirs)
    for looked_at in (theirs, theirs[:, :, ::-1]):
        hashes = difference_hash(looked_at)
        for top in range(0, len(mine), _ROWS):
            rows = slice(top, top + _ROWS)
            for left in range(0, len(theirs), _COLUMNS):
                columns = slice(left, left + _COLUMNS)
                close = np.bitwise_count(mine_hash[rows, None] ^ hashes[None, columns]) <= BITS
                close &= ~mine_flat[rows, None] & ~theirs_flat[None, columns]
                if within:
                    close &= np.arange(len(mine))[rows, None] > np.arange(len(theirs))[None, columns]
                row, column = np.flatnonzero(close.any(axis=1)), np.flatnonzero(close.any(axis=0))
                if row.size:
                    alike = _centred(mine[top + row]) @ _centred(looked_at[left + column]).T
                    alike[~close[np.ix_(row, column)]] = -1
                    yield top + row, left + column, alike


def _is_flat(thumbnails):
    """Tell which thumbnails show nothing; some at a time, for each takes 9 KiB meanwhile."""
    blocks = (thumbnails[start : start + _ROWS] for start in range(0, len(thumbnails), _ROWS))
    flat = [block.reshape(len(block), HEIGHT * WIDTH).std(axis=1) < _FLAT for block in blocks]
    return np.concatenate([np.zeros(0, bool), *flat])


def _centred(thumbnails):
    """Return `(N, 1152)` float32 whose dot products are correlations."""
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
