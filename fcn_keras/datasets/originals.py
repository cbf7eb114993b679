"""What readers of original distributions share: mirrors, lists of ids, whole folders, MATLAB files, checked labels."""

import functools
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..examples import VOID
from .reading import require

_NAMED = 5  # files an error names before it only counts
# One line an address: URL, bytes, SHA-256 (or MD5), name. Addresses with one checksum are mirrors of each other.
_CHECKSUMS = Path(__file__).with_name("checksums.tsv")


def addresses(url: str) -> list[str]:
    """Return where an archive lies: `url`, then its mirrors."""
    checksums = _checksums()
    return [url, *(mirror for mirror, checksum in checksums.items() if checksum == checksums[url] and mirror != url)]


def download_advice(url: str, directory: str | os.PathLike[str]) -> str:
    """Return one sentence that says what to download, from where, with which checksum, and where it goes."""
    checksum = _checksums()[url]
    kind = "SHA-256" if len(checksum) == 64 else "MD5"
    _, *mirrors = addresses(url)
    others = f", or the same file from {' or '.join(mirrors)}," if mirrors else ""
    return f"Download {url} ({kind} {checksum}){others} and unpack it into {directory}."


@functools.cache
def _checksums() -> dict[str, str]:
    lines = _CHECKSUMS.read_text(encoding="utf-8").splitlines()
    fields = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {url: checksum for url, _, checksum, _ in fields}


def read_ids(path: Path, advice: str) -> list[str]:
    """Return the ids of a list file, one a line.

    Args:
        advice: one sentence that says what to download and where it goes.

    Raises:
        ValueError: if the file is missing, empty, not text, or lists an id twice.
    """
    try:
        ids = require(path, advice).read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text. Expected a list of ids, one a line. {advice}") from error
    ids = [line.strip() for line in ids if line.strip()]
    if not ids:
        raise ValueError(f"{path} lists no id. {advice}")
    if len(set(ids)) < len(ids):
        twice = next(key for key in ids if ids.count(key) > 1)
        raise ValueError(f"{path} lists {twice!r} twice. Expected each id once. {advice}")
    return ids


def files_of(folder: str | os.PathLike[str], names: Sequence[str], advice: str) -> list[Path]:
    """Return the paths of files in a folder, from one listing of it.

    Args:
        names: of the files.
        advice: one sentence that says what to download and where it goes.

    Raises:
        ValueError: if the folder or files of it are missing: names the first few and counts them.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is missing. {advice}")
    there = set(os.listdir(folder))
    lacking = [name for name in names if name not in there]
    if lacking:
        more = ", ..." if len(lacking) > _NAMED else ""
        raise ValueError(
            f"{folder} lacks {len(lacking)} of {len(names)} files: {', '.join(lacking[:_NAMED])}{more}. {advice}"
        )
    return [folder / name for name in names]


def read_matlab(path: Path, variable: str) -> Any:
    """Read one variable of a MATLAB file of version 5 (v4 and v7, not v7.3).

    Raises:
        ValueError: if the file is missing or damaged, or does not hold the variable.
    """
    from scipy.io import loadmat

    if not Path(path).is_file():
        raise ValueError(f"{path} is missing. Was it moved while it was in use?")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SciPy warns of what it then raises
            contents = loadmat(path, variable_names=[variable])
    except Exception as error:  # a damaged file makes SciPy raise nearly anything
        raise ValueError(f"{path} cannot be read as a MATLAB 5 file: {error}. Unpack it again.") from error
    if variable not in contents:
        raise ValueError(f"{path} holds no variable `{variable}`. Is it a file of this data set? Unpack it again.")
    return contents[variable]


def check_label(
    label: NDArray[Any], image: NDArray[Any], num_classes: int, label_file: object, image_file: object
) -> NDArray[np.uint8]:
    """Return ids as uint8 once they fit their image and their classes.

    Args:
        label: `(H, W)` integer ids, 255 void.
        image: `(H, W, 3)`.
        num_classes: number of classes, void not counted.
        label_file: for the error, as is `image_file`.

    Raises:
        ValueError: if the size is another or an id is out of range.
    """
    if label.shape != image.shape[:2]:
        raise ValueError(
            f"Image and label must have one size. Received: {image.shape[:2]} in {image_file}, "
            f"{label.shape} in {label_file}. Unpack both again."
        )
    bad = (label < 0) | ((label >= num_classes) & (label != VOID))
    if bad.any():
        raise ValueError(
            f"`label` may hold 0..{num_classes - 1} or {VOID} (void). "
            f"Received: {np.unique(label[bad]).tolist()[:5]} in {label_file}. Unpack it again."
        )
    return label.astype(np.uint8)
