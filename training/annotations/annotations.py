"""What every kind of annotations is read into: pairs of an image and what draws its label, and the classes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fcn_keras.datasets.classes import ClassTable
from fcn_keras.datasets.names import SPLITS as SPLITS
from fcn_keras.datasets.names import is_background, is_void
from fcn_keras.examples import VOID
from fcn_keras_console.words import some

from .json_values import as_json, whole
from .shape_tally import ShapeTally

BACKGROUND = "background"


class ImageAndLabel(NamedTuple):
    """An image and its label, not yet drawn.

    Attributes:
        image: its file, or its bytes where the annotation's file holds them.
        label: `(sizes) -> (H, W) uint8` ids, 255 void, of one of the `(H, W)` in `sizes`: the image's, first as it is
            seen, then, where its EXIF orientation lays it on its side, as it lies in the file.
    """

    image: Path | bytes
    label: Callable[[tuple[tuple[int, int], ...]], np.ndarray]


@dataclass(frozen=True)
class AnnotatedImage:
    """One image of the data set to write.

    Attributes:
        key: its id, the path below the folder of images without the extension.
        read: returns `ImageAndLabel`; raises a `ValueError` that names the file.
    """

    key: str
    read: Callable[[], ImageAndLabel]


@dataclass
class Annotations:
    """Everything that the annotations say, before any image is read.

    Attributes:
        names: of the classes, in the order of their ids.
        images: by split; the only split is `all` where the annotations are not divided.
        decisions: what was decided about them, a sentence each.
        left_out: names of what is not taken over, by reason.
        shapes: what is told of the shapes; complete once the labels are drawn.
    """

    names: tuple[str, ...]
    images: dict[str, list[AnnotatedImage]]
    decisions: list[str] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    shapes: ShapeTally = field(default_factory=ShapeTally)


def given_names(classes):
    """Return the class names that `--classes` gives, or None.

    Raises:
        ValueError: if it gives a number, or no class file.
    """
    if isinstance(classes, int):
        raise ValueError(f"--classes {classes} gives no names, and these annotations have some. Name a class file.")
    return None if classes is None else ClassTable(classes).names


def plain_names(names):
    """Return class names without those of void, and the background by its plain name.

    Args:
        names: of a class file.
    """
    return tuple(BACKGROUND if is_background(name) else name for name in names if not is_void(name))


def notes_on_names(labels):
    """Return a sentence on labels that are taken for void or background although they are called otherwise."""
    void = [label for label in labels if is_void(label) and label != "void"]
    back = [label for label in labels if is_background(label) and label != BACKGROUND]
    notes = [f"taken for void: {some(void)}"] if void else []
    return notes + ([f"taken for background: {some(back)}"] if back else [])


def choose_classes(labels, given, unlabelled, origin):
    """Choose the classes, and the id of every label.

    `background`, `Background` and LabelMe's `_background_` are one class, the first unless a class file says otherwise;
    `void`, `Unlabelled` and LabelMe's `__ignore__` are void (`fcn_keras.datasets.names`).

    Args:
        labels: dict of label -> the first file that has it, in the order of the ids.
        given: names of a class file, or None.
        unlabelled: what pixels are that no shape covers, `background` or `void`.
        origin: the class file, for the errors.

    Returns:
        Names of the classes, dict of label -> id, and the id of unlabelled pixels.

    Raises:
        ValueError: if a class file lacks a label, or a background that is needed.
    """
    names = list(dict.fromkeys(plain_names(given or ())))
    back = BACKGROUND if BACKGROUND in names else None
    if given is None:
        names = [label for label in labels if not is_void(label) and not is_background(label)]
        if unlabelled == "background" or any(map(is_background, labels)):
            back = BACKGROUND
            names.insert(0, back)
    elif back is None and unlabelled == "background":
        raise ValueError(
            f"{origin} names no background, the class of the pixels that no shape covers. Add a line `background`, or "
            "say --unlabelled void."
        )
    ids = {name: index for index, name in enumerate(names)}
    ids |= dict.fromkeys(filter(is_void, labels), VOID)
    ids |= {} if back is None else dict.fromkeys(filter(is_background, labels), ids[back])
    missing = [f"{label!r} ({file})" for label, file in labels.items() if label not in ids]
    if missing:
        raise ValueError(
            f"{origin} lacks {len(missing)} labels of the annotations: {some(missing)}. Add them to it, a line each."
        )
    return tuple(names), ids, VOID if unlabelled == "void" else ids[back]


def label_text(value, where):
    """Return a label or class name with its white space tidied.

    Raises:
        ValueError: if it is none.
    """
    if not isinstance(value, str) or not value.split():
        raise ValueError(f"{where} should be a name. Received: {as_json(value)}.")
    return " ".join(value.split())


def fitting_size(stated, sizes, where):
    """Return the one of an image's sizes on which its annotations were drawn.

    Args:
        stated: `(H, W)` as the annotations state it, or None if they do not.
        sizes: as for `ImageAndLabel.label`.

    Raises:
        ValueError: if they were drawn on an image of another size.
    """
    if stated is None:
        return sizes[0]
    if stated not in sizes:
        raise ValueError(
            f"{where} was drawn on an image of {stated[0]}x{stated[1]} pixels (height x width), and the image has "
            f"{sizes[0][0]}x{sizes[0][1]}. Give the image that was annotated."
        )
    return stated


def stated_size(content, names, where):
    """Return the `(H, W)` that annotations state under two names, or None if they do not, or say 0, as some tools do.

    Raises:
        ValueError: if these are no sizes.
    """
    if any(content.get(name) in (None, 0, "0") for name in names):
        return None
    values = (content[name] for name in names)
    values = (
        int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else value for value in values
    )
    height, width = (whole(value, f"{where}: `{name}`", least=1) for name, value in zip(names, values, strict=True))
    return height, width


def unique_keys(names):
    """Make ids of paths without extension: no hidden parts, and no two that differ by case alone.

    Args:
        names: paths with `/`.

    Returns:
        list of the ids in the same order; the second of one name is called `name_2`.
    """
    taken, keys = set(), []
    for name in names:
        key = plain = "/".join(part.lstrip(".") or "_" for part in name.split("/"))
        number = 1
        while key.casefold() in taken:
            number += 1
            key = f"{plain}_{number}"
        taken.add(key.casefold())
        keys.append(key)
    return keys
