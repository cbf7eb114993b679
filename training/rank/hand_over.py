"""The photographs to label next, copied into one folder, with the net's labels in a labelling tool's format."""

import contextlib
import shutil
from dataclasses import replace

from ..predict.results import Results
from .sheet import Sheet

PHOTOGRAPHS = "photographs"  # folder of the copies


def hand_over(folder, images, captions, net, classes, read, *, formats, progress):
    """Write a contact sheet, and the photographs with labels to correct if a format is asked for.

    Args:
        folder: empty, for everything.
        images: list of `InputImage`, in their order.
        captions: of the sheet's rows.
        net: `predict.nets.Net`, which labels.
        classes: `predict.results.Classes` by head.
        read: function from an image to its pixels.
        formats: names of formats of `predict.results`, or none.
        progress: called with how many are done, and of how many.
    """
    first = next(iter(classes))
    sheet = Sheet(classes[first].names, classes[first].colors, classes[first].background)
    with contextlib.ExitStack() as stack:
        results = stack.enter_context(Results(folder, formats, classes)) if formats else None
        for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
            progress(number, len(images))
            pixels = read(image)
            by_head, sure, _ = net.label.with_certainty(pixels, image.name)
            sheet.add(caption, pixels, by_head[first], sure[first]["entropy"])
            if results is not None:
                copied = replace(image, path=_copied(image, folder / PHOTOGRAPHS))
                for head, labels in by_head.items():
                    results.write(copied, head, pixels, labels)
            progress(number + 1, len(images))
        if results is not None:
            results.finish()
    sheet.write(folder / "sheet.jpg")


def _copied(image, folder):
    """Copy a photograph with its sub-folders, and return the copy."""
    copy = folder / f"{image.key}{image.path.suffix}"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(image.path, copy)
    return copy
