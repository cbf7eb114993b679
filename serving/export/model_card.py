"""The model card: `README.md` and `model.json` of a served version, `<file>.md` of another runtime's file."""

import datetime

from fcn_keras.colors import hexadecimal
from fcn_keras.interface import class_counts
from fcn_keras_console.digests import digests_below, to_lines, write_sealed
from fcn_keras_console.environment import versions
from fcn_keras_console.files import write_text
from fcn_keras_console.words import percent, rough_sentence

PARITY = {
    "fp32": ". The scores differ by the order in which sums are taken.",
    "bf16": ", in float32. This SavedModel computes in bfloat16 up to the scores, as `fcn_keras.in_bfloat16` does: "
    "labels differ where two scores nearly tie.",
}
METRICS = ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu")


def describe(model, names, colors, packages=()):
    """Say what a model is, and what exports it now.

    Args:
        model: a network of this package.
        names: class names by head, as `checks.class_names` returns them.
        colors: of the classes, `(K, 3)` uint8 by head.
        packages: further ones whose versions matter.

    Returns:
        dict of JSON's types.
    """
    now = datetime.datetime.now(datetime.UTC)
    return {
        "network": model.name,
        "weights": model.count_params(),
        "heads": {
            head: {
                "classes": count,
                "names": names.get(head),
                "colors": [hexadecimal(color) for color in colors.get(head, ())],
            }
            for head, count in class_counts(model).items()
        },
        "exported": now.isoformat(timespec="seconds"),
        "versions": {name: version for name, version in versions(*packages).items() if version},
    }


def write_version_card(folder, facts, digests):
    """Write both files into a version's folder.

    Args:
        facts: what `describe` and `saved_model.contents.write` return, with `"name"` and `"version"`, and where known
            `"recipe"`, `"training"`, `"metrics"` and `"source"` (see `provenance`).
        digests: of the folder's other files, `{name: digests.Digest}`. The README is for people, who may write in it.
    """
    sizes = ", ".join(f"{height}x{width}" for height, width in facts["warm_up_sizes"])
    extras = f" Further outputs: {', '.join(facts['extra_outputs'])}." if facts["extra_outputs"] else ""
    answers = (
        "`serving_default` takes JPEG, PNG, BMP and WebP files of any mix of sizes, turns them upright by EXIF, and "
        "gives each a grey PNG of class ids at its own size, or a sentence in `status`. Images of more than "
        f"{facts['max_pixels']:,} pixels are refused{_memory(facts)}.{_scale(facts)}{extras} "
        "`predict_tensors` takes and gives arrays; "
        f"`predict_scores` gives the scores. A server warms up with photographs of {sizes} (height x width)."
    )
    parity = (
        "One drawn image a size, this SavedModel against `fcn_keras.predict` on the model it was made of"
        f"{PARITY[facts.get('precision', 'fp32')]}"
    )
    card = _card(
        f"{facts['name']}, version {facts['version']}",
        "as a SavedModel: photograph bytes in, label PNG out",
        facts,
        remark="; the same facts for programs are in `model.json`",
        answers=["## What it answers", answers],
        parity=[parity, "\n".join(_parity_table(facts["parity"]))],
    )
    write_sealed(folder / "model.json", facts, digests)
    write_text(folder / "README.md", card)


def _parity_table(parity):
    columns = ["size", "head", "labels agree", "largest score error", "largest score"]
    rows = [
        [
            f"{row['height']}x{row['width']}",
            row["head"] or "-",
            f"{100 * row['label_agreement']:.3f} %",
            f"{row['largest_score_error']:.1e}",
            f"{row['largest_score']:.3g}",
        ]
        for row in parity
    ]
    if errors := [f"{row['largest_confidence_error']:.4f}" for row in parity if "largest_confidence_error" in row]:
        columns.append("largest confidence error")
        rows = [[*row, error] for row, error in zip(rows, errors, strict=True)]
    return _table(columns, rows)


def _memory(facts):
    """Say by what the limit on pixels was chosen."""
    if "whole_images" in facts:
        return ", as all layers run on whole images"
    return f": an answer takes {facts['memory']} MiB at most" if facts["memory"] else ""


def _scale(facts):
    """Say at which scale photographs are scored, in a sentence or two behind the limit on pixels."""
    scale = facts.get("scale")
    if scale is None:
        return ""
    if not isinstance(scale, dict):
        how = f"by the factor {scale:g}" if scale <= 1 else f"to a longer side of {scale} pixels"
    else:
        (height, width), (most, other) = scale["median"], scale["largest"]
        how = f"to the pixels of {width}x{height}, the median of the training's, where far larger than {other}x{most}"
        if "reduced_to" in scale:
            how = f"to {scale['reduced_to']:,} pixels, as the training's were, where it has more"
    return (
        f" That is after a photograph is reduced {how}; its labels have its own size. Photographs of more than "
        f"{facts['max_decoded']:,} pixels are refused before that."
    )


