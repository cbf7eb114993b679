"""Where the labels of every image go, format by format, and what may not be replaced there."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fcn_keras.colors import class_colors, hexadecimal
from fcn_keras.visualize import background_of
from fcn_keras_console.files import ManyFiles
from fcn_keras_console.image_files import files_below

from ..annotations.coco_regions import coder_of_masks
from ..annotations.coco_writer import CocoWriter
from ..annotations.cvat_writer import CvatWriter
from ..annotations.label_studio_writer import LabelStudioWriter
from ..annotations.labelme_writer import write_labelme
from .certainty_files import KINDS, write_colors, write_grey, write_scale
from .marks import is_result
from .png_files import write_ids, write_legend, write_overlay, write_palette

# Format -> the files of an image: their folder, their extension, and what writes one.
PER_IMAGE = {
    "palette": [("labels", ".png", write_palette)],
    "ids": [("ids", ".png", write_ids)],
    "overlay": [("overlays", ".jpg", write_overlay)],
    "labelme": [("labelme", ".json", write_labelme)],
    **{kind: [(kind, ".png", write_grey(kind)), (f"{kind}-maps", ".jpg", write_colors(kind))] for kind in KINDS},
}
# Format -> the file that holds all images, its extension, and what collects and writes them.
COLLECTED = {
    "coco": ("annotations", ".json", CocoWriter),
    "cvat": ("cvat", ".zip", CvatWriter),
    "label-studio": ("label_studio", ".json", LabelStudioWriter),
}
_BAND = 256  # rows counted at once
_PAINTED = {"palette", "overlay"}  # in colours, of which there are 256


@dataclass(frozen=True)
class Classes:
    """What the classes of one head are called, how they are painted, and which of them is what is left over.

    Attributes:
        names: by class id.
        background: the class that overlays leave bare, or None where every class is something.
        colors: `(K, 3)` uint8 RGB.
    """

    names: tuple[str, ...]
    background: int | None
    colors: Any = field(default=None, compare=False)

    @classmethod
    def named(cls, names, count, colors=None):
        """Take names, or call the classes by number; VOC's class 0 is what is left over, a named one is painted."""
        known = tuple(names) if names is not None else tuple(f"class {index}" for index in range(count))
        colors = class_colors(count if names is None else known) if colors is None else colors
        return cls(known, 0 if names is None else background_of(names), colors)

    @property
    def look(self):
        """What `fcn_keras.overlay` is to know."""
        return {"background": self.background, "colors": self.colors}

    def colors_of(self, names):
        """Return the colours of some classes by name, as `#rrggbb`."""
        return {name: hexadecimal(self.colors[self.names.index(name)]) for name in names}

    def counts(self, labels):
        """Count the pixels of every class, in bands: NumPy counts integers of 8 bytes."""
        counts = np.zeros(len(self.names), np.int64)
        for top in range(0, len(labels), _BAND):
            counts += np.bincount(labels[top : top + _BAND].ravel(), minlength=len(counts))
        return counts

    def shares(self, pixels):
        """Return the share 0..1 of every class that occurs, by name, the largest first, of counts by class id."""
        pixels = np.asarray(pixels)
        order = [int(index) for index in np.argsort(-pixels, kind="stable") if pixels[index]]
        return {self.names[index]: float(pixels[index] / pixels.sum()) for index in order}


class Result(NamedTuple):
    """One head's labels of one image, as the writers of `PER_IMAGE` take them.

    Attributes:
        source: the image's file.
        image: its pixels.
        labels: `(H, W)` class ids.
        classes: what the ids mean.
        folder: where the file is going to lie, for what refers to the image.
        legend: whether an overlay shows which colour means which class.
        certainty: `(H, W)` uint8 by `certainty_files.KINDS`, where they are written.
    """

    source: Path
    image: Any
    labels: Any
    classes: Classes
    folder: Path | None = None
    legend: bool = False
    certainty: Any = None


