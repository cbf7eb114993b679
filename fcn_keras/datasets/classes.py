"""Class names and colours, from a count, a list or a file."""

import os
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..examples import VOID
from .class_file import class_lines
from .names import is_void

Classes = int | str | os.PathLike[str] | Iterable[str]
Color = tuple[int, int, int]

_UNKNOWN = 254  # marks colours of no class, so that coloured classes are fewer


class ClassTable:
    """Hold the names of the classes, and their colours where masks are coloured.

    Args:
        classes: number of classes, their names, or the path of a class file: a `name` or a `name R G B` a line, `#`
            starts a comment. The colour of a line named `void`, or otherwise as `names.is_void` has it (`Unlabelled`,
            `__ignore__`), becomes 255; that line is no class.

    Attributes:
        names: tuple of class names.
        colors: `{(R, G, B): id}`, 255 for void; empty where masks are not coloured.
        void_names: what void is called, of the lines that were taken as void.

    Raises:
        ValueError: if the file is missing or a line of it is wrong.
    """

    def __init__(self, classes: Classes) -> None:
        colors: dict[Color, int] = {}
        void_names: tuple[str, ...] = ()
        if isinstance(classes, (str, os.PathLike)):
            names, colors, void_names = _read(classes)
            if len(names) > VOID:
                raise ValueError(
                    f"`classes` may be 1..{VOID}. Received: {len(names)}. So many does {Path(classes).name} name."
                )
        elif isinstance(classes, (int, np.integer)) and not isinstance(classes, bool):
            names = tuple(str(index) for index in range(classes))
        else:
            names = tuple(classes)  # type: ignore[arg-type]  # True is no class file: `tuple` says so
            _check_names(names, "`classes`")
        self._fill(names, colors, void_names)

    @classmethod
    def of_colors(cls, colors: Iterable[tuple[str, Color]]) -> Self:
        """Make a table of names and their colours.

        Args:
            colors: `(name, (R, G, B))`. Several colours of one name are one class, those of `void` are void.
        """
        named = list(colors)
        names = tuple(dict.fromkeys(name for name, _ in named if not is_void(name)))
        void_names = tuple(dict.fromkeys(name for name, _ in named if is_void(name)))
        table = cls.__new__(cls)
        ids = {color: VOID if name in void_names else names.index(name) for name, color in named}
        table._fill(names, ids, void_names)
        return table

    def _fill(self, names: tuple[str, ...], colors: dict[Color, int], void_names: tuple[str, ...]) -> None:
        most = _UNKNOWN if colors else VOID
        if not 1 <= len(names) <= most:
            raise ValueError(f"`classes` may be 1..{most}. Received: {len(names)}.")
        self.names, self.colors, self.void_names = names, colors, void_names
        if colors:
            self._ids = np.full(1 << 24, _UNKNOWN, np.uint8)  # one byte for each colour: 16 MiB, and fast
            for color, value in colors.items():
                self._ids[_packed(np.array(color, np.uint8))] = value

    def require_no_void(self, origin: object) -> None:
        """Refuse a class that is void by its name, whose id in the masks nothing tells; `origin` is for the error.

        Raises:
            ValueError: if there is one. Where classes have colours there is none.
        """
        for index, name in enumerate(self.names):
            if is_void(name) and name != str(index):  # classes of which only the number is known are called by it
                raise ValueError(_void_is_none(name, index, origin))

    @property
    def colored(self) -> bool:
        """Whether the classes have colours."""
        return bool(self.colors)

    @cached_property
    def greys(self) -> dict[int, int]:
        """The classes' colours that are grey: `{grey: id}`."""
        return {red: value for (red, green, blue), value in self.colors.items() if red == green == blue}

    @property
    def greys_differ(self) -> bool:
        """Whether a grey of a class could be taken for the id of another."""
        return any(grey != value for grey, value in self.greys.items() if grey < len(self.names) or grey == VOID)

    @cached_property
    def grey_ids(self) -> NDArray[np.uint8]:
        """The ids of all greys, `(256,)`; void where no class has it."""
        ids = np.full(256, VOID, np.uint8)
        ids[list(self.greys)] = list(self.greys.values())
        return ids

    def lookup(self, mask: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Look up the colours of a mask, whatever it holds.

        Args:
            mask: `(H, W, 3)` uint8 RGB.

        Returns:
            `(H, W)` uint8 ids, void where the colour is no class's, and `(H, W)` whether it is known. Nothing is known
            where the classes have no colours.
        """
        if not self.colored:
            return np.full(mask.shape[:2], VOID, np.uint8), np.zeros(mask.shape[:2], bool)
        ids = self._ids[_packed(mask)]
        known = ids != _UNKNOWN
        ids[~known] = VOID
        return ids, known

    def translate(self, mask: NDArray[Any], path: object) -> NDArray[np.uint8]:
        """Return the `(H, W)` uint8 ids of a `(H, W, 3)` uint8 coloured mask; `path` is for the error.

        Raises:
            ValueError: if there are no colours, or the mask holds one that is not a class's.
        """
        if not self.colored:
            raise ValueError(
                f"{path} holds colours, and the classes have none. Give each class its colour in a class file "
                "(`name R G B` a line), or save the masks as 8-bit grey ids."
            )
        ids, known = self.lookup(mask)
        if not known.all():
            y, x = np.unravel_index(np.argmin(known), known.shape)
            raise ValueError(
                f"{path} holds the colour {tuple(mask[y, x].tolist())} at (y, x) = ({y}, {x}), which no class has. "
                "Add it to the class file (as `void R G B` if it is to be ignored); masks saved as JPEG or resized "
                "smoothly hold such colours at borders."
            )
        return ids


def _packed(colors: NDArray[Any]) -> NDArray[np.int32]:
    red, green, blue = np.moveaxis(colors, -1, 0).astype(np.int32)
    packed: NDArray[np.int32] = red << 16 | green << 8 | blue
    return packed


def read_class_file(path: str | os.PathLike[str]) -> tuple[tuple[str, ...], dict[Color, int]]:
    """Read a class file as `ClassTable` does, of any number of classes.

    Returns:
        The names, and `{(R, G, B): id}`, 255 for void; empty where no class has a colour.

    Raises:
        ValueError: if the file is missing or a line of it is wrong.
    """
    return _read(path)[:2]


def _read(path: str | os.PathLike[str]) -> tuple[tuple[str, ...], dict[Color, int], tuple[str, ...]]:
    names: list[str] = []
    void_names: list[str] = []
    colors: dict[Color, int] = {}
    plain = []
    for number, line in class_lines(path):
        name, color = _parsed(line, f"{path}:{number}")
        if color is None:
            plain.append(number)
        elif color in colors:
            raise ValueError(f"{path}:{number} gives the colour {color} a second time. Each class needs its own.")
        else:
            colors[color] = VOID if is_void(name) else len(names)
        (void_names if color is not None and is_void(name) else names).append(name)
    if colors and plain:
        raise ValueError(f"{path}:{plain[0]} has no colour, other lines have. Give every class one, or none.")
    _check_names(names, path)
    return tuple(names), colors, tuple(void_names)


def _parsed(line: str, place: str) -> tuple[str, Color | None]:
    """Split `name R G B` or `name`; names may hold spaces."""
    *name, red, green, blue = line.split() if len(line.split()) > 3 else [line, "", "", ""]
    if not all(re.fullmatch(r"-?\d+", part) for part in (red, green, blue)):
        return line, None
    color = (int(red), int(green), int(blue))
    if not all(0 <= part <= 255 for part in color):
        raise ValueError(f"{place} has the colour {color}. Expected `name R G B` with 0..255.")
    return " ".join(name), color


def _check_names(names: Sequence[object], origin: object) -> None:
    if not names:
        raise ValueError(f"{origin} names no class. Expected one name a line.")
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise ValueError(f"{origin} may hold names. Received: {name!r}.")
        if name in names[:index]:
            raise ValueError(f"{origin} names the class {name!r} twice.")
        if name == "void":
            raise ValueError(_void_is_none(name, index, origin))


def _void_is_none(name: str, index: int, origin: object) -> str:
    return (
        f"{origin} names {name} as a class. It is void, which is none: leave it out. If the masks hold its id {index} "
        f"behind those of the classes, pass that as `ignore_label` (--ignore-label {index}); if they hold it before "
        "them, fcn-doctor --fix OUT --read-as zero-void writes a copy without."
    )
