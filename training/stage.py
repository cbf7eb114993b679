"""One recipe's folder in a workdir: what lies in it, and what a continued run may trust."""

import csv
import json
import os
import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path

from .outputs import written


class Stage:
    """Name the files of `<workdir>/<recipe>/`.

    Attributes:
        best: weights of the epoch with the highest mean IU on the validation split.
        last: model, optimizer state and position after the last finished epoch; a new start goes on from here.
        log: CSV, one row an epoch.
        settings: JSON: recipe, overrides, data, versions, command.
        summary: JSON, written when the stage is finished.
        classes: the class names, one a line (of the first head).
        tensorboard: event files.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.best = self.folder / "best.keras"
        self.last = self.folder / "last.keras"
        self.log = self.folder / "log.csv"
        self.settings = self.folder / "recipe.json"
        self.summary = self.folder / "summary.json"
        self.classes = self.folder / "classes.txt"
        self.tensorboard = self.folder / "tensorboard"

    def classes_of(self, head):
        """Name the file of one head's class names; the only head of most models is `""`."""
        return self.folder / f"classes_{head}.txt" if head else self.classes

    def finished(self):
        return self.summary.exists() and self.best.exists()

    def require_same(self, decisions):
        """Make sure that what the folder holds, if anything that took time, was trained by the same decisions.

        Args:
            decisions: JSON-able dict of everything that decides the result.

        Raises:
            ValueError: if the folder holds another run.
        """
        if not (self.settings.exists() and (self.last.exists() or self.finished())):
            return
        theirs = read_json(self.settings).get("decisions", {})
        differing = sorted(_differences(theirs, json.loads(json.dumps(decisions))))
        if differing:
            key, there, here = differing[0]
            raise ValueError(
                f"{self.folder} holds a run with {key} = {there}, and this one has {here}. "
                "Choose another --workdir, or remove that folder to start anew."
            )

    def open(self, decisions, class_names):
        """Create the folder of a run that is about to start, or leave the one of a run that goes on.

        Args:
            decisions: as `require_same` takes them.
            class_names: by head; the only head of most models is `""`.
        """
        if self.last.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        first = next(iter(class_names))
        for head, names in {**class_names, "": class_names[first]}.items():
            write_text(self.classes_of(head), "".join(f"{name}\n" for name in names))
        write_json(self.settings, {"decisions": decisions, "versions": versions(), "command": command()})

    def history(self, epochs):
        """Return the log's rows of the first `epochs` epochs, and cut off later ones.

        A run that stops between writing its row and its checkpoint leaves a row too many.
        """
        if not self.log.exists():
            return []
        with self.log.open(newline="") as file:
            reader = csv.DictReader(file)
            names, rows = reader.fieldnames, list(reader)
        kept = [row for row in rows if row["epoch"].isdigit() and int(row["epoch"]) < epochs]
        if len(kept) < len(rows):
            with written(self.log) as temporary, temporary.open("w", newline="") as file:
                writer = csv.DictWriter(file, names)
                writer.writeheader()
                writer.writerows(kept)
        return kept


def _differences(theirs, ours):
    """List `(name, their value, our value)` of what differs, settings by their own names."""
    theirs, ours = (
        {**d.get("settings", {}), **{k: v for k, v in d.items() if k != "settings"}} for d in (theirs, ours)
    )
    names = {*theirs, *ours}
    return [(n, repr(theirs.get(n)), repr(ours.get(n))) for n in names if theirs.get(n) != ours.get(n)]


def write_text(path, text):
    with written(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path, value):
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path):
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON ({error}). Remove it, or restore it from a copy.") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path} should hold a JSON object. Received: {type(value).__name__}.")
    return value


def save_model(model, path):
    """Save a `.keras` file beside and rename it into place."""
    temporary = path.with_name(f".{path.name}")  # Keras insists on the suffix
    model.save(temporary)
    os.replace(temporary, path)


def versions():
    packages = ("fcn_keras", "tensorflow", "keras", "numpy", "pillow")
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None  # run from a checkout
    return found


def command():
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
