"""Write `shapes.zip` with the tools themselves, in an environment of their own.

    python3.11 -m venv tools && tools/bin/pip install labelme==6.3.1 datumaro==1.13.12 pycocotools==2.0.11
    tools/bin/python tests/training/annotations/exports/write_shapes.py

What the tools write lies in its folders `labelme`, `datumaro_coco` and `datumaro_label_me`; what they draw of it
themselves in `expected`: class ids, background 0.
"""

import base64
import io
import json

import datumaro as dm
import numpy as np
from datumaro.components.annotation import AnnotationType, Bbox, Mask, Polygon
from datumaro.components.media import Image
from labelme.utils import shapes_to_label
from packed import pack
from PIL import Image as Pillow
from pycocotools import mask as coder

SIZE = 40, 56
CLASSES = ("background", "car", "road", "tree")
generator = np.random.default_rng(0)


def write(path, ids):
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.asarray(ids, np.uint8)).save(path)


def random_polygon(number, reach=4):
    """Return points around a random centre, some outside of the image."""
    centre = generator.uniform((4, 4), (SIZE[1] - 4, SIZE[0] - 4))
    angles = np.sort(generator.uniform(0, 2 * np.pi, number))
    radii = generator.uniform(2, 5 + reach, number)
    return (centre + np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)).round(3).tolist()


def labelme_shapes():
    stencil = generator.random((6, 9)) < 0.6
    png = io.BytesIO()
    Pillow.fromarray(stencil).save(png, "PNG")
    encoded = base64.b64encode(png.getvalue()).decode()
    shapes = [
        ("polygon", [[-6.5, 3.2], [20.7, 1.1], [18.4, 16.9], [2.2, 12.5]], None),
        ("rectangle", [[50.4, 9.7], [31.2, 2.1]], None),
        ("oriented_rectangle", [[30.5, 20.5], [40.2, 15.1], [44.9, 23.4], [35.2, 28.8]], None),
        ("circle", [[9.3, 29.6], [13.1, 33.2]], None),
        ("line", [[20.2, 37.9], [33.7, 30.4]], None),
        ("linestrip", [[45.1, 33.3], [50.5, 38.6], [60.0, 35.2]], None),
        ("point", [[25.5, 24.5]], None),
        ("mask", [[40.0, 10.0], [48.0, 15.0]], encoded),
        *(("polygon", random_polygon(n), None) for n in range(3, 12)),
    ]
    return [
        {
            "label": CLASSES[1 + index % 3],
            "points": points,
            "group_id": None,
            "description": "",
            "shape_type": kind,
            "flags": {},
            "mask": mask,
        }
        for index, (kind, points, mask) in enumerate(shapes)
    ], stencil


def make_labelme(root):
    folder = root / "labelme"
    shapes, stencil = labelme_shapes()
    image = generator.integers(0, 255, (*SIZE, 3), np.uint8)
    write(folder / "all.png", image)
    content = {"version": "6.3.1", "flags": {}, "shapes": shapes, "imagePath": "all.png", "imageData": None}
    content |= {"imageHeight": SIZE[0], "imageWidth": SIZE[1]}
    (folder / "all.json").write_text(json.dumps(content, indent=1))
    decoded = [{**shape, "mask": stencil if shape["mask"] else None} for shape in shapes]
    ids = {name: index for index, name in enumerate(CLASSES)}
    write(root / "expected" / "labelme.png", shapes_to_label(SIZE, decoded, ids)[0])


def items():
    for number, split in enumerate(("train", "val")):
        stencil = np.zeros(SIZE, bool)
        stencil[5 + number : 15, 20:33] = generator.random((10 - number, 13)) < 0.7
        annotations = [Polygon(np.ravel(random_polygon(n, 9)), label=n % 3) for n in range(3, 9)]
        annotations += [Mask(stencil, label=1), Bbox(30, 22, 11, 9, label=2)]
        for index, annotation in enumerate(annotations, 1):
            annotation.id = annotation.group = index
        image = Image.from_numpy(generator.integers(0, 255, (*SIZE, 3), np.uint8), ext=".png")
        yield dm.DatasetItem(id=f"scene{number}", subset=split, media=image, annotations=annotations)


def region_of(annotation):
    if annotation.type == AnnotationType.polygon:
        return coder.decode(coder.frPyObjects([list(annotation.points)], *SIZE))[..., 0] > 0
    return annotation.image > 0 if annotation.type == AnnotationType.mask else None


def write_expected(root, name, kind, *, crowds_below):
    """Draw what Datumaro reads back: polygons by pycocotools, as its own transform does."""
    read = dm.Dataset.import_from(str(root / name), kind)
    names = [label.name for label in read.categories()[AnnotationType.label].items]
    for item in read:
        regions = [(a.attributes.get("is_crowd", False), region_of(a), names[a.label]) for a in item.annotations]
        regions = [known for known in regions if known[1] is not None and known[1].any()]
        if crowds_below:  # and the smaller on top: the project's rule for COCO, which has none
            regions.sort(key=lambda known: (not known[0], -known[1].sum()))
        ids = np.zeros(SIZE, int)
        for _, region, label in regions:
            ids[region] = CLASSES.index(label)
        write(root / "expected" / name / f"{item.id.rpartition('/')[2]}.png", ids)


def make_datumaro(root):
    dataset = dm.Dataset.from_iterable(list(items()), categories=list(CLASSES[1:]))
    dataset.export(str(root / "datumaro_coco"), "coco", save_media=True)
    dataset.export(str(root / "datumaro_label_me"), "label_me", save_media=True)
    write_expected(root, "datumaro_coco", "coco_instances", crowds_below=True)
    write_expected(root, "datumaro_label_me", "label_me", crowds_below=False)


def write_all(root):
    """Write everything below a folder."""
    make_labelme(root)
    make_datumaro(root)


if __name__ == "__main__":
    pack(write_all, "shapes")
