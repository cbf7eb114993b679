"""A contact sheet: photographs, the net's labels over them, and where it is not sure, a row each."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fcn_keras.color_scale import colors_of_scale
from fcn_keras.visualize import overlay
from fcn_keras_console.printing import in_one_line

from ..annotations.result_marks import MARK
from ..scoring import legend

WIDTH, MOST = 360, 60  # pixels of one picture; rows of a sheet, of which viewers open a picture still
_TALLEST = 480  # pixels of one picture
_GAP, _LETTERS = 8, 15


class Sheet:
    """Rows of pictures, small ones: what is kept of a photograph.

    Args:
        names: of the classes.
        colors: `(K, 3)` uint8 of the classes.
        background: the class that is not painted, or None.
    """

    def __init__(self, names, colors, background):
        self._names, self._colors, self._background = names, colors, background
        self._rows, self._ids = [], set()

    def add(self, caption, image, labels, uncertainty):
        """Add a photograph, unless the sheet is full.

        Args:
            caption: what stands above it.
            image: `(H, W, 3)` uint8.
            labels: `(H, W)` class ids.
            uncertainty: `(H, W)` uint8, 255 for 1.
        """
        if len(self._rows) == MOST:
            return
        height, width = labels.shape
        factor = min(WIDTH / width, _TALLEST / height)
        size = max(1, round(width * factor)), max(1, round(height * factor))
        small = Image.fromarray(image).resize(size, Image.Resampling.BOX if factor < 1 else Image.Resampling.BILINEAR)
        ids = np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
        self._ids |= set(legend.present([ids], self._names, self._background))
        painted = overlay(np.asarray(small), ids, background=self._background, colors=self._colors, alpha=0.6)
        map_ = Image.fromarray(colors_of_scale()[uncertainty]).resize(size, Image.Resampling.BOX)
        self._rows.append((caption, [small, Image.fromarray(painted), map_]))

    def write(self, path):
        """Write what was added, with the colours of the classes below it, as JPEG."""
        line = _LETTERS + _GAP
        heights = [line + max(picture.height for picture in row) + _GAP for _, row in self._rows]
        entries = legend.entries_of(sorted(self._ids), self._names, self._colors)
        key = legend.strip(entries, 3 * WIDTH + 4 * _GAP)
        whole = Image.new("RGB", (key.shape[1], line + sum(heights) + len(key)), "white")
        pen, font = ImageDraw.Draw(whole), ImageFont.load_default(_LETTERS)
        for column, title in enumerate(("photograph", "labels of the net", "entropy: dark purple sure, yellow unsure")):
            pen.text((_GAP + column * (WIDTH + _GAP), _GAP // 2), title, "black", font)
        top = line
        for (caption, row), height in zip(self._rows, heights, strict=True):
            pen.text((_GAP, top + 2), _writable(caption), "#57606a", font)
            for column, picture in enumerate(row):
                whole.paste(picture, (_GAP + column * (WIDTH + _GAP), top + line))
            top += height
        whole.paste(Image.fromarray(key), (0, top))
        file = io.BytesIO()
        whole.save(file, format="JPEG", quality=88, subsampling=0, comment=MARK)
        path.write_bytes(file.getvalue())


def _writable(caption):
    """Return a caption in one line, where a file's name may hold anything."""
    return in_one_line(caption).encode("utf-8", "backslashreplace").decode()
