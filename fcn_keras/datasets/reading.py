"""What the readers share: refusing an incomplete tree, reading everything once, and taking ids as labels."""

import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ..interface import heads_of
from .images import read_size

Progress = Callable[[int, int], object]  # called with what is done, and how much there is

_THREADS = min(8, os.cpu_count() or 1)
_NAMED = 5  # files an error names before it only counts
_CHUNK = 256  # examples in flight at once


class Examples(Sequence[dict[str, Any]]):
    """What the readers of image files share; each adds what one example is.

    Attributes:
        ids: tuple of the examples' ids.
    """

    ids: tuple[str, ...]
    _images: list[Path]
    _files_in: ClassVar[dict[str, str]] = {"image": "_images", "label": "_labels"}  # what they hold -> attribute

    def __len__(self) -> int:
        return len(self.ids)

    @abstractmethod
    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:  # type: ignore[override]  # takes no slices
        """Read an example, from any thread."""

    @property
    def files(self) -> dict[str, list[Path]]:
        """The files that are read, by what they hold: each list has one for every id, in the order of `ids`."""
        found = {kind: getattr(self, attribute) for kind, attribute in self._files_in.items()}
        return {kind: files for kind, files in found.items() if files is not None}

    @cached_property
    def sizes(self) -> list[tuple[int, int]]:
        """List of `(H, W)`, read from the image files' headers."""
        return read_sizes(self._images)

    def verify(self, progress: Progress | None = None) -> Any:
        """Read every example fully, so that a bad file shows before training starts: see `read_all`.

        Args:
            progress: called in this thread as `progress(done, total)` after each example.

        Returns:
            `(num_classes,)` int64 pixels of each class, void not counted; of several heads, a dict of them.

        Raises:
            ValueError: if examples are bad: names the first few in order and counts the rest.
        """
        return read_all(self, progress)


def require(path: str | os.PathLike[str], advice: str) -> Path:
    """Return `path` if it exists.

    Args:
        advice: one sentence that says what to download and where it goes.

    Raises:
        ValueError: with the path and the advice, if it is missing.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path} is missing. {advice}")
    return path


def require_split(split: str, splits: Iterable[str]) -> None:
    """Refuse a split that is none of these.

    Raises:
        ValueError: naming them.
    """
    if split not in splits:
        raise ValueError(f"`split` must be one of {', '.join(splits)}. Received: {split!r}.")


def read_sizes(files: Iterable[Path]) -> list[tuple[int, int]]:
    """Return the `(H, W)` of image files, from their headers."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(read_size, files))


def read_all(examples: Any, progress: Progress | None = None) -> Any:
    """Read every example of a data set, so that a bad file shows before training starts.

    Takes about as long as an epoch's reading on all cores; memory does not grow with the data set.

    Args:
        examples: data set whose `[i]` raises a `ValueError` that names the file where one is bad.
        progress: called in this thread as `progress(done, total)` after each example.

    Returns:
        `(num_classes,)` int64 pixels of each class, void not counted; a dict of them by head where there are several.

    Raises:
        ValueError: if examples are bad: names the first few in order and counts the rest.
    """
    bad: list[ValueError] = []
    counts: dict[str, NDArray[np.int64]] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(examples), _CHUNK):
            chunk = range(start, min(start + _CHUNK, len(examples)))
            for index, result in zip(chunk, pool.map(lambda i: _count(examples, i), chunk), strict=True):
                if isinstance(result, ValueError):
                    bad.append(result)
                else:
                    for head, count in result.items():
                        counts[head] = counts.get(head, 0) + count
                if progress is not None:
                    progress(index + 1, len(examples))
    if bad:
        more = f"\n... and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        named = "\n".join(str(error) for error in bad[:_NAMED])
        raise ValueError(f"{len(bad)} of {len(examples)} examples are bad:\n{named}{more}")
    if not isinstance(examples.num_classes, dict):
        return counts.get("", np.zeros(256, np.int64))[: examples.num_classes]
    return {head: counts[head][:classes] for head, classes in examples.num_classes.items()}


def _count(examples: Any, index: int) -> dict[str, NDArray[np.int64]] | ValueError:
    try:
        label = examples[index].get("label", {})  # a test split has none
    except ValueError as error:
        return error
    return {head: np.bincount(ids.ravel(), minlength=256) for head, ids in heads_of(label).items()}
