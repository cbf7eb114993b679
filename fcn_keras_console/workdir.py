"""What `fcn-train` leaves in a workdir: the names of its files, and where a model is among them."""

import logging
import re
from pathlib import Path

from .files import read_json
from .given import did_you_mean_path

LOG = logging.getLogger("fcn_keras_console")  # whose notices every command prints
KEPT = "before_"  # folders of a workdir, with a number: stages that were there before, and are kept


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
        palette: the classes' colours, a `R G B` a line (of the first head); where it is changed, so is what is painted.
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
        self.palette = self.folder / "palette.txt"
        self.tensorboard = self.folder / "tensorboard"
        self.mlflow = self.folder / "mlflow_run.txt"

    def classes_of(self, head):
        """Name the file of one head's class names; the only head of most models is `""`."""
        return self.folder / f"classes_{head}.txt" if head else self.classes

    def palette_of(self, head):
        """Name the file of the colours of one head's classes."""
        return self.folder / f"palette_{head}.txt" if head else self.palette


def find_model(given):
    """Return the `.keras` file that a path means: itself, or the best model of a stage's folder.

    Of a workdir it is that of the finest finished stage, 8s before 16s before 32s, and a whole net before its head;
    where none is finished, of those that were kept in `before_1`, `before_2`, ..., the newest first; and where none is
    finished there, of the finest begun one. Which one that is, is said.

    Raises:
        ValueError: if there is none, saying where one may be; or several of one stride, or of several data sets.
    """
    path = Path(given)
    if path.is_dir():
        return _model_in(path)
    if not path.exists():
        raise ValueError(
            f"{path} is missing. Name a .keras file, or the folder of a stage that fcn-train wrote."
            + did_you_mean_path(path)
        )
    if path.suffix != ".keras":
        raise ValueError(
            f"{path} is not a .keras file. Turn a .caffemodel into one with fcn-import-weights; "
            "fcn-predict and fcn-evaluate also take what fcn-export wrote."
        )
    return path


def _model_in(path):
    best = StageFiles(path).best
    if best.is_file():
        return best
    stages = _stages_in(path)
    finished = _finished(path, stages)
    if not finished and (kept := _kept_in(path)):
        chosen = _finest(kept, _finished(kept, _stages_in(kept)))
        there = f"{', '.join(stages)} not finished" if stages else "no stage has finished an epoch"
        LOG.warning("%s: taking %s, which was finished before; now %s", path, f"{kept.name}/{chosen}", there)
        return StageFiles(kept / chosen).best
    if not stages:
        hint = "Name a stage's folder or a .keras file."
        if any((path / name).is_dir() for name in ("images", "train/images", "val/images")):
            hint = f"It holds images, and no model. {hint}"
        if inner := next(path.glob(f"*/*/{best.name}"), None):
            hint += f" Did you mean {inner.parent.parent}?"
        raise ValueError(f"{path} holds no {best.name}. {hint}")
    chosen = _finest(path, finished or stages)
    kind = "finished stage" if finished else "stage"
    among = f"the finest {kind} of {', '.join(stages)}" if len(stages) > 1 else f"its only {kind}"
    among += "" if finished else ", none of which is finished" if len(stages) > 1 else ", which is not finished"
    LOG.warning("%s: taking %s, %s", path, chosen, among)
    return StageFiles(path / chosen).best


def _stages_in(workdir):
    return sorted(folder.name for folder in workdir.iterdir() if StageFiles(folder).best.is_file())


def _finished(workdir, stages):
    return [name for name in stages if StageFiles(workdir / name).summary.is_file()]


def _kept_in(workdir):
    """Return the newest folder of stages that were kept in which one is finished; None if there is none."""
    numbered = [(folder, folder.name.removeprefix(KEPT)) for folder in workdir.glob(f"{KEPT}*") if folder.is_dir()]
    kept = {int(number): folder for folder, number in numbered if number.isascii() and number.isdecimal()}
    newest_first = (kept[number] for number in sorted(kept, reverse=True))
    return next((folder for folder in newest_first if _finished(folder, _stages_in(folder))), None)


def _finest(workdir, stages):
    """Return the name of the finest stage that no other one starts from.

    Raises:
        ValueError: if there are several.
    """
    decisions = {name: decisions_beside(StageFiles(workdir / name).best) for name in stages}
    sources = [each.get("settings", {}).get("init_from") for each in decisions.values()]
    before = {name for each in sources for name in (each.values() if isinstance(each, dict) else [each])}
    ends = [name for name in stages if name not in before] or stages
    ranks = {name: _rank(name) for name in ends}
    finest = [name for name in ends if ranks[name] == min(ranks.values())]
    several = len({decisions[name]["data"] for name in ends if "data" in decisions[name]}) > 1
    if len(finest) > 1 or several:
        listed = ends if several else finest
        what = "nets of several data sets" if several else "several nets as fine as each other"
        raise ValueError(f"{workdir} holds {what}. Name one: {', '.join(str(workdir / name) for name in listed)}.")
    return finest[0]


def _rank(stage):
    """Return what orders stages by their names: the stride, and whether it is a head alone."""
    stride = re.search(r"fcn(8|16|32)s", stage)
    return int(stride[1]) if stride else 32, stage.endswith("_head")


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


def palette_text(colors):
    """Return what a file of colours holds: a `R G B` a line, a line a class."""
    return "".join("{} {} {}\n".format(*map(int, color)) for color in colors)


def palette_in(path, count):
    """Read the colours of `count` classes: a list of `(R, G, B)`.

    Raises:
        ValueError: if a line is no colour, or there is not one for each class.
    """
    path = Path(path)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    colors = [tuple(map(int, line.split())) if re.fullmatch(r"\d{1,3}( \d{1,3}){2}", line) else None for line in lines]
    for number, (line, color) in enumerate(zip(lines, colors, strict=True), 1):
        if color is None or max(color) > 255:
            raise ValueError(f"{path}:{number} is no colour: {line!r:.60}. Expected `R G B`, 0..255, a class a line.")
    if len(colors) != count:
        raise ValueError(
            f"{path} holds {len(colors)} colours for {count} classes. Give each class one, or remove that file."
        )
    return colors
