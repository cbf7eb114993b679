"""Write what was read into images and masks in folders."""

import hashlib
import logging
import os
import shutil
import zlib
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from fcn_keras.datasets.classes import ClassTable
from fcn_keras.datasets.images import extensions, orientation, read_header, read_size
from fcn_keras.datasets.names import SPLITS, split_of
from fcn_keras_console.printing import in_one_line
from fcn_keras_console.words import some

from ..annotations.annotations import unique_keys
from ..hold_out import divide
from ..reading import read_each
from .layout_checks import IMAGES, LABELS

SHARE = 0.2  # of the images, to validate with
_NAMED = 5  # of what is left out for one reason
_THREADS = min(8, os.cpu_count() or 1)
_SIDEWAYS = {  # EXIF orientation -> how what fits the pixels in the file is turned to fit the image as it is seen
    5: lambda label: label.T,
    6: lambda label: np.rot90(label, -1),
    7: lambda label: np.rot90(label, 2).T,
    8: lambda label: np.rot90(label),
}
_EXTENSIONS = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "TIFF": ".tif", "JPEG2000": ".jp2", "PPM": ".ppm"}
_TITLES = {
    "labelme": "LabelMe's annotations",
    "coco": "COCO annotations",
    "voc": "VOC masks",
    "rgb": "coloured masks",
    "ids": "masks of ids",
    "roboflow": "Roboflow's masks",
    "cityscapes": "Cityscapes' masks",
    "ade20k": "ADE20K's masks",
    "label-studio": "Label Studio's annotations",
    "cvat": "CVAT's annotations",
    "datumaro": "Datumaro's annotations",
    "yolo": "YOLO's polygons",
    "supervisely": "Supervisely's annotations",
}
_log = logging.getLogger("fcn-doctor")


@dataclass
class Imported:
    """What was written; `dataclasses.asdict` of it is JSON.

    Attributes:
        kind: of the annotations.
        source: what they were read from.
        directory: what was written.
        images: number of images by split.
        class_names: tuple, in the order of the ids.
        decisions: a sentence each.
        left_out: names of what was not taken over, by reason.
        skipped: a line for each file that could not be used.
    """

    kind: str
    source: str
    directory: str
    images: dict[str, int]
    class_names: tuple[str, ...]
    decisions: list[str] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def text(self):
        """Say what was written, decided and left out."""
        images = ", ".join(f"{split} {number}" for split, number in self.images.items())
        lines = [f"Wrote {self.directory} from {_TITLES[self.kind]} in {self.source}: {images} images."]
        lines += [f"  {decision}" for decision in self.decisions]
        lines += [
            f"  left out, {reason}: {len(names):,} ({some(names, _NAMED)})" for reason, names in self.left_out.items()
        ]
        if any(len(names) > _NAMED for names in self.left_out.values()):
            lines.append("  --json names all that is left out")
        if self.skipped:
            lines.append(f"  skipped, as said above: {len(self.skipped)}")
        return "\n".join(map(in_one_line, lines))


def write(annotations, folder, *, share=None, seed=0, unreadable, progress):
    """Write images, byte for byte, and their labels as PNG of ids.

    Args:
        annotations: `Annotations`.
        folder: to write into, empty.
        share: of the images to validate with, where the annotations are not divided; 0 leaves them so; None is `SHARE`.
        seed: of that division.
        unreadable: called with the `ValueError` of a pair that cannot be used.
        progress: called as `progress(done, total)` after each pair.

    Returns:
        number of images by split, and a sentence on how they were divided or None.

    Raises:
        ValueError: if nothing is left, or class names cannot be written.
    """
    pairs = annotations.images
    divided = list(pairs) != ["all"]
    if divided and share is not None:
        raise ValueError(f"--val divides, and the annotations are divided already: {', '.join(pairs)}. Leave it out.")
    renamed = ""
    if not divided and (share == 0 or len(pairs["all"]) < 2):
        members, renamed = _no_splits(pairs["all"])
        pairs = {"all": members}
    folder.mkdir(parents=True, exist_ok=True)
    _write_classes(folder / "classes.txt", annotations.names)
    items = [(split, pair) for split, members in pairs.items() for pair in members]
    each = read_each(
        lambda item: _write_pair(folder, *item), items, unreadable=unreadable, progress=progress, threads=_THREADS
    )
    done = list(each)
    unreadable.require_some(len(done))
    if not divided:
        images, how = _divided(folder, {pair.key: files for (_, pair), files in done}, share, seed)
        return images, f"{how}{renamed}"
    counts = Counter(split for (split, _), _ in done)
    return {split: counts[split] for split in pairs if counts[split]}, None


