"""Write the exports of Datumaro that the tests read, and the label maps that Datumaro itself draws of them.

    python3.11 -m venv /tmp/datumaro && /tmp/datumaro/bin/pip install datumaro==1.13.12
    /tmp/datumaro/bin/python tests/training/annotations/exports/write_with_datumaro.py

The drawing is Datumaro's: its VOC exporter's class masks, in which 0 is background. Coordinates are quarters of pixels,
which its float32 keeps: of others, CVAT's XML and the drawing differ in single pixels of the outline.
"""

import tempfile
from pathlib import Path

import numpy as np
from datumaro.components.annotation import (
    AnnotationType,
    Bbox,
    Ellipse,
    Label,
    LabelCategories,
    Mask,
    MaskCategories,
    Points,
    Polygon,
    PolyLine,
)
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image
from packed import pack
from PIL import Image as Pillow

CLASSES = ("road", "car", "sky")
COLORS = {0: (128, 64, 128), 1: (0, 0, 142), 2: (70, 130, 180)}


def blob(height, width, seed):
    """Draw a ragged region with a hole."""
    noise = np.random.default_rng(seed).random((height, width))
    region = np.zeros((height, width), bool)
    region[2 : height - 3, 1 : width // 2] = True
    region[height // 2 - 1 : height // 2 + 2, 4:7] = False
    return region & (noise > 0.1)


def annotations(height, width, seed, first=0):
    """Return shapes of every kind, which overlap in another order than they are listed in."""
    shift = 1.25 * seed
    return [
        Polygon(
            [1.5, 1.5, width - 2.25, 3.0, width - 4.5, height - 1.0, 3.0, height - 2.5], label=first + 2, z_order=0
        ),
        Polygon([2 + shift, 2, 11.75 + shift, 4.25, 9.25, 12.5, 4.5, 9], label=first + 1, z_order=2),
        Mask(blob(height, width, seed), label=first + 0, z_order=1),
        Bbox(width - 9.5, 4.25, 7, 6.5, label=first + 0, z_order=1),
        Polygon([8, 5, 16, 6, 13, height - 2.5], label=first + 2, z_order=3),
        Points([3, 3, 5, 5], label=first + 1, z_order=4),
        PolyLine([0, 0, width - 1, height - 1], label=first + 1, z_order=4),
        Label(first + 1),
    ]


def items(first=0, *, masks_only=False):
    """Return three images of odd sizes in two splits; one has no annotation, one lies in a folder."""
    sizes = {"street_1": (19, 26), "deep/street_2": (17, 31), "empty": (9, 12), "street_3": (20, 24)}
    for number, (key, (height, width)) in enumerate(sizes.items()):
        pixels = np.zeros((height, width, 3), np.uint8) + np.uint8(40 * number)
        pixels[..., 0] += np.arange(width, dtype=np.uint8) * 3
        shapes = [] if key == "empty" else annotations(height, width, number, first)
        if masks_only:
            key = key.replace("/", "_")
        yield DatasetItem(
            key,
            subset="val" if key == "street_3" else "train",
            media=Image.from_numpy(data=pixels[..., ::-1]),
            annotations=shapes,
            attributes={"frame": number},
        )


def dataset(classes=CLASSES, colors=None, *, masks_only=False):
    categories = {AnnotationType.label: LabelCategories.from_iterable(classes)}
    if colors:
        categories[AnnotationType.mask] = MaskCategories(colors)
    first = classes.index("road")
    data = Dataset.from_iterable(list(items(first, masks_only=masks_only)), categories=categories, media_type=Image)
    return data.transform("polygons_to_masks").transform("boxes_to_masks") if masks_only else data


def ellipses():
    """Return a data set of one image with ellipses, which Datumaro writes to its own JSON alone."""
    shapes = [
        Ellipse(2.25, 1.5, 30.75, 22.25, label=0),
        Ellipse(-4.5, 5.25, 9.25, 30.5, label=1),
        Ellipse(15.5, 9.75, 19.25, 14.0, label=2, z_order=1),
    ]
    image = Image.from_numpy(data=np.full((27, 34, 3), 90, np.uint8))
    items = [DatasetItem("round", subset="default", media=image, annotations=shapes)]
    return Dataset.from_iterable(items, categories=list(CLASSES), media_type=Image)


def label_maps(data, folder):
    """Export the masks of a data set with background as 0, and keep the ids alone."""
    data.export(str(folder), "voc_segmentation", apply_colormap=False, label_map="source", save_media=False)
    for path in sorted((folder / "SegmentationClass").rglob("*.png")):
        with Pillow.open(path) as mask:
            yield path.relative_to(folder / "SegmentationClass").with_suffix(""), np.array(mask)


def main(out):
    shapes = dataset()
    for kind in ("cvat", "datumaro"):
        shapes.export(str(out / kind), kind, save_media=True, image_ext=".png")
    for name, classes, colors in (
        ("plain", CLASSES, None),
        ("colored", CLASSES, COLORS),
        ("background", ("background", *CLASSES), {0: (0, 0, 0), **{k + 1: v for k, v in COLORS.items()}}),
    ):
        data = dataset(classes, colors, masks_only=True)
        for kind in ("voc_segmentation", "camvid", "cityscapes", "kitti_segmentation"):
            data.export(str(out / f"{kind}_{name}"), kind, save_media=True)
    nested = dataset(colors=COLORS).transform("polygons_to_masks").transform("boxes_to_masks")
    nested.export(str(out / "voc_nested"), "voc_segmentation", save_media=True)
    ellipses().export(str(out / "ellipses"), "datumaro", save_media=True, image_ext=".png")
    drawn = [dataset().transform("polygons_to_masks").transform("boxes_to_masks")]
    drawn.append(ellipses().transform("polygons_to_masks"))
    with tempfile.TemporaryDirectory() as folder:
        found = [pair for number, data in enumerate(drawn) for pair in label_maps(data, Path(folder) / str(number))]
        for key, ids in found:
            path = out / "label_maps" / f"{key}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(ids.astype(np.uint8)).save(path)


if __name__ == "__main__":
    pack(main, "datumaro")
