"""Write a project with Supervisely's SDK, and the label maps that the SDK draws of it.

python3.11 -m venv /tmp/supervisely && /tmp/supervisely/bin/pip install supervisely==6.74.51
/tmp/supervisely/bin/python tests/training/annotations/exports/write_with_supervisely.py
"""

import numpy as np
import supervisely as sly
from packed import pack
from PIL import Image

CLASSES = (("road", sly.Bitmap), ("car", sly.Polygon), ("sky", sly.AnyGeometry), ("spot", sly.Point))
SIZES = {"street_1.png": (19, 26), "street_2.png": (17, 31), "empty.png": (9, 12)}


def labels(meta, height, width, seed):
    """Return shapes of every kind: polygons with holes and out of the image, bitmaps at an origin and whole."""
    road, car, sky, spot = (meta.get_obj_class(name) for name, _ in CLASSES)
    noise = np.random.default_rng(seed).random((height - 6, width - 9)) > 0.3

    def polygon(exterior, interior=()):
        points = [sly.PointLocation(y, x) for x, y in exterior]
        return sly.Polygon(points, [[sly.PointLocation(y, x) for x, y in ring] for ring in interior])

    outer = [(1, 1), (width - 3, 2), (width - 4, height - 2), (3 + seed, height - 3)]
    holes = [[(5, 5), (11, 6), (9, 10)], [(8, 8), (13, 8), (13, 12), (9, 12)]]
    return [
        sly.Label(polygon(outer, holes), sky),
        sly.Label(sly.Bitmap(noise, origin=sly.PointLocation(4, 6)), road),
        sly.Label(sly.Rectangle(top=3, left=width - 9, bottom=9, right=width - 5), sky),
        sly.Label(polygon([(width - 8, 10), (width + 4, 12), (width - 6, height + 3)]), car),
        sly.Label(polygon([(2.6, 8.9), (9.2, 9.4), (5.5, 14.9)]), car),
        sly.Label(sly.AlphaMask(np.uint8(noise[:5, :6]) * 255, origin=sly.PointLocation(0, 0)), sky),
        sly.Label(sly.Point(3, 3), spot),
    ]


def main(out):
    classes = [sly.ObjClass(name, geometry, color=[10 * i, 0, 9]) for i, (name, geometry) in enumerate(CLASSES)]
    meta = sly.ProjectMeta(obj_classes=classes)
    project = sly.Project(str(out / "project"), sly.OpenMode.CREATE)
    project.set_meta(meta)
    for number, (name, (height, width)) in enumerate(SIZES.items()):
        split = "val" if number == 1 else "train"
        dataset = project.datasets.get(split) or project.create_dataset(split)
        photo = np.zeros((height, width, 3), np.uint8) + np.uint8(70 * number + 20)
        shapes = [] if name == "empty.png" else labels(meta, height, width, number)
        annotation = sly.Annotation((height, width), shapes)
        dataset.add_item_np(name, photo, ann=annotation)
        ids = np.zeros((height, width), np.uint8)
        read = sly.Annotation.from_json(annotation.to_json(), meta)
        for label in read.labels:
            if label.obj_class.name != "spot":
                label.geometry.draw(ids, color=1 + [each for each, _ in CLASSES].index(label.obj_class.name))
        (out / "label_maps").mkdir(exist_ok=True)
        Image.fromarray(ids).save(out / "label_maps" / name)


if __name__ == "__main__":
    pack(main, "supervisely")
