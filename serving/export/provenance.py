"""What lies beside a trained model and belongs into its model card, as `fcn-train` and `fcn-evaluate` write it."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple


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
    folder = Path(path).parent
    facts = {"source": {"file": Path(path).name, "sha256": _sha256(path)}}
    recipe = _read(folder / "recipe.json").get("decisions", {})
    if recipe:
        facts["recipe"] = recipe
    if training := _read(folder / "summary.json"):
        facts["training"] = training
    if metrics is not None:
        facts["metrics"] = _metrics(Path(metrics))
    files = {path.stem.removeprefix("classes").removeprefix("_"): path for path in folder.glob("classes*.txt")}
    classes = {head: read_names(path) for head, path in files.items()}
    return Provenance(classes, [tuple(size) for size in recipe.get("settings", {}).get("buckets") or []], facts)


def read_names(path):
    """Read class names, one a line; empty lines do not count."""
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    return [line.strip() for line in lines if line.strip()]


def _metrics(path):
    found = _read(path, missing=False)
    heads = found.get("heads", {"": found})
    if not all(isinstance(one.get("mean_iu"), float) for one in heads.values()):
        raise ValueError(f"{path} is not the metrics.json that fcn-evaluate --output DIR writes.")
    return found


def _read(path, *, missing=True):
    if missing and not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON ({error}). Remove it, or restore it from a copy.") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} should hold a JSON object. Received: {type(found).__name__}.")
    return found


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(2**20), b""):
            digest.update(block)
    return digest.hexdigest()
