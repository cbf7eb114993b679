"""Photographs and a tiny recipe that trains on them in a second, for the tests that change them afterwards."""

import json
import shutil

import numpy as np
from PIL import Image

from tests.training.workdir.tiny_recipe import NAME, use_tiny_recipe
from training.recipes import names, readers
from training.train import command as train

CLASSES = ("ground", "post", "sky")


def draw(folder, numbers, split="train"):
    """Write images of 24x32 and their masks."""
    for kind in ("images", "labels"):
        (folder / split / kind).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        rng = np.random.default_rng(number)
        label = rng.integers(0, len(CLASSES), (24, 32)).astype(np.uint8)
        image = np.repeat((label * 90)[..., None], 3, axis=2)
        Image.fromarray(image).save(folder / split / "images" / f"{number}.png")
        Image.fromarray(label).save(folder / split / "labels" / f"{number}.png")


def write_photos(folder):
    """Write four pairs to train on, two to validate on, and the classes."""
    draw(folder, range(4))
    draw(folder, (4, 5), "val")
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES))
    return folder


def use_folder_recipe(patch, **changes):
    use_tiny_recipe(patch, data=readers.folder, **changes)
    patch.setattr(names, "NAMES", tuple(name for name in names.NAMES if name != NAME))  # whose data is known: drawn


def run(folder, *options):
    """Train on `folder / "photos"` in `folder / "runs"`."""
    options = ["--data", folder / "photos", "--workdir", folder / "runs", "--quiet", "--no-watchdog", *options]
    return train.main([NAME, *map(str, options)])


def lay_out(template, folder):
    """Copy photographs and what was trained on them elsewhere, as if that had been done there."""
    for name in ("photos", "runs"):
        shutil.copytree(template / name, folder / name)
    settings = folder / "runs" / NAME / "recipe.json"
    held = json.loads(settings.read_text())
    held["decisions"]["data"] = str(folder / "photos")
    settings.write_text(json.dumps(held))
    return folder


def contents(folder):
    """Return the bytes of all files below a folder, by path."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".fcn-train.lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
