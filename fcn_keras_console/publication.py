"""Files of one result appear together: nobody opens a mixture of an old and a new one.

Several files cannot appear in one instant. So it is written down which ones are about to (`plan.json` in the scratch
folder); then the last one, the one that readers open, is taken away, the others are moved, and it comes back. If the
process is killed amid that, whoever writes to the folder next moves the rest.
"""

import contextlib
import json
import os
from pathlib import Path

from .locks import alone

_PLAN, _OLDER = "plan.json", "old"
_LOCK = ".fcn-publish.lock"
_WAIT = 60  # seconds for another one that moves files, which takes as long as a rename


def publish(place, folder, names):
    """Move files of a scratch folder into the folder beside it, over older ones.

    Args:
        place: what `scratch.scratch` gave.
        folder: what it was given.
        names: of the files, relative to both; the last one names the whole.

    Raises:
        IsADirectoryError: if a folder has one of the names. Nothing has been moved then.
        OSError: if they cannot be moved.
        ValueError: if another command moves files there, and does not end.
    """
    place, folder = Path(place), Path(folder)
    if wrong := [folder / name for name in names if (folder / name).is_dir()]:
        raise IsADirectoryError(f"{wrong[0]} is a folder. Choose another name, or remove it.")
    for name in names:
        sync(place / name)
    with alone(folder, option="folder", name=_LOCK, wait=_WAIT):
        if len(names) > 1:
            _write_plan(place.parent, [(name, _identity(folder / name)) for name in names])
        _move(place, folder, names)
        (place.parent / _PLAN).unlink(missing_ok=True)


def is_begun(place):
    """Tell whether files of a scratch folder are about to be moved, so that it may not be removed."""
    return (place.parent / _PLAN).exists()


def finish(place, folder):
    """Move what a killed process was about to move, and return the last file's path; None if there is nothing to do.

    A file that is another one by now than when it was written down is not replaced: then nothing is moved.
    """
    try:
        plan = json.loads((place.parent / _PLAN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    with alone(folder, option="folder", name=_LOCK, wait=_WAIT):
        left = [(name, before) for name, before in plan if (place / name).is_file()]
        if not left or any(_identity(folder / name) not in (before, None) for name, before in left):
            return None
        _move(place, folder, [name for name, _ in plan])
        return folder / plan[-1][0]


def sync(path):
    """Bring a file, or a folder with all that is in it, to the disk: a power cut leaves no name without contents."""
    path = Path(path)
    if path.is_dir():
        for inner in path.iterdir():
            sync(inner)
    sync_entry(path)


def sync_entry(path):
    """Bring a file, or the names in a folder, to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError:
        if not os.path.isdir(path):  # which some file systems do not bring to the disk
            raise
    finally:
        os.close(number)


def _write_plan(whole, plan):
    draft = whole / f"{_PLAN}.tmp"
    draft.write_text(json.dumps(plan), encoding="utf-8")
    sync_entry(draft)
    os.replace(draft, whole / _PLAN)
    sync_entry(whole)


def _move(place, folder, names):
    """Take away the older files, the last one first, and move those that are not there yet, the last one at the end.

    Raises:
        OSError: if that is not possible; then the older ones are there again.
    """
    older = place.parent / _OLDER
    try:
        for name in reversed(names if len(names) > 1 else ()):
            if (place / name).exists() and (folder / name).exists():
                _rename(folder / name, older / name)
        for name in names:
            if (place / name).exists():
                _rename(place / name, folder / name)
    except OSError:
        for name in names:
            if not (place / name).exists():
                (folder / name).replace(place / name)
            if (older / name).exists():
                (older / name).replace(folder / name)
        (place.parent / _PLAN).unlink(missing_ok=True)
        raise
    for parent in dict.fromkeys((folder / name).parent for name in names):
        sync_entry(parent)


def _rename(path, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, target)


def _identity(path):
    """Tell a file from another one under its name; None where there is none."""
    with contextlib.suppress(FileNotFoundError):
        status = path.stat()
        return [status.st_size, status.st_mtime_ns]
    return None
