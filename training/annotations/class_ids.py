"""Names of the ids that masks hold, from the class files of several tools, and masks read by them."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fcn_keras.datasets.classes import ClassTable
from fcn_keras.datasets.images import read_mask
from fcn_keras.datasets.names import is_void

from .annotations import VOID, label_text
from .json_values import load_json, whole

_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class IdTable:
    """What the ids in masks mean.

    Attributes:
        names: of the classes, in their order.
        meanings: dict of id in the mask -> place in `names`, or 255 for void.
        origin: where it comes from, for messages.
    """

    names: tuple[str, ...]
    meanings: dict[int, int] = field(default_factory=dict)
    origin: str = "the classes"

    @classmethod
    def of(cls, entries, origin):
        """Make a table of `(id, name)` in the order of the classes; several ids of one name are one class.

        Raises:
            ValueError: if there are none, or more than there may be.
        """
        entries = [(number, " ".join(name.split())) for number, name in entries]
        names = tuple(dict.fromkeys(name for _, name in entries if not is_void(name)))
        ClassTable(names)  # as many as there may be
        places = {name: place for place, name in enumerate(names)}
        return cls(names, {number: places.get(name, VOID) for number, name in entries}, origin)

    def name_of(self, number):
        """Return the name of an id, `void`, or `nothing` of one that the table lacks."""
        place = self.meanings.get(number)
        return "nothing" if place is None else "void" if place == VOID else self.names[place]

    def within(self, names):
        """Return the same table with the places in other names, which hold its own."""
        places = [names.index(name) for name in self.names]
        return IdTable(names, {n: VOID if p == VOID else places[p] for n, p in self.meanings.items()}, self.origin)

    def label(self, path, ignore_label=VOID):
        """Read the `(H, W)` uint8 ids of one mask; 255, `ignore_label` and ids of void are void.

        Raises:
            ValueError: if it holds colours, or an id that the table lacks.
        """
        mask = grey(read_mask(path), path)
        present, place = np.unique(mask, return_inverse=True)
        meanings = {VOID: VOID, **self.meanings, ignore_label: VOID}
        unknown = [number for number in present.tolist() if number not in meanings]
        if unknown:
            raise ValueError(
                f"{path} holds the ids {unknown[:5]}, which {self.origin} does not name: it names "
                f"{_ranges(self.meanings)}. Give the right --classes, or name the void id with --ignore-label."
            )
        return np.array([meanings[number] for number in present.tolist()], np.uint8)[place].reshape(mask.shape)


def grey(mask, path):
    """Return `(H, W)` of a mask as it was read, also if it was saved as three equal channels.

    Raises:
        ValueError: if it holds colours.
    """
    if mask.ndim == 2:
        return mask
    if (mask != mask[..., :1]).any():
        raise ValueError(f"{path} holds colours, where ids were expected. Of masks in colours, say --import rgb.")
    return mask[..., 0]


def read_ids(path):
    """Read a class file: `0 road`, `0: road`, `0,road` a line (with a heading, as Roboflow writes it), plain names,
    which count from 0, or a JSON file of Datumaro's whose `label_map` names the ids.

    Returns:
        `IdTable`, in the order of the ids.

    Raises:
        ValueError: naming the line that is wrong.
    """
    path = Path(path)
    entries = _of_json(path) if path.suffix.lower() == ".json" else _of_lines(path)
    if not entries:
        raise ValueError(f"{path} names no class. Expected `0 road` a line.")
    ids = [number for number, _ in entries]
    twice = sorted({number for number in ids if ids.count(number) > 1})
    if twice:
        raise ValueError(f"{path} names the id {twice[0]} twice. Give each id one name.")
    return IdTable.of(sorted(entries), path.name)


def _of_json(path):
    content = load_json(path)
    table = content.get("label_map") if isinstance(content, dict) else None
    if not isinstance(table, dict):
        raise ValueError(f"{path} has no `label_map` of ids and names.")
    entries = []
    for number, name in table.items():
        if not re.fullmatch(r"\d{1,5}", number):
            raise ValueError(f"{path}: an id of `label_map` should be an integer. Received: {number!r:.60}.")
        entries.append((whole(int(number), path, least=0), label_text(name, f"{path}: the name of id {number}")))
    return entries


def _of_lines(path):
    entries, plain = [], []
    for number, line in enumerate(lines_of(path), 1):
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        numbered = re.fullmatch(r"(-?\d{1,5})(?:\s*[,;:=\t]\s*|\s+)(.+)", line)
        if numbered:
            entries.append((int(numbered[1]), label_text(numbered[2].strip("\"'"), f"{path}:{number}: the class")))
        elif line:
            plain.append((number, line))
    if not entries:
        _refuse_ids_behind(path, [name for _, name in plain])
        return [(place, name) for place, (_, name) in enumerate(plain)]
    if len(plain) > 1 or (plain and plain[0][0] != 1):  # the first line may be a heading
        raise ValueError(f"{path}:{plain[-1][0]} has no id, other lines have. Expected `0 road` a line.")
    return entries


def _refuse_ids_behind(path, names):
    """Raise a `ValueError` if all names end in numbers that seem to be ids: `car 7`."""
    behind = [re.fullmatch(r".*[^\d\s,;:=].*?[\s,;:=]+(\d{1,5})", name) for name in names]
    if len(names) < 2 or None in behind:
        return
    numbers, places = [int(match[1]) for match in behind], list(range(len(names)))
    if numbers in (places, [place + 1 for place in places]) or len(set(numbers)) < len(numbers) or min(numbers) > 1:
        return
    raise ValueError(
        f"{path}: its lines end in numbers, as {names[0]!r}. If these are the ids, put them first: `7 car`."
    )


def lines_of(path):
    """Return the lines of a small UTF-8 file.

    Raises:
        ValueError: if it is none.
    """
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"{path} is missing, or no class file. Expected one class a line, UTF-8.")
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a readable class file. Expected one class a line, UTF-8.") from error


def _ranges(ids):
    """Write ids as `0 to 5, 7`."""
    parts, first = [], None
    ordered = sorted(ids)
    for number, following in zip(ordered, [*ordered[1:], None], strict=True):
        first = number if first is None else first
        if following != number + 1:
            parts.append(str(first) if first == number else f"{first} to {number}")
            first = None
    return ", ".join(parts[:6]) + (", ..." if len(parts) > 6 else "")
