"""The data that a run is trained and scored on, as a list of its files: what tells that it has changed since."""

import contextlib
import hashlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fcn_keras.interface import heads_of
from fcn_keras_console.files import read_json, write_text

LARGE = 2**16  # bytes of a middling file from which on several are hashed at once: below, threads only wait
THREADS = min(8, os.cpu_count() or 1)
# A file that was changed this shortly before it was hashed may change again without another time: file systems keep
# times to between a nanosecond and two seconds. Its content is hashed again the next time.
RESOLUTION = 2_000_000_000  # ns


@dataclass(frozen=True)
class SplitList:
    """The examples of a split.

    Attributes:
        ids: tuple, in their order; empty where the data set has none.
        count: number of examples.
        digests: by what the files hold, such as `"image"`: list of digests, one an id. Empty where nothing is read.
        stats: by what they hold: list of `[size, mtime_ns, ctime_ns]`, one an id, or None where the content is to be
            looked at the next time.
    """

    ids: tuple
    count: int
    digests: dict
    stats: dict

    @property
    def digest(self):
        return _digest([self.ids, self.count, self.digests])


@dataclass(frozen=True)
class DataList:
    """Both splits and the classes of a stage.

    Attributes:
        splits: `SplitList` by what the split is for, `"train"` or `"val"`.
        classes: JSON-able: `names` by head, and `colors` where masks are coloured.
    """

    splits: dict
    classes: dict

    @property
    def digests(self):
        """What `recipe.json` and every checkpoint say of the data: a digest by split, and that of the classes."""
        return {**{name: split.digest for name, split in self.splits.items()}, "classes": _digest(self.classes)}

    def save(self, path):
        """Write it as JSON, a line a split."""
        splits = {
            name: {
                "ids": split.ids,
                "count": split.count,
                "files": {
                    kind: [[digest, *(stat or ())] for digest, stat in zip(found, split.stats[kind], strict=True)]
                    for kind, found in split.digests.items()
                },
            }
            for name, split in self.splits.items()
        }
        lines = [f'"classes": {json.dumps(self.classes)}']
        lines += [f"{json.dumps(name)}: {json.dumps(split, separators=(',', ':'))}" for name, split in splits.items()]
        write_text(path, "{" + ",\n".join(lines) + "}\n")


def read_data_list(path):
    """Read what `DataList.save` wrote; None where the file is missing or holds something else."""
    try:
        value = read_json(path)
        classes = value.pop("classes")
        return DataList({name: _split_from(split) for name, split in value.items()}, classes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def list_data(splits, known=None):
    """List the files of data sets; of those that `known` has with the same size and times, the content is not read.

    Args:
        splits: data set of `fcn_keras.datasets` by what it is for, `"train"` or `"val"`.
        known: `DataList` of before, or None.

    Returns:
        `DataList`.

    Raises:
        ValueError: if a file cannot be read.
    """
    before = known.splits if known is not None else {}
    listed = {name: _listed(examples, before.get(name)) for name, examples in splits.items()}
    return DataList(listed, _classes(next(iter(splits.values()))))


def _listed(examples, known):
    started = time.time_ns()
    files = getattr(examples, "files", {})
    ids = tuple(examples.ids) if files else ()
    place = {key: number for number, key in enumerate(known.ids)} if known is not None else {}
    digests, stats = {}, {}
    for kind, paths in files.items():
        stats[kind] = [_stat(path) for path in paths]
        had = [None] * len(paths)
        if known is not None and kind in known.digests:
            there, of = known.stats[kind], known.digests[kind]
            numbers = [place.get(key) for key in ids]
            same = [n is not None and there[n] == stat for n, stat in zip(numbers, stats[kind], strict=True)]
            had = [of[n] if equal else None for n, equal in zip(numbers, same, strict=True)]
        digests[kind] = _hashed(paths, had, stats[kind])
        stats[kind] = [stat if stat[2] < started - RESOLUTION else None for stat in stats[kind]]
    return SplitList(ids, len(examples), digests, stats)


def _hashed(paths, had, stats):
    """Return the digests of files, of which those in `had` are known."""
    missing = list(dict.fromkeys(path for path, digest in zip(paths, had, strict=True) if digest is None))
    if not missing:
        return had
    if sum(stat[0] for stat in stats) < LARGE * len(stats):
        found = map(digest_of_file, missing)
    else:
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(digest_of_file, missing))
    new = dict(zip(missing, found, strict=True))
    return [new[path] if digest is None else digest for path, digest in zip(paths, had, strict=True)]


def digest_of_file(path):
    """Return the beginning of the SHA-256 of a file, 128 bits in hexadecimal.

    Raises:
        ValueError: if it cannot be read.
    """
    with _told(path), open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _stat(path):
    with _told(path):
        found = os.stat(path)
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


@contextlib.contextmanager
def _told(path):
    try:
        yield
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}). Does the data change right now?") from error


def _classes(examples):
    names = {head: list(map(str, names)) for head, names in heads_of(examples.class_names).items()}
    colors = getattr(getattr(examples, "_table", None), "colors", {})
    return {"names": names} | ({"colors": sorted([*color, value] for color, value in colors.items())} if colors else {})


def _split_from(value):
    files = {kind: list(map(_file_from, rows)) for kind, rows in value["files"].items()}
    ids = tuple(value["ids"])
    if any(len(rows) != len(ids) for rows in files.values()):
        raise ValueError("Some files are missing in the list.")
    digests = {kind: [digest for digest, _ in rows] for kind, rows in files.items()}
    return SplitList(ids, value["count"], digests, {kind: [stat for _, stat in rows] for kind, rows in files.items()})


def _file_from(row):
    digest, *stat = row
    return digest, stat or None


def _digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
