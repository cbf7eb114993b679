"""Look at the folder to serve before anything starts: whether it holds versions, and what its model is called."""

import os
import shlex
import time
from pathlib import Path

from fcn_keras_console.workdir import StageFiles

_LOOK = 0.2  # seconds between two looks


def checked_base_path(base_path):
    """Return the absolute path of a folder of versions.

    Raises:
        OSError: if there is no such folder, or it is one version.
    """
    base_path = Path(base_path).absolute()
    if not base_path.is_dir():
        raise FileNotFoundError(
            f"{base_path} is not a folder. It holds a model's versions: {base_path / '1'} and so on."
        )
    if (base_path / "saved_model.pb").exists():
        raise NotADirectoryError(
            f"{base_path} is one version of a model. Give the folder around it: {base_path.parent}"
        )
    return base_path


def name_of(base_path):
    """Return what a model is called unless an option says it: as its folder, which `fcn-export` names it by too.

    Raises:
        ValueError: if no request could hold that name.
    """
    name = os.path.basename(os.path.abspath(base_path))
    if not name or ":" in name:
        raise ValueError(f"{base_path} is called {name!r}, which is no model's name. Say --model_name NAME.")
    return name


def require_versions(base_path, seconds=0.0):
    """Make sure that a folder holds a version; wait for the first one as long as is said.

    Args:
        base_path: as given.
        seconds: how long.

    Raises:
        ValueError: if it does not, saying how to export one.
    """
    end = time.monotonic() + seconds
    while not _versions(base_path):
        if time.monotonic() >= end:
            raise ValueError(_advice(Path(base_path)))
        time.sleep(min(_LOOK, max(0.0, end - time.monotonic())))


def _versions(base_path):
    with os.scandir(base_path) as entries:
        return [entry.name for entry in entries if entry.name.isascii() and entry.name.isdecimal() and entry.is_dir()]


def _advice(path):
    """Say what a folder without versions is, and what to do."""
    if _is_trained(path):
        name = path.absolute().name
        target = "models/fcn" if name in ("runs", "fcn") else f"models/{name}"
        return (
            f"{path} is a folder of fcn-train, and no exported model. Export it first: fcn-export "
            f"{shlex.quote(str(path))} {target}, then fcn-serve --model_base_path {target}."
        )
    inner = sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
    if models := [each for each in inner if _versions(each)]:
        return f"{path} holds models, not the versions of one. Name one of them: {', '.join(map(str, models[:5]))}."
    return (
        f"{path} holds no version, a folder whose name is a number. Export one first: fcn-export runs "
        f"{shlex.quote(str(path))}."
    )


def _is_trained(path):
    return any(StageFiles(folder).best.is_file() for folder in (path, *filter(Path.is_dir, path.iterdir())))
