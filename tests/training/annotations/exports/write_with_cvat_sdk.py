"""Write masks as CVAT's XML for images has them, with the run lengths that CVAT's own SDK encodes and decodes.

    python3.11 -m venv /tmp/cvat && /tmp/cvat/bin/pip install "cvat-sdk[masks]==2.80.0" pillow
    /tmp/cvat/bin/python tests/training/annotations/exports/write_with_cvat_sdk.py

The XML around them is laid out as CVAT's server writes it, which needs a server.
"""

import numpy as np
from cvat_sdk.masks import decode_mask, encode_mask
from packed import pack
from PIL import Image

SIZES = {"street_1.png": (19, 26), "street_2.png": (17, 31)}
CLASSES = ("road", "car")


def element(points, name, level):
    """Return the element of a mask, of the points of its shape."""
    *runs, left, top, right, bottom = map(int, points)
    box = f'left="{left}" top="{top}" width="{right - left + 1}" height="{bottom - top + 1}"'
    more = f'source="manual" occluded="0" rle="{str(runs)[1:-1]}" {box} z_order="{level}"'
    return f'    <mask label="{name}" {more}>\n    </mask>\n'


def main(out):
    (out / "cvat/images/default").mkdir(parents=True)
    (out / "label_maps").mkdir()
    images = ""
    for number, (name, (height, width)) in enumerate(SIZES.items()):
        noise, ids, shapes = np.random.default_rng(number), np.zeros((height, width), np.uint8), ""
        for level in range(5):
            mask = np.zeros((height, width), bool)
            top, left = noise.integers(0, (height - 8, width - 8))
            mask[top : top + 8, left : left + 8] = noise.random((8, 8)) > 0.4
            points = encode_mask(mask)
            ids[decode_mask(points, image_width=width, image_height=height)] = 1 + level % 2
            shapes += element(points, CLASSES[level % 2], level)
        images += f'  <image id="{number}" name="{name}" width="{width}" height="{height}">\n{shapes}  </image>\n'
        Image.fromarray(ids).save(out / "label_maps" / name)
        Image.new("RGB", (width, height), (90 * number, 60, 90)).save(out / "cvat/images/default" / name)
    labels = "".join(f"<label><name>{name}</name><type>any</type></label>" for name in CLASSES)
    meta = f"<meta><job><labels>{labels}</labels></job></meta>"
    text = f"<annotations>\n  <version>1.1</version>\n  {meta}\n{images}</annotations>\n"
    (out / "cvat/annotations.xml").write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{text}')


if __name__ == "__main__":
    pack(main, "cvat_sdk")
