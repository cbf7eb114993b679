"""Train the net of a fold: `fcn-train`, in a process of its own, on a folder of links."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fcn_keras_console.files import read_json
from fcn_keras_console.workdir import StageFiles, find_model

TRAIN = f"{__package__.rpartition('.')[0]}.train"  # which imports this room: another process keeps the two apart


@dataclass(frozen=True)
class Fold:
    """Where everything of a fold lies.

    Attributes:
        name: such as `fold 1 of 5`.
        folder: that holds the others.
    """

    name: str
    folder: Path

    @classmethod
    def of(cls, workdir, number, count):
        """Name the fold of a number, from 0 on; folds of another count are others."""
        return cls(f"fold {number + 1} of {count}", Path(workdir) / f"fold_{number + 1}_of_{count}")

    @property
    def data(self):
        """Folder of the links to images and masks."""
        return self.folder / "data"

    @property
    def runs(self):
        """Workdir of the training."""
        return self.folder / "runs"

    @property
    def log(self):
        """What the training said, of all calls."""
        return self.folder / "train.log"


@dataclass(frozen=True)
class TrainedFold:
    """The net of a fold.

    Attributes:
        path: of the `.keras` file.
        mean_iu: on the images of the fold, 0..1, by which its best epoch was chosen; None where nothing tells it.
    """

    path: Path
    mean_iu: float | None


def train(fold, learnt, judged, options):
    """Train, or go on, or take what is finished, as `fcn-train` does in a workdir that holds something.

    Args:
        fold: `Fold`.
        learnt: by name, the image and the mask of what is trained on.
        judged: the same of what it is validated with.
        options: words of the command.

    Returns:
        `TrainedFold`.

    Raises:
        ValueError: if the training fails, which names its log.
    """
    link(fold.data, {"train": learnt, "val": judged})
    before = fold.log.stat().st_size if fold.log.exists() else 0
    code = _code_of([f"--data={fold.data}", f"--workdir={fold.runs}", *options], fold.log)
    if code:
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise ValueError(
            f"{fold.name}: its training ended with {how}{_last_words(fold.log, before)} See {fold.log}. If images, "
            "masks or options are others than before, name another --workdir."
        )
    path = find_model(fold.runs)
    return TrainedFold(path, _mean_iu(StageFiles(path.parent).summary))


def link(folder, splits):
    """Make a data set of links. Those that are right stay, so that a training finds its data unchanged.

    Args:
        folder: of the data set.
        splits: by name of the split and of the pair, its image and its mask.

    Raises:
        ValueError: if the folder holds anything else.
    """
    wanted = {}
    for split, pairs in splits.items():
        for name, files in pairs.items():
            for kind, file in zip(("images", "labels"), files, strict=True):
                wanted[folder / split / kind / f"{name}{file.suffix}"] = file.absolute()
    there = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    if foreign := next((path for path in there if not path.is_symlink()), None):
        raise ValueError(f"{foreign} is no link, as fcn-doctor --folds makes them. Name another --workdir.")
    for path in there:
        if path.readlink() != wanted.get(path):
            path.unlink()
    for path, file in wanted.items():
        if not path.is_symlink():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(file)


def _code_of(words, log):
    """Run the training and return its exit code; what ends this process ends it first, after saving."""
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # what this process finds, and -P: nothing else
    with log.open("ab") as said:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", TRAIN, *words],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=found,
            process_group=0,  # Ctrl-C reaches it once, from here: a second one would not let it save
        )
        try:
            return child.wait()
        finally:
            if child.poll() is None:
                _end(child)


def _end(child):
    child.terminate()
    try:
        child.wait()
    finally:  # where somebody does not wait for it to save
        child.kill()
        child.wait()


def _last_words(log, before):
    """Return the last line of its own behind so many bytes of a log, after a colon; a full stop where there is none."""
    lines = log.read_bytes()[before:].decode(errors="replace").splitlines()
    said = next((line for line in reversed(lines) if line.startswith("fcn-train: ")), None)
    return f": {said.removeprefix('fcn-train: ')}" if said else "."


def _mean_iu(summary):
    return read_json(summary).get("best", {}).get("val_mean_iu") if summary.is_file() else None
