"""The model card of a served version: `model.json` for programs, `README.md` for people."""

import datetime
import json
import platform
from importlib import metadata

PACKAGES = ("tensorflow", "keras", "numpy", "pillow")
METRICS = ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu")


def write(folder, facts):
    """Write both files into a version's folder.

    Args:
        facts: what `artefact.write` returns, with `"name"` and `"version"`, and where known `"recipe"`, `"training"`,
            `"metrics"` and `"source"` (see `provenance`).
    """
    now = datetime.datetime.now(datetime.UTC)
    found = {
        **facts,
        "exported": now.isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **package_versions()},
    }
    (folder / "model.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_markdown(found), encoding="utf-8")


def _markdown(found):
    parts = [
        f"# {found['name']}, version {found['version']}",
        f"A fully convolutional network ({found['network']}, {found['weights']:,} weights) as a SavedModel: photograph "
        f"bytes in, label PNG out. Exported {found['exported']}; the same facts for programs are in `model.json`.",
        "## Classes",
        *(classes_of(head, one) for head, one in found["heads"].items()),
        "## What it answers",
        _answers(found),
        "## Data and training",
        training_of(found),
        "## Metrics",
        metrics_of(found.get("metrics"), found.get("training")),
        "## Parity",
        "One drawn scene a size, this SavedModel against `fcn_keras.predict` on the model it was made of. The scores "
        "differ by the order in which sums are taken.",
        _parity(found["parity"]),
        "## Versions",
        ", ".join(f"{package} {version}" for package, version in found["versions"].items()) + ".",
    ]
    return "\n\n".join(parts) + "\n"


def classes_of(head, one):
    """Say how many classes a head has, and their names."""
    title = f"Head `{head}`: {one['classes']} classes" if head else f"{one['classes']} classes"
    if not one["names"]:
        return f"{title}, without names."
    return f"{title}: " + ", ".join(f"{index} {name}" for index, name in enumerate(one["names"])) + "."


def _answers(found):
    extras = f" Further outputs: {', '.join(found['extra_outputs'])}." if found["extra_outputs"] else ""
    sizes = ", ".join(f"{height}x{width}" for height, width in found["warm_up_sizes"])
    return (
        "`serving_default` takes JPEG, PNG, BMP and WebP files of any mix of sizes, turns them upright by EXIF, and "
        "gives each a grey PNG of class ids at its own size, or a sentence in `status`. Images of more than "
        f"{found['max_pixels']:,} pixels are refused.{extras} `predict_tensors` takes and gives arrays; "
        f"`predict_scores` gives the scores. A server warms up with photographs of {sizes} (height x width)."
    )


def training_of(found):
    """List what is known of data, training and the exported file."""
    recipe = found.get("recipe") or {}
    lines = [f"- {key}: {recipe[key]}" for key in ("recipe", "data", "weights") if recipe.get(key)]
    settings = recipe.get("settings", {})
    lines += [
        f"- {key}: {settings[key]}"
        for key in ("model", "steps", "batch_size", "learning_rate", "optimizer", "reduction", "init_from")
        if settings.get(key) is not None
    ]
    if found.get("source"):
        lines.append(f"- exported from `{found['source']['file']}`, SHA-256 `{found['source']['sha256']}`")
    return "\n".join(lines) or "Nothing was recorded."


def metrics_of(metrics, training):
    """Tabulate the metrics of `fcn-evaluate`, or say what is known without them."""
    if not metrics:
        best = (training or {}).get("best", {}).get("val_mean_iu")
        known = (
            "None was recorded." if best is None else f"Mean IU {100 * best:.1f} on the training's validation images."
        )
        return (
            f"{known} `fcn-evaluate MODEL --output DIR` writes all four to the file that `fcn-export --metrics` takes."
        )
    heads = metrics.get("heads", {"": metrics})
    lines = ["| head | pixel accuracy | mean accuracy | mean IU | frequency weighted IU |", "|---|---|---|---|---|"]
    for head, one in heads.items():
        lines.append(f"| {head or '-'} | " + " | ".join(f"{100 * one[name]:.1f}" for name in METRICS) + " |")
    split = ", ".join(f"{key} {metrics[key]}" for key in ("data", "split", "images") if metrics.get(key) is not None)
    return "\n".join(lines) + f"\n\nIn percent{f', on {split}' if split else ''}."


def _parity(rows):
    lines = ["| size | head | labels agree | largest score error | largest score |", "|---|---|---|---|---|"]
    for row in rows:
        lines.append(
            f"| {row['height']}x{row['width']} | {row['head'] or '-'} | {100 * row['label_agreement']:.3f} % | "
            f"{row['largest_score_error']:.1e} | {row['largest_score']:.3g} |"
        )
    return "\n".join(lines)


def package_versions(more=()):
    """Return `{package: version}` of what a model was exported with, and of `more` packages."""
    found = {}
    for package in (*PACKAGES, *more):
        found[package] = metadata.version(package)
    try:
        return {"fcn_keras": metadata.version("fcn_keras"), **found}
    except metadata.PackageNotFoundError:  # run from a checkout
        return found
