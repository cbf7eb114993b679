"""Write masks with Cityscapes' own scripts, of an annotation with all its labels.

python3.11 -m venv /tmp/cityscapes && /tmp/cityscapes/bin/pip install cityscapesscripts==2.3.0
/tmp/cityscapes/bin/python tests/training/annotations/exports/write_with_cityscapesscripts.py
"""

import json

from cityscapesscripts.helpers.labels import labels
from cityscapesscripts.preparation.json2labelImg import json2labelImg
from packed import pack
from PIL import Image

WIDTH, HEIGHT = 90, 40


def annotation(shift):
    """Return objects of every label, in columns that overlap, and one that is deleted."""
    objects = [{"label": "out of roi", "polygon": [[0, 0], [WIDTH, 0], [WIDTH, 3], [0, 3]]}]
    for place, label in enumerate(labels):
        left, top = (place * 5 + shift) % (WIDTH - 6), 4 + 12 * (place * 5 // (WIDTH - 6))
        corners = [[left, top], [left + 7, top + 1], [left + 6, top + 13], [left + 1, top + 11]]
        objects.append({"label": label.name, "polygon": corners})
    objects.append({"label": "car", "deleted": 1, "polygon": [[0, 0], [9, 0], [9, 9]]})
    return {"imgHeight": HEIGHT, "imgWidth": WIDTH, "objects": objects}


def main(out):
    for number, split in enumerate(("train", "val")):
        masks = out / "gtFine" / split / "ulm"
        photos = out / "leftImg8bit" / split / "ulm"
        masks.mkdir(parents=True)
        photos.mkdir(parents=True)
        name = f"ulm_00000{number}_000019"
        polygons = masks / f"{name}_gtFine_polygons.json"
        polygons.write_text(json.dumps(annotation(number)))
        for encoding, end in (("ids", "labelIds"), ("trainIds", "labelTrainIds"), ("color", "color")):
            json2labelImg(str(polygons), str(masks / f"{name}_gtFine_{end}.png"), encoding)
        Image.new("RGB", (WIDTH, HEIGHT), (90 * number, 60, 90)).save(photos / f"{name}_leftImg8bit.png")


if __name__ == "__main__":
    pack(lambda folder: main(folder / "cityscapes"), "cityscapes")
