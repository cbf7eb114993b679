"""Run `fcn-doctor --import` on small annotations made by hand, and read back what it wrote."""

import json

import numpy as np
from PIL import Image

from tests.training.tiny import picture, write
from training.doctor.command import main


def run_import(kind, source, out, *options):
    """Return the exit code."""
    return main([str(source), "--import", kind, "--into", str(out), *map(str, options)])


def label(out, key, split=None):
    """Read one label that was written."""
    root = out if split is None else out / split
    with Image.open(root / "labels" / f"{key}.png") as mask:
        assert mask.mode == "L"
        return np.array(mask)


def names(out):
    return (out / "classes.txt").read_text().splitlines()


def files(out):
    """Return the names of everything below a folder, sorted."""
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def shape(name, points, kind="polygon", **more):
    """Make a shape as LabelMe writes it."""
    return {"label": name, "points": points, "group_id": None, "shape_type": kind, "flags": {}, **more}


def labelme(folder, key, shapes, size=(20, 24), *, image=True, **more):
    """Write an image and its LabelMe file; `size` is (H, W)."""
    if image:
        write(folder / f"{key}.png", picture(*size, seed=len(key)))
    content = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{key.rpartition('/')[2]}.png",
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
        **more,
    }
    (folder / f"{key}.json").write_text(json.dumps(content))
    return folder


def coco(path, images, annotations, categories=((7, "cat"), (40, "dog"))):
    """Write a JSON file of COCO's kind and its images beside it: `images` are `(id, name, (H, W))`."""
    for number, name, size in images:
        write(path.parent / name, picture(*size, seed=number))
    content = {
        "images": [{"id": n, "file_name": name, "height": h, "width": w} for n, name, (h, w) in images],
        "annotations": [{"id": index, "iscrowd": 0, **item} for index, item in enumerate(annotations)],
        "categories": [{"id": number, "name": name} for number, name in categories],
    }
    path.write_text(json.dumps(content))
    return path
