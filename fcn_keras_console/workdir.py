"""What `fcn-train` leaves in a workdir: the names of its files, and where a model is among them."""

from pathlib import Path

from .files import read_json


class StageFiles:
    """Name the files of `<workdir>/<recipe>/`.

    Attributes:
        best: weights of the epoch with the highest mean IU on the validation split.
        last: checkpoint: model, optimizer state and position; a new start goes on from here.
        previous: the checkpoint before, for when the last one is damaged.
        better: the next `best`, which becomes it once `last` has its epoch.
        log: CSV, one row an epoch.
        timings: CSV, one row an epoch, how long it took.
        settings: JSON: recipe, overrides, data, versions, machine, command, and which run of which data it is.
        data: JSON, a line a split: the files of the data, with their sizes, times and digests.
        summary: JSON, written when the stage is finished.
        classes: the class names, one a line (of the first head).
        tensorboard: event files.
        mlflow: the name by which its run is found in MLflow.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.best = self.folder / "best.keras"
        self.last = self.folder / "last.keras"
        self.previous = self.folder / "previous.keras"
        self.better = self.folder / "better.keras"
        self.log = self.folder / "log.csv"
        self.timings = self.folder / "timings.csv"
        self.settings = self.folder / "recipe.json"
        self.data = self.folder / "data.json"
        self.summary = self.folder / "summary.json"
        self.classes = self.folder / "classes.txt"
        self.tensorboard = self.folder / "tensorboard"
        self.mlflow = self.folder / "mlflow_run.txt"

    def classes_of(self, head):
        """Name the file of one head's class names; the only head of most models is `""`."""
        return self.folder / f"classes_{head}.txt" if head else self.classes


def find_model(given):
    """Return the `.keras` file that a path means: itself, or the best model of a stage's folder.

    Raises:
        ValueError: if there is none, saying where one may be.
    """
    path = Path(given)
    if path.is_dir():
        best = StageFiles(path).best
        if best.is_file():
            return best
        stages = sorted(folder.name for folder in path.iterdir() if StageFiles(folder).best.is_file())
        hint = (
            f"Choose one of its stages: {', '.join(stages)}." if stages else "Name a stage's folder or a .keras file."
        )
        raise ValueError(f"{path} holds no {best.name}. {hint}")
    if not path.exists():
        raise ValueError(f"{path} is missing. Name a .keras file, or the folder of a stage that fcn-train wrote.")
    if path.suffix != ".keras":
        raise ValueError(
            f"{path} is not a .keras file. Turn a .caffemodel into one with fcn-import-weights; "
            "an exported SavedModel is for serving."
        )
    return path


def decisions_beside(path):
    """Return what `fcn-train` decided for the model at `path`, or an empty dict if something else wrote it."""
    settings = StageFiles(Path(path).parent).settings
    decisions = read_json(settings).get("decisions") if settings.is_file() else None
    return decisions if isinstance(decisions, dict) else {}


def class_names_in(path, read):
    """Return the class names in a file.

    `fcn-train` lists names beside a model as they are, one a line, even one that would be a comment or a colour in a
    class file. Every other file is a class file.

    Args:
        path: of the file.
        read: function from the path of a class file to its names.
    """
    path = Path(path)
    if not (path.name.startswith("classes") and StageFiles(path.parent).settings.is_file()):
        return read(path)
    return tuple(line for line in path.read_text(encoding="utf-8").split("\n") if line.strip())