def _divided(folder, written, share, seed):
    """Move what was written into `train` and `val`, images of the same bytes into one of them.

    Args:
        written: `(image, label)` below `folder`, by id.

    Returns:
        as `write`.
    """
    share = SHARE if share is None else share
    if share == 0 or len(written) < 2:
        return {"all": len(written)}, "not divided"
    copies = _copies({key: image for key, (image, _) in written.items()})
    together = [group for group in copies if len(group) < len(written)]
    chosen = divide(written, share, seed, together=together)
    for key, files in written.items():
        for path in files:
            target = folder / ("val" if key in chosen else "train") / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
    for name in (IMAGES, LABELS):
        shutil.rmtree(folder / name)
    kept = f"; {sum(map(len, together))} images that are there more than once stay together" if together else ""
    how = f"divided: {share:.0%} to val, by a hash of the names (--val, --seed {seed}){kept}"
    return {"train": len(written) - len(chosen), "val": len(chosen)}, how


def _copies(images):
    """Return lists of the ids of image files of the same bytes."""
    alike = {}
    for key, path in images.items():
        alike.setdefault(path.stat().st_size, []).append(key)
    groups = {}
    for keys in alike.values():
        for key in keys if len(keys) > 1 else ():
            groups.setdefault(hashlib.blake2b(images[key].read_bytes()).digest(), []).append(key)
    return [keys for keys in groups.values() if len(keys) > 1]


def _no_splits(members):
    """Call folders otherwise that would be read as splits of what is not divided, and others be in none; say which."""
    tops = {pair.key.split("/")[0] for pair in members if "/" in pair.key}
    named = sorted(top for top in tops if top.casefold() in SPLITS)
    if len(named) < 2 and "train" not in map(split_of, named):  # as `layouts.inner` has it
        return members, ""
    keys = [f"{top}_/{rest}" if rest and top in named else key for key, top, rest in map(_parted, members)]
    told = ", ".join(f"{top} is called {top}_" for top in named)
    members = [replace(pair, key=key) for pair, key in zip(members, unique_keys(keys), strict=True)]
    return members, f", so that folders called like splits are called otherwise: {told}"


def _parted(pair):
    top, _, rest = pair.key.partition("/")
    return pair.key, top, rest


def _write_classes(path, names):
    """Write a class file, and see that it says what it should."""
    for name in names:
        text = f"{name}\n"
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
        try:
            same = ClassTable(path).names == (name,)
        except ValueError:
            same = False
        if not same:
            raise ValueError(
                f"A class cannot be called {name!r:.80} in classes.txt, where # starts a comment and three numbers at "
                "the end are a colour. Rename it in the annotations."
            )
    path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    ClassTable(path)  # as many as there may be


def _write_pair(folder, split, pair):
    """Write one image and its label, and return their paths."""
    root = folder if split == "all" else folder / split
    image, label = pair.read()
    target = root / IMAGES / f"{pair.key}{_extension(image)}"
    mask = root / LABELS / f"{pair.key}.png"
    for path in (target, mask):
        path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(image, bytes):
        target.write_bytes(image)
    try:
        ids = _fitted(label, image if isinstance(image, Path) else target)
    except ValueError as error:
        target.unlink(missing_ok=True)
        raise ValueError(str(error).replace(str(target), f"the image in the annotation of {pair.key}")) from None
    if isinstance(image, Path):
        shutil.copyfile(image, target)
    Image.fromarray(ids).save(mask, compress_type=zlib.Z_RLE)  # of labels: in half the time, and smaller
    _log.debug("image %s: to %s, its label to %s", pair.key, target.relative_to(folder), mask.relative_to(folder))
    return target, mask


def _fitted(label, image):
    """Draw a label, and turn it as the image is turned by its EXIF orientation."""
    size, turned = read_size(image), orientation(image)
    sizes = (size, size[::-1]) if turned in _SIDEWAYS else (size,)
    ids = label(sizes)
    if ids.shape not in sizes:
        raise ValueError(
            f"{image} has {size[0]}x{size[1]} pixels (height x width), its mask {ids.shape[0]}x{ids.shape[1]}. Give "
            "the image that was annotated."
        )
    return np.ascontiguousarray(ids if ids.shape == size else _SIDEWAYS[turned](ids))


def _extension(image):
    """Return the image's own extension if `Folder` knows it, else that of its format."""
    if isinstance(image, Path):
        if image.suffix.lower() in extensions():
            return image.suffix
        kind = read_header(image)[0]
        return _EXTENSIONS.get(kind, f".{kind.lower()}")
    return ".png" if image.startswith(b"\x89PNG") else ".jpg"  # LabelMe embeds these two
