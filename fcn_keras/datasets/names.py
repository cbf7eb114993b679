"""What names of splits and classes mean, for every reader: `valid` is `val`, and `Unlabelled` is void."""

import re
import unicodedata
from collections.abc import Iterable

# A name in lower case -> the split that it means. Names that are not here mean themselves.
SPLITS = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "validate": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "tst": "test",
}
# Names without case, spaces and punctuation: `__ignore__`, `_background_`, `Don't care`.
VOID_NAMES = frozenset({"void", "ignore", "ignored", "unlabeled", "unlabelled", "unannotated", "dontcare", "255"})
BACKGROUND_NAMES = frozenset({"background"})


def split_of(name: str) -> str:
    """Return the split that a name means, in any case: `val` for `Valid`; a name that means none stays as it is."""
    return SPLITS.get(name.casefold(), name)


def find_split(name: str, among: Iterable[str]) -> str | None:
    """Return the name `among` others that is the same, or else the only one that means the same split; or None."""
    names = list(among)
    if name in names:
        return name
    same = [other for other in names if split_of(other) == split_of(name)]
    return same[0] if len(same) == 1 else None


def is_void(name: str) -> bool:
    """Return whether a class of this name is void, whatever its case and punctuation: `Void`, `__ignore__`, `255`."""
    return _bare(name) in VOID_NAMES


def is_background(name: str) -> bool:
    """Return whether a class of this name is the background: `Background`, `__background__`, `_background_`."""
    return _bare(name) in BACKGROUND_NAMES


def composed(text: str) -> str:
    """Return a `text` in one Unicode form (NFC): macOS writes an accent as a character of its own, others do not."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", composed(name).casefold())
