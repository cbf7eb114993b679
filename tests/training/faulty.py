"""A clean data set drawn on disk, and the faults that the doctor's tests plant in it."""

import shutil

import cv2
import numpy as np
from PIL import ExifTags, Image

from fcn_keras.datasets.synthetic import SEM, Synthetic
from fcn_keras.visualize import palette

NUMBERS = {"train": (6, 11), "val": (4, 12)}  # split -> scenes, seed
HEIGHT, WIDTH = 60, 84


def clean(folder, *, height=HEIGHT, width=WIDTH):
    """Write scenes with names of their classes."""
    for split, (number, seed) in NUMBERS.items():
        scenes = Synthetic(number, seed=seed, height=height, width=width)
        for index in range(number):
            example = scenes[index]
            write(folder / split / "images" / f"{index}.png", example["image"])
            write(folder / split / "labels" / f"{index}.png", example["label"])
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in SEM))
    return folder


def write(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def masks(folder, split="*"):
    return sorted(folder.glob(f"{split}/labels/*"))


def pixels(path):
    return np.array(Image.open(path))


def change(paths, function):
    """Replace masks by a function of their pixels."""
    for path in paths:
        write(path, function(pixels(path)))


def turned_by_exif(path, orientation, image):
    """Save pixels with an EXIF orientation."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return write(path, image, exif=exif)


def voc_colors(ids):
    """Paint ids as VOC's masks are painted."""
    colors = palette()[ids]
    colors[ids == 255] = (224, 224, 192)
    return colors


def luma_rounded(ids):
    """Read a coloured mask as grey with Pillow."""
    return np.array(Image.fromarray(voc_colors(ids)).convert("L"))


def luma_cut_off(ids):
    """Read the file of a coloured mask as grey with OpenCV, which does what libpng does in TensorFlow."""
    contents = cv2.imencode(".png", voc_colors(ids)[..., ::-1])[1]
    return cv2.imdecode(contents, cv2.IMREAD_GRAYSCALE)


def copy_tree(source, target):
    return shutil.copytree(source, target)


def codes(report, severity="error"):
    return {finding.code for finding in report.findings if finding.severity == severity}


def found(report, code):
    """Return the one finding of that code."""
    (finding,) = [finding for finding in report.findings if finding.code == code]
    return finding
