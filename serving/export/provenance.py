"""What lies beside a trained model and belongs into its model card, as `fcn-train` and `fcn-evaluate` write it."""

from pathlib import Path
from typing import NamedTuple

from fcn_keras_console.files import read_json, sha256_of
from fcn_keras_console.workdir import StageFiles, decisions_beside


class Provenance(NamedTuple):
    """Where a model comes from.

    Attributes:
        classes: class names by head, of the heads that have a file; `""` is the name of an only head, or stands for the
            first.
        sizes: (H, W) of the training's buckets; empty if there were none.
        facts: for `card.facts`: `"source"`, and where known `"recipe"`, `"training"`, `"metrics"`.
    """

    classes: dict
    sizes: list
    facts: dict


def beside(path, metrics=None):
    """Read `classes.txt`, `classes_HEAD.txt`, `recipe.json` and `summary.json` beside a model file, where they are.

    Args:
        path: the `.keras` file.
        metrics: a `metrics.json` of `fcn-evaluate`, or None.

    Raises:
        ValueError: if one of the files is not what it should be.
        OSError: if one cannot be read.
    """
    files = StageFiles(Path(path).parent)
    facts = {"source": {"file": Path(path).name, "sha256": sha256_of(path)}}
    recipe = decisions_beside(path)
    if recipe:
        facts["recipe"] = recipe
    if files.summary.is_file() and (training := read_json(files.summary)):
        facts["training"] = training
    if metrics is not None:
        facts["metrics"] = _metrics(Path(metrics))
    lists = {path.stem.removeprefix("classes").removeprefix("_"): path for path in files.folder.glob("classes*.txt")}
    classes = {head: read_names(path) for head, path in lists.items()}
    return Provenance(classes, [tuple(size) for size in recipe.get("settings", {}).get("buckets") or []], facts)


def read_names(path):
    """Read class names, one a line; empty lines do not count."""
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    return [line.strip() for line in lines if line.strip()]


def _metrics(path):
    found = read_json(path)
    heads = found.get("heads", {"": found})
    if not all(isinstance(one.get("mean_iu"), float) for one in heads.values()):
        raise ValueError(f"{path} is not the metrics.json that fcn-evaluate --output DIR writes.")
    return found
