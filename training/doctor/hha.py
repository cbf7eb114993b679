"""Look at the HHA images that lie beside one's own, in a folder `hha`: `fcn-train --minutes` trains on them too."""

import os

from fcn_keras.datasets.images import read_image
from fcn_keras.datasets.listing import list_images

from ..reading import attempted, read_each
from .folder_layout import HHA

_THREADS = min(8, os.cpu_count() or 1)


def check_hha(layout, images, facts, directory):
    """Say which images lack their HHA image, and which of these cannot be read or are of another size.

    Args:
        layout: `Layout`.
        images: `Files` of the images.
        facts: `ImageFacts` by index of the pair, of the images that can be read.
        directory: of the data set.
    """
    folders = {pair.place: pair.place.folder(HHA) for pair in layout.pairs}
    listed = {place: list_images(folder).images for place, folder in folders.items() if folder.is_dir()}
    if not listed:
        return
    having = {i: listed[pair.place] for i, pair in enumerate(layout.pairs) if pair.image and pair.place in listed}
    files = {i: found[layout.pairs[i].key] for i, found in having.items() if layout.pairs[i].key in found}
    images.error(
        "hha-missing",
        sorted(having.keys() - files.keys()),
        f"have no HHA image of the same name, and others have one in {HHA}.",
        "Make them from depth with fcn_keras.hha, or take the folder away: fcn-train then trains without.",
    )
    _check_files(files, images, facts, directory)
    without = [split for split, members in layout.splits.items() if members and not set(members) & having.keys()]
    if without:
        layout.findings.note(
            "hha-some-splits",
            f"There is a folder {HHA} for some splits, and none for {' and '.join(without)}.",
            "fcn-train --minutes needs it for every split that it uses.",
        )


def _check_files(files, images, facts, directory):
    unreadable, other, first = [], [], ""
    indices = sorted(files)
    for index, pixels in read_each(attempted(lambda i: read_image(files[i])), indices, threads=_THREADS):
        if isinstance(pixels, ValueError):
            unreadable.append(index)
            first = first or str(pixels).replace(f"{directory}{os.sep}", "")
        elif index in facts and pixels.shape[:2] != facts[index].size:
            other.append(index)
    images.error(
        "hha-unreadable",
        unreadable,
        f"have an HHA image that cannot be read. The first: {first}",
        "Make it again, or take the pairs out.",
    )
    images.error(
        "hha-size-mismatch",
        other,
        "differ from their HHA images in size.",
        "Make the HHA images from depth of the images' size.",
    )