def write_file_card(path, content, facts, rows, notes):
    """Write the card of a file beside it, with the SHA-256 of all that lies in the folder.

    Args:
        path: of the file, which is alone in its folder with what belongs to it.
        content: what the file is for, and what it takes and answers.
        facts: what `describe` returns, and where known what `provenance` reads.
        rows: lines of `figures_table`.
        notes: sentences on what was compared with what.
    """
    parity = (
        "This file against `fcn_keras.predict` on the model it was made of. The error is a share of the image's "
        f"largest score. {notes}"
    )
    listed = "\n".join(["```text", *to_lines(digests_below(path.parent)), "```"])
    files = ["## Files", f"`sha256sum -c {path.name}.md` compares them:", listed]
    card = _card(path.name, content, facts, parity=["\n".join(rows), parity.strip()], files=files)
    write_text(path.with_name(path.name + ".md"), card)


def figures_table(precision, figures, validation=None):
    """Lay out how far a file is from its model.

    Args:
        figures: `accuracy.agreement.Figures`.
        validation: `accuracy.validation.Validation`, or None.

    Returns:
        Lines of a Markdown table of one row.
    """
    error = "-" if figures.largest_error is None else f"{100 * figures.largest_error:.2g} %"
    cells = {
        "precision": precision,
        "labels agree": f"{100 * figures.agreement:.3f} %",
        "compared on": f"{figures.images} images",
        "largest score error": error,
    }
    if validation is not None:
        difference = 100 * (validation.file - validation.model)
        cells |= {"mean IU": percent(validation.file), "of the model": percent(validation.model)}
        cells["difference"] = f"{difference:+.2f}"
    return _table(cells, [cells.values()])


def _card(title, content, facts, *, parity, remark="", answers=(), files=()):
    parts = [
        f"# {title}",
        f"A fully convolutional network ({facts['network']}, {facts['weights']:,} weights) {content}. "
        f"Exported {facts['exported']}{remark}.",
        "## Classes",
        *(_classes(head, classes) for head, classes in facts["heads"].items()),
        *answers,
        "## Data and training",
        _training(facts),
        "## Metrics",
        _metrics(facts.get("metrics"), facts.get("training")) + _temperature(facts),
        "## Parity",
        *parity,
        *files,
        "## Versions",
        ", ".join(f"{package} {version}" for package, version in facts["versions"].items()) + ".",
    ]
    return "\n\n".join(parts) + "\n"


def _classes(head, classes):
    """Say how many classes a head has, their names and colours."""
    title = f"Head `{head}`: {classes['classes']} classes" if head else f"{classes['classes']} classes"
    listed = ", ".join(f"{index} {name}" for index, name in enumerate(classes["names"] or ()))
    colors = f" Colours: {', '.join(classes['colors'])}." if classes.get("colors") else ""
    return f"{title}{f': {listed}' if listed else ', without names'}.{colors}"


def _training(facts):
    """List what is known of data, training and the exported file."""
    recipe = facts.get("recipe") or {}
    settings = recipe.get("settings", {})
    known = {key: recipe.get(key) for key in ("recipe", "data", "weights")}
    keys = ("model", "steps", "batch_size", "learning_rate", "optimizer", "reduction", "init_from")
    known |= {key: settings.get(key) for key in keys}
    lines = [f"- {key}: {value}" for key, value in known.items() if value not in (None, "")]
    if source := facts.get("source"):
        lines.append(f"- exported from `{source['file']}`, SHA-256 `{source['sha256']}`")
    return "\n".join(lines) or "Nothing was recorded."


def _metrics(metrics, training):
    """Tabulate the metrics of `fcn-evaluate`, or say what is known without them."""
    if not metrics:
        best = (training or {}).get("best", {}).get("val_mean_iu")
        known = "None was recorded."
        if best is not None:
            few = f" ({training['rough']})" if isinstance(training.get("rough"), str) else ""
            known = f"Mean IU {100 * best:.1f} on the training's validation images{few}."
        return (
            f"{known} `fcn-evaluate MODEL --output DIR` writes all four to the file that `fcn-export --metrics` takes."
        )
    columns = ("head", "pixel accuracy", "mean accuracy", "mean IU", "frequency weighted IU")
    heads = metrics.get("heads", {"": metrics})
    rows = [(head or "-", *(f"{100 * scores[name]:.1f}" for name in METRICS)) for head, scores in heads.items()]
    split = ", ".join(f"{key} {metrics[key]}" for key in ("data", "split", "images") if metrics.get(key) is not None)
    images = metrics.get("images")
    few = f" {said}" if isinstance(images, int) and (said := rough_sentence(images)) else ""
    return "\n".join(_table(columns, rows)) + f"\n\nIn percent{f', on {split}' if split else ''}.{few}"


def _temperature(facts):
    temperature = facts.get("temperature")
    return "" if temperature is None else f"\n\nScores are divided by the temperature {temperature:g}."


def _table(columns, rows):
    """Lay out a Markdown table whose columns line up, as lines."""
    rows = [list(row) for row in rows]
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    lines = [list(columns), ["-" * width for width in widths], *rows]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
