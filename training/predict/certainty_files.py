"""How sure the pixels are, as files: grey PNGs for programs, pictures in colours and their scale for people."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fcn_keras.color_scale import colors_of_scale
from fcn_keras_console.image_files import png_mark

from ..annotations.result_marks import MARK

KINDS = ("confidence", "entropy")
BAND = 256  # rows
SCALES = {
    "confidence": "Confidence: a grey value is the probability of the label, times 255.",
    "entropy": "Entropy: a grey value is the entropy of the probabilities, divided by the log of the number of "
    "classes, times 255.",
}
_ENDS = {"confidence": ("unsure", "sure"), "entropy": ("sure", "unsure")}
_INK, _GROUND = (36, 41, 47), (255, 255, 255)


def write_grey(kind):
    """Return what writes one of `KINDS` as grey values of 8 bits; the PNG's metadata say of what."""

    def write(path, result):
        mark = png_mark(MARK)
        mark.add_text("Description", SCALES[kind])
        Image.fromarray(result.certainty[kind]).save(path, format="PNG", pnginfo=mark)

    return write


def write_colors(kind):
    """Return what writes one of `KINDS` as JPEG in the colours of the scale."""
    colors = colors_of_scale()

    def write(path, result):
        values = result.certainty[kind]
        picture = Image.new("RGB", values.shape[::-1])
        for top in range(0, len(values), BAND):  # as overlays: an array of it all would take as much again
            picture.paste(Image.fromarray(colors[values[top : top + BAND]]), (0, top))
        file = io.BytesIO()
        picture.save(file, format="JPEG", quality=90, subsampling=0, comment=MARK)
        path.write_bytes(file.getvalue())

    return write


def write_scale(path, kind):
    """Write the legend of those pictures: the colours from 0 to 1."""
    width, bar, gap, font = 512, 40, 12, ImageFont.load_default(20)
    picture = Image.new("RGB", (width + 2 * gap, bar + 3 * gap + 24), _GROUND)
    colors = colors_of_scale()[np.arange(width) * 256 // width]
    picture.paste(Image.fromarray(np.repeat(colors[None], bar, axis=0)), (gap, gap))
    pen, below = ImageDraw.Draw(picture), bar + 2 * gap
    least, most = _ENDS[kind]
    pen.text((gap, below), f"0 {least}", _INK, font)
    pen.text((gap + width / 2, below), kind, _INK, font, anchor="ma")
    pen.text((gap + width, below), f"{most} 1", _INK, font, anchor="ra")
    picture.save(path, format="PNG", pnginfo=png_mark(MARK))
