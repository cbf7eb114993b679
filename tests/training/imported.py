"""Run `fcn-doctor --import` on small annotations made by hand, and read back what it wrote."""

import json

import numpy as np
from PIL import Image

from fcn_keras.visualize import palette
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


SIZE = (12, 16)


ROAD, SKY, CAR = (128, 64, 128), (128, 128, 128), (64, 0, 128)


TEXT = "road 128 64 128\nsky 128 128 128\ncar 64 0 128\nvoid 0 0 0\n"


def ids_of(number, classes=3, size=SIZE):
    """Draw blocks of ids and some void."""
    coarse = np.random.default_rng(number).integers(0, classes, (size[0] // 4, size[1] // 4)).astype(np.uint8)
    ids = coarse.repeat(4, axis=0).repeat(4, axis=1)
    ids[0, :3] = 255
    return ids


def in_colors(ids, colors=(ROAD, SKY, CAR)):
    table = np.zeros((256, 3), np.uint8)
    table[: len(colors)] = colors
    return table[ids]


def palette_png(path, ids):
    image = Image.fromarray(ids)
    image.putpalette(palette().astype(np.uint8).tobytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def voc(root, keys, lists=None, masks="SegmentationClass"):
    for number, key in enumerate(keys):
        write(root / "JPEGImages" / f"{key}.jpg", picture(*SIZE, seed=number), quality=95)
        palette_png(root / masks / f"{key}.png", ids_of(number))
    for name, members in (lists or {}).items():
        path = root / "ImageSets" / "Segmentation" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{key}\n" for key in members))
    return root


def rgb(source, image="images/{}.png", mask="masks/{}.png", keys="abc", text=TEXT):
    for number, key in enumerate(keys):
        write(source / image.format(key), picture(*SIZE, seed=number))
        write(source / mask.format(key), in_colors(ids_of(number)))
    (source / "classes.txt").write_text(text)
    return source


SQUARE = [[2, 3], [6, 3], [6, 8], [2, 8]]


def many(source, number):
    for index in range(number):
        labelme(source, f"{index:03}", [shape("cat", SQUARE)])
        write(source / f"{index:03}.png", picture(20, 24, seed=index))
    return source