class Results:
    """The files of one call: a context manager.

    Args:
        output: the folder that they go to.
        formats: names of `PER_IMAGE` and of `COLLECTED`.
        classes: `Classes` by head; the only head of most models is `""`.
        begin: called before the first file is written.
        legend: as for `Result`.

    Raises:
        ValueError: if a format cannot hold that many classes.
        ImportError: if a format's package is missing.
    """

    def __init__(self, output, formats, classes, begin=lambda: None, *, legend=False):
        self.output, self.classes, self.legend = output, classes, legend
        self._begin, self._begun, self._painted = begin, False, bool(_PAINTED & set(formats))
        self._files = ManyFiles()
        self.formats = [name for name in PER_IMAGE if name in formats]
        self._kinds = [kind for name in self.formats for kind in PER_IMAGE[name]]
        most = max(len(known.names) for known in classes.values())
        if most > 256 and self._painted:
            raise ValueError(f"A palette PNG holds 256 classes. This model has {most}: say --format ids.")
        collected = [name for name in COLLECTED if name in formats]
        if "coco" in collected:
            coder_of_masks()  # now rather than after the first image
        self._writers = {
            head: {self._collected_file(name, head): COLLECTED[name][2](known) for name in collected}
            for head, known in classes.items()
        }

    @property
    def needs_certainty(self):
        """Whether a format tells how sure the labels are."""
        return bool(self._scales())

    def __enter__(self):
        self._files.__enter__()
        return self

    def __exit__(self, *error):
        self._files.__exit__(*error)

    def begin(self):
        """Write what is there before the first labels: which net made them, and the legends."""
        if self._begun:
            return
        self._begin()
        for head, file in self._legends().items():
            with self._files.written(file) as temporary:
                write_legend(temporary, self.classes[head])
        for kind, file in self._scales().items():
            with self._files.written(file) as temporary:
                write_scale(temporary, kind)
        self._begun = True

    def present(self):
        """Yield all files in the folder that this command wrote, of every format and head."""
        folders = {name for kinds in PER_IMAGE.values() for name, _, _ in kinds}
        for folder in sorted(path for path in self.output.glob("*/") if path.name.partition("_")[0] in folders):
            yield from filter(is_result, files_below(folder))
        whole = [("legend", ".png"), *((f"{kind}_legend", ".png") for kind in KINDS)]
        whole += [(stem, extension) for stem, extension, _ in COLLECTED.values()]
        collected = (self.output.glob(f"{stem}*{extension}") for stem, extension in whole)
        yield from (path for paths in collected for path in sorted(paths) if is_result(path))

    def require_free(self, images):
        """Refuse to replace files that this command did not write, such as a data set's own labels.

        Raises:
            ValueError: naming the first.
        """
        targets = [target for head in self.classes for image in images for target in self._targets(image, head)]
        for folder in dict.fromkeys(folder for target in targets for folder in self._folders(target)):
            if folder.exists() and not folder.is_dir():
                raise ValueError(f"{folder} is a file, where results need a folder. Choose another --output.")
        collected = [file for writers in self._writers.values() for file in writers]
        for target in [*targets, *collected, *self._legends().values(), *self._scales().values()]:
            if target.exists() and not is_result(target):
                edited = ", or it was edited since" if target.suffix == ".json" else ""
                raise ValueError(f"{target} exists, and fcn-predict did not write it{edited}. Choose another --output.")

    def write(self, image, head, rgb, labels, certainty=None):
        """Write one head's labels of an image, whose pixels are `rgb`, and return the files.

        Those that hold all images are among them, though they are written last. `certainty` is as of `Result`.
        """
        self.begin()
        targets = self._targets(image, head)
        for (_, _, write), target in zip(self._kinds, targets, strict=True):
            result = Result(image.path, rgb, labels, self.classes[head], target.parent, self.legend, certainty)
            with self._files.written(target) as temporary:
                write(temporary, result)
        for writer in self._writers[head].values():
            writer.add(f"{image.key}{image.path.suffix}", labels)
        return [*targets, *self._writers[head]]

    def finish(self):
        """Write what is one file for all images."""
        for file, writer in (pair for writers in self._writers.values() for pair in writers.items()):
            if writer.images:
                with self._files.written(file) as temporary:
                    writer.write(temporary)

    def video_file(self, image, head):
        return self.output / f"overlays{_suffix(head)}" / f"{image.key}.mp4"

    def _legends(self):
        """Name the file of each head's legend."""
        heads = self.classes if self._painted else ()
        return {head: self.output / f"legend{_suffix(head)}.png" for head in heads}

    def _scales(self):
        """Name the file that says what the colours of each kind of certainty mean, for all heads."""
        return {kind: self.output / f"{kind}_legend.png" for kind in KINDS if kind in self.formats}

    def _targets(self, image, head):
        if image.video:
            return [self.video_file(image, head)]
        return [self.output / f"{folder}{_suffix(head)}" / f"{image.key}{suffix}" for folder, suffix, _ in self._kinds]

    def _folders(self, target):
        """Return the folders between `output` and a file."""
        return [folder for folder in target.parents if self.output in folder.parents]

    def _collected_file(self, name, head):
        stem, extension, _ = COLLECTED[name]
        return self.output / f"{stem}{_suffix(head)}{extension}"


def _suffix(head):
    return f"_{head}" if head else ""
