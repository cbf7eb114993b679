"""Tell the kinds of annotations by what lies in a folder: names of files, and the first keys of some JSON files."""

import contextlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fcn_keras.datasets.images import extensions
from fcn_keras_console.image_files import files_below

from . import labelme_xml
from .annotations import SPLITS
from .class_colors import FILES, read_colors
from .json_values import is_list_of, load_json
from .xml_values import root_of

_LOOKED_AT, _LARGEST = 12, 4  # JSON files, spread over all, and besides those that hold most


@dataclass(frozen=True)
class Found:
    """A kind of annotations that fits.

    Attributes:
        kind: as `fcn-doctor --import` names it.
        why: what was found.
    """

    kind: str
    why: str


class Listing:
    """The names of the files below a folder, and what some of them hold.

    Args:
        source: the folder, or one file.
    """

    def __init__(self, source):
        self.source = Path(source)
        files = files_below(self.source) if self.source.is_dir() else [self.source]
        self.root = self.source if self.source.is_dir() else self.source.parent
        self.names = [path.relative_to(self.root).as_posix() for path in files]

    def first(self, pattern):
        """Return the first name that a regular expression, of any case, matches at its end; or None."""
        wanted = re.compile(rf"(?:^|.*/)(?:{pattern})$", re.IGNORECASE)
        return next((name for name in self.names if wanted.match(name)), None)

    def images_in(self, folder):
        """Tell whether a folder of that name, or a pattern, holds an image."""
        wanted = re.compile(rf"(?:^|.*/)(?:{folder})/.*", re.IGNORECASE)
        return any(wanted.match(name) and Path(name).suffix.lower() in extensions() for name in self.names)

    @cached_property
    def keys(self):
        """`(name, set of keys)` of some JSON files; of a list, the keys of its first object and `[]`."""
        names = [name for name in self.names if name.lower().endswith(".json")]
        names = [name for name in names if (self.root / name).is_file()]  # and no link to nowhere
        largest = sorted(names, key=lambda name: -(self.root / name).stat().st_size)[:_LARGEST]
        chosen = {*names[:: -(-len(names) // _LOOKED_AT) or 1], *largest}
        return [(name, self._keys(name)) for name in names if name in chosen]

    def _keys(self, name):
        try:
            content = load_json(self.root / name, hook=dict.fromkeys)
        except ValueError:
            return set()
        if is_list_of(dict, content) and content:
            return {"[]", *content[0]}
        return set(content) if isinstance(content, dict) else set()

    def json_with(self, *keys):
        """Return the first name of a JSON file that has all of these keys, or None."""
        return next((name for name, found in self.keys if found.issuperset(keys)), None)


def recognise(source):
    """Return the list of `Found` that fit to what lies in a folder, or to a file.

    Raises:
        ValueError: if there is no such folder or file.
    """
    if not Path(source).exists():
        raise ValueError(f"{source} is missing. Name the folder of the annotations, or a file of them.")
    listing = Listing(source)
    found = ((kind, tell(listing)) for kind, tell in _TELLS.items())
    return [Found(kind, why) for kind, why in found if why is not None]


def _labelme(listing):
    if name := listing.json_with("shapes", "imagePath"):
        return f"{name} holds `shapes`"
    name = listing.first(".*[.]xml")
    with contextlib.suppress(ValueError):
        if name and labelme_xml.load(listing.root / name):
            return f"{name} holds polygons or masks of objects"
    return None


def _coco(listing):
    name = listing.json_with("images", "annotations", "categories")
    return name and f"{name} holds `images`, `annotations` and `categories`"


def _voc(listing):
    if listing.images_in("SegmentationClass(PNG)?"):
        return "there is a folder SegmentationClass of masks"
    return None


def _roboflow(listing):
    name = listing.first("_classes[.]csv")
    return name and listing.first(".*_mask[.]png") and f"there are {name} and masks called _mask.png"


def _cityscapes(listing):
    name = listing.first("[^/]+_(?:labelIds|labelTrainIds|color)[.]png")
    if name is None and listing.images_in("image_2"):
        name = listing.first("semantic/[^/]+[.]png")
    return name and f"there is {name}"


def _ade20k(listing):
    name = listing.first("objectInfo150[.]txt")
    name = name or (listing.images_in("images/training") and listing.first("annotations/training/.*[.]png"))
    return f"there is {name}" if name else None


def _label_studio(listing):
    name = listing.json_with("[]", "data") or listing.json_with("[]", "annotation_id")
    if name is None:
        name = listing.first("task-[0-9]+-annotation-[0-9]+-by-[^/]*[.]png")
    return name and (f"{name} is a list of tasks" if name.lower().endswith("json") else f"there is {name}")


def _cvat(listing):
    name = next((name for name in listing.names if name.lower().endswith(".xml")), None)
    root = root_of(listing.root / name) if name else None
    return f"{name} is XML of CVAT's" if root and root[0] == "annotations" else None


def _datumaro(listing):
    name = listing.json_with("categories", "items")
    return name and f"{name} holds `categories` and `items`"


def _yolo(listing):
    name = listing.first("labels/(?:.*/)?(?!classes[.]txt)[^/]*[.]txt")  # LabelImg puts classes.txt beside the others
    if name is None or not (listing.root / name).is_file() or not listing.images_in("images/.*|images|.*/images"):
        return None
    with (listing.root / name).open("rb") as file:
        start = file.read(200)
    is_line = re.match(rb"\s*(?:\d+(?:[.]0*)?(?:\s+-?[\d.eE-]+){4,}|$)", start)
    return f"{name} is a label file of images" if is_line else None


def _supervisely(listing):
    name = listing.first("ann/[^/]+[.]json")
    return f"there are meta.json and {name}" if name and "meta.json" in listing.names else None


def _rgb(listing):
    """Masks in colours beside images, with a class file of colours, which only the doctor's own layout may lack."""
    if _voc(listing) or _roboflow(listing) or _cityscapes(listing):
        return None
    name = next((name for name in FILES if name in listing.names), None)
    if name is None:
        return None
    folders = "|".join(re.escape(split) for split in SPLITS)
    masks = listing.images_in(f"(?:{folders})?(?:_?(?:labels?|masks?|annot)|LabeledApproved_full)")
    try:
        colored = name == "label_colors.txt" or read_colors(listing.root / name) is not None
    except ValueError:
        return None
    return f"{name} gives colours, and there are folders of images and masks" if masks and colored else None


_TELLS = {
    "labelme": _labelme,
    "coco": _coco,
    "voc": _voc,
    "rgb": _rgb,
    "roboflow": _roboflow,
    "cityscapes": _cityscapes,
    "ade20k": _ade20k,
    "label-studio": _label_studio,
    "cvat": _cvat,
    "datumaro": _datumaro,
    "yolo": _yolo,
    "supervisely": _supervisely,
}
