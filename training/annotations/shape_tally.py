"""Count what was drawn of annotations, and name what was not: one bad shape costs neither its image nor the import."""

import re
import threading

import numpy as np

from fcn_keras.examples import VOID
from fcn_keras_console.words import counted, some

NOTHING = -1  # in a canvas: no shape covers the pixel


class ShapeFault(ValueError):
    """Say why a shape cannot be drawn.

    Args:
        reason: one of few phrases, by which shapes are counted: `polygon of fewer than three points`.
        detail: what this one has, `2 points`, or None.
    """

    def __init__(self, reason, detail=None):
        super().__init__(reason if detail is None else f"{reason} ({detail})")
        self.reason, self.detail = reason, detail


class ShapeTally:
    """Hold what is told about the shapes of a data set; several threads may add to it.

    Attributes:
        drawn: number of the shapes that were drawn.
    """

    def __init__(self):
        self.drawn = 0
        self._left_out, self._mended, self._contradictions, self._joined = {}, {}, {}, 0
        self._lock = threading.Lock()

    def add(self, number=1):
        """Count shapes that were drawn."""
        with self._lock:
            self.drawn += number

    def leave_out(self, fault, place):
        """Name a shape that was not drawn.

        Args:
            fault: a `ShapeFault`, or the reason.
            place: file, image, and id or index of the shape.
        """
        reason, detail = getattr(fault, "reason", fault), getattr(fault, "detail", None)
        with self._lock:
            self._left_out.setdefault(str(reason), []).append(f"{place}: {detail}" if detail else place)

    def mend(self, how, place):
        """Name a shape that was read, although it is not written as it should be."""
        with self._lock:
            self._mended.setdefault(how, []).append(place)

    def join(self, image, sources, canvases):
        """Count an image that several sources (files, entries, annotators) label, and where they contradict each other.

        Args:
            image: what to call it.
            sources: what to call them.
            canvases: a `(H, W)` integer array a source: the class ids that it draws, `NOTHING` elsewhere.
        """
        pixels = contradicting(canvases)
        with self._lock:
            self._joined += 1
            if pixels:
                self._contradictions[f"{image} ({some(list(dict.fromkeys(sources)), 3)})"] = pixels

    def left_out(self):
        """Return the places of shapes that were not drawn, by reason, in the order of their names."""
        return {reason: sorted(places, key=_natural) for reason, places in sorted(self._left_out.items())}

    def decisions(self):
        """Return a sentence for each thing that was decided about the shapes."""
        number = sum(map(len, self._left_out.values()))
        told = [f"shapes left out: {number:,} of {number + self.drawn:,}"] if number else []
        for how, places in sorted(self._mended.items()):
            told.append(f"{counted(len(places), 'shape')} read {how}: {some(sorted(places, key=_natural))}")
        if self._joined:
            told.append(f"{counted(self._joined, 'image')} labelled by several files or entries, joined")
        if self._contradictions:
            images = sorted(self._contradictions.items(), key=lambda pair: (-pair[1], _natural(pair[0])))
            told.append(
                f"they give {counted(sum(self._contradictions.values()), 'pixel')} of "
                f"{counted(len(images), 'image')} different classes: {some([f'{n:,} of {name}' for name, n in images])}"
            )
        return told

    def require_some(self):
        """Raise a `ValueError` if shapes were left out and none was drawn."""
        if self._left_out and not self.drawn:
            reasons = [f"{reason}: {len(places)} ({some(places)})" for reason, places in self.left_out().items()]
            raise ValueError(
                f"Every shape is left out, and nothing would be labelled: {'; '.join(reasons)}. Correct them "
                "in the tool that made them."
            )


def contradicting(canvases):
    """Return the number of pixels to which two of several canvases give different classes; void contradicts nothing.

    Args:
        canvases: as for `ShapeTally.join`.
    """
    first, contradicted = np.array(canvases[0]), np.zeros(canvases[0].shape, bool)
    first[first == VOID] = NOTHING
    for canvas in canvases[1:]:
        labelled = (canvas != NOTHING) & (canvas != VOID)
        contradicted |= labelled & (first != NOTHING) & (first != canvas)
        first = np.where(labelled & (first == NOTHING), canvas, first)
    return int(contradicted.sum())


def _natural(text):
    """Sort `image 9` before `image 10`."""
    parts = re.split(r"(\d+)", text)
    return [(len(part.lstrip("0")) if part.isdecimal() else 0, part) for part in parts]
