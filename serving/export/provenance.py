"""What lies beside a trained model and belongs into its model card, as `fcn-train` and `fcn-evaluate` write it."""

from pathlib import Path
from typing import NamedTuple

from fcn_keras.datasets.classes import read_class_file
from fcn_keras_console.files import read_json, sha256_of
from fcn_keras_console.shown_paths import published
from fcn_keras_console.workdir import StageFiles, class_names_in, decisions_beside, palette_in


class Provenance(NamedTuple):
    """Where a model comes from.

    Attributes:
        sizes: (H, W) of the training's buckets; empty if there were none.
        facts: for the model card: `"source"`, and where known `"recipe"`, `"training"`, `"metrics"`; without the places
            of this machine.
        data: path of the folder that it was trained on, here; None where that is not known.
    """

    sizes: list
    facts: dict
    data: str | None = None


def provenance_of(path, metrics=None):
    """Read `recipe.json` and `summary.json` beside a model file, where they are.

    Args:
        path: the `.keras` file.
        metrics: a `metrics.json` of `fcn-evaluate`, or None.

    Raises:
        ValueError: if one of the files is not what it should be.
        OSError: if one cannot be read.
    """
    files = StageFiles(Path(path).parent)
    facts = {"source": {"file": Path(path).name, "sha256": sha256_of(path)}}
    recipe, training = decisions_beside(path), read_json(files.summary) if files.summary.is_file() else {}
    if kept := _kept(files, training):
        recipe = decisions_beside(kept) or recipe
    if recipe:
        facts["recipe"] = recipe
    if training:
        facts["training"] = training | _rough(files)
    if metrics is not None:
        facts["metrics"] = _metrics(Path(metrics))
    sizes = [tuple(size) for size in recipe.get("settings", {}).get("buckets") or []]
    return Provenance(sizes, published(facts), recipe.get("data"))


def _kept(files, training):
    """Return the model of the stage before, if a stage kept that as the better one: it is what is there; else None."""
    name = training.get("kept") if isinstance(training, dict) else None
    if not isinstance(name, str) or Path(name).name != name or name in (".", ".."):
        return None
    return StageFiles(files.folder.parent / name).best


def _rough(files):
    """Return `{"rough": sentence}` where the plan of a stage said that its validation images are few, else {}."""
    plan = read_json(files.settings).get("plan") if files.settings.is_file() else None
    return {"rough": plan["rough"]} if isinstance(plan, dict) and "rough" in plan else {}


def names_beside(path, counts):
    """Read the class names in the `classes.txt` and `classes_HEAD.txt` beside a model file.

    A `classes.txt` alone beside a model of several heads names the classes of one: the only one of so many.

    Args:
        path: the `.keras` file.
        counts: number of classes by head; an only head is named `""`.

    Returns:
        dict of tuples by head, of the heads whose names are known.
    """
    files = StageFiles(Path(path).parent)
    lists = {head: files.classes_of(head) for head in ("", *counts)}
    names = {head: read_names(file) for head, file in lists.items() if file.is_file()}
    own = {head: names[head] for head, count in counts.items() if len(names.get(head, ())) == count}
    fitting = [head for head, count in counts.items() if len(names.get("", ())) == count]
    return own or ({fitting[0]: names[""]} if len(fitting) == 1 else {})


def read_names(path):
    """Read the names in a class file, or in a list that `fcn-train` wrote beside a model."""
    return class_names_in(path, lambda file: read_class_file(file)[0])


def colors_beside(path, names):
    """Read the colours that a model's classes have: in `palette.txt` beside it, or in a class file with colours.

    Args:
        path: the `.keras` file.
        names: class names by head.

    Returns:
        dict of `(K, 3)` uint8 by head, of the heads whose colours are said.

    Raises:
        ValueError: if a file is wrong.
    """
    import numpy as np

    from fcn_keras.colors import class_colors

    files, colors = StageFiles(Path(path).parent), {}
    for head, listed in names.items():
        if files.palette_of(head).is_file():
            colors[head] = np.array(palette_in(files.palette_of(head), len(listed)), np.uint8)
        elif not files.settings.is_file() and files.classes_of(head).is_file():
            known, own = read_class_file(files.classes_of(head))
            colors |= {head: class_colors(listed, own)} if own and tuple(known) == tuple(listed) else {}
    return colors


def _metrics(path):
    metrics = read_json(path)
    heads = metrics.get("heads", {"": metrics})
    if not all(isinstance(scores.get("mean_iu"), float) for scores in heads.values()):
        raise ValueError(f"{path} is not the metrics.json that fcn-evaluate --output DIR writes.")
    return metrics
