"""`fcn-evaluate`: the paper's four metrics and the IU of every class over a whole split."""

import argparse
import sys
from pathlib import Path

from . import command, unreadable
from .splits import add_options

DESCRIPTION = """Score a model over a whole split, every image at its own size: pixel accuracy, mean accuracy, mean IU,
frequency weighted IU, and the IU of every class. A model that fcn-train wrote knows its data: recipe.json beside it
names the recipe and the folder. With --labels, score label files that anything wrote; their classes are as many as the
highest id, unless --classes says otherwise. Exit code 0: files were scored; 2: one cannot be read, or with --on-error
skip none can, or nothing else could be done."""


def main(argv=None):
    return command.run("fcn-evaluate", _evaluate, _parser().parse_args(argv))


def _parser():
    parser = argparse.ArgumentParser(prog="fcn-evaluate", description=DESCRIPTION)
    parser.add_argument(
        "model",
        type=Path,
        help="a .keras file, or a stage's folder: then its best.keras; with --labels, a PNG of class ids (grey or "
        "palette) or a folder of them",
    )
    add_options(parser)
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="PATH",
        help="score label files: the true ones, a file or a folder of the same stems",
    )
    parser.add_argument(
        "--output", type=Path, help="folder for metrics.json, metrics.txt and metrics.png; replaces older ones"
    )
    parser.add_argument("--json", action="store_true", help="print JSON (metrics from 0 to 1), not the table (percent)")
    unreadable.add_option(parser)
    return parser


def evaluate(model, examples, *, progress=None, on_error=None):
    """Count where the pixels of every class went over a whole data set, each image at its own size.

    Args:
        model: a network of this package.
        examples: data set of `fcn_keras.datasets`, or any sequence of such examples with `num_classes`. Labels hold
            class ids, or 255 for void.
        progress: called as `progress(done, total)` after each image.
        on_error: called with the `ValueError` of an example that cannot be read, which is then left out; by default it
            is raised.

    Returns:
        dict of `(C, C)` int64 confusion matrices by head, rows truth, columns prediction; `fcn_keras.scores` turns
        one into metrics. The only head of most models is `""`.

    Raises:
        ValueError: if the data set has other classes than the model, lacks what the model eats, holds a label out
            of range, or holds no image.
    """
    import numpy as np

    import fcn_keras as fcn

    from .ahead import read_ahead
    from .counting import confusion
    from .inputs import heads_of, modality_of, pixels_of
    from .saved import class_counts

    counts, modality = class_counts(model), modality_of(model)
    _require_same_classes(counts, examples)
    matrices = {head: np.zeros((count, count), np.int64) for head, count in counts.items()}
    read = _reader(examples, modality, on_error is not None)
    for index, example in enumerate(read_ahead(read, range(len(examples)))):
        if isinstance(example, ValueError):
            on_error(example)
            continue
        predicted = heads_of(fcn.predict(model, pixels_of(example, modality)))
        for head, truth in heads_of(example["label"]).items():
            matrices[head] += confusion(truth, predicted[head], counts[head], _place(examples, index))
        if progress is not None:
            progress(index + 1, len(examples))
    return matrices


def _require_same_classes(counts, examples):
    from .inputs import heads_of

    if not len(examples):
        raise ValueError("The data set holds no image: there is nothing to score. Check its path and split.")
    theirs = heads_of(examples.num_classes)
    if theirs != counts:
        mine, theirs = (", ".join(f"{n} {head}".strip() for head, n in x.items()) for x in (counts, theirs))
        raise ValueError(
            f"The model has {mine} classes, the data set {theirs}. Score a model on the classes it was trained on: "
            "check the model, --data and --classes."
        )


def _reader(examples, modality, skips):
    """Return a thread-safe function from an index to a checked example, or to its `ValueError` where it `skips`."""
    import numpy as np

    from fcn_keras.examples import as_arrays, flatten, nest, signature

    get = unreadable.attempted(examples.__getitem__) if skips else examples.__getitem__
    first = next((example for example in map(get, range(len(examples))) if not isinstance(example, ValueError)), None)
    if first is None:
        return get
    first = {name: np.asarray(value) for name, value in flatten(first).items()}
    dtypes = signature(first, modality, all_keys=False)

    def read(index):
        return nest(dict(zip(dtypes, as_arrays(examples[index], dtypes, index), strict=True)))

    return unreadable.attempted(read) if skips else read


def _place(examples, index):
    return f"image {examples.ids[index]}" if hasattr(examples, "ids") else f"example {index}"


def _evaluate(arguments):
    from .report import summary, table, to_json
    from .stage import versions

    bad = unreadable.Unreadable("fcn-evaluate", arguments.on_error)
    origin, title, matrices, names = (_score_model if arguments.labels is None else _score_files)(arguments, bad)
    bad.require_some(origin["images"])
    if bad.skipped:
        origin, title = {**origin, "skipped": bad.skipped}, title + bad.told()
    results = {}
    for head, matrix in matrices.items():
        if not matrix.any():
            raise ValueError("Every pixel of the split is void (255): there is nothing to score.")
        results[head] = summary(matrix, names[head])
    report = {**origin, "versions": versions(), **results.get("", {"heads": results})}
    tables = [f"{head}\n{table(result)}" if head else table(result) for head, result in results.items()]
    text = "\n\n".join([title, *tables])
    if arguments.output is not None:
        _write(arguments.output, report, text, results)
    print(to_json(report) if arguments.json else text)


def _score_model(arguments, bad):
    """Return what is scored as JSON's types, a title, and the confusion matrices and class names by head."""
    from .inputs import heads_of
    from .outputs import require_folder
    from .saved import class_counts, class_names_beside, decisions_beside, find_model, load_model
    from .splits import described, open_split

    path = find_model(arguments.model)
    model = load_model(path)
    counts, trained = class_counts(model), decisions_beside(path)
    if not (trained.get("recipe") or arguments.recipe or arguments.data):
        raise ValueError(f"There is no recipe.json beside {path}: say --data DIR, or --recipe NAME.")
    examples, origin = open_split(
        arguments, trained, classes=lambda: class_names_beside(path) or next(iter(counts.values()))
    )
    _require_same_classes(counts, examples)
    if arguments.output is not None:
        require_folder(arguments.output)
    on_error = bad if arguments.on_error == "skip" else None
    matrices = evaluate(model, examples, progress=_progress(arguments.json), on_error=on_error)
    count = len(examples) - len(bad.skipped)
    title = f"{path} on {described(origin)}: {count} images, in percent"
    return {"model": str(path), **origin, "images": count}, title, matrices, heads_of(examples.class_names)


def _score_files(arguments, bad):
    """Return the same of label files against the true ones."""
    from .outputs import require_folder
    from .predictions import VOID, evaluate_files
    from .recipes import classes_of

    for name in ("data", "split", "recipe"):
        if getattr(arguments, name) is not None:
            raise ValueError(f"--{name} says where a model's images are; --labels scores files. Leave one of them out.")
    if arguments.output is not None:
        require_folder(arguments.output)
    predictions, labels, ignored = arguments.model, arguments.labels, arguments.ignore_label
    matrix, names, count, alone = evaluate_files(
        predictions,
        labels,
        classes=None if arguments.classes is None else classes_of(arguments.classes),
        ignore_label=VOID if ignored is None else ignored,
        progress=_progress(arguments.json),
        on_error=bad if arguments.on_error == "skip" else None,
    )
    origin = {"predictions": str(predictions), "labels": str(labels), "images": count}
    origin["labels_without_prediction"] = alone
    left = f"; {alone} more labels have no prediction" if alone else ""
    title = f"{predictions} against {labels}: {count} {'file' if count == 1 else 'files'}, in percent{left}"
    return origin, title, {"": matrix}, {"": names}


def _progress(as_json):
    """Return what `evaluate` reports to: a bar on a terminal, nothing otherwise."""
    if as_json or not sys.stdout.isatty():
        return None
    import keras

    bar = None

    def progress(done, total):
        nonlocal bar
        bar = bar or keras.utils.Progbar(total, unit_name="image")
        bar.update(done)

    return progress


def _write(folder, report, text, results):
    from .outputs import written
    from .report import picture, to_json
    from .stage import write_text

    for head, result in results.items():
        with written(folder / (f"metrics_{head}.png" if head else "metrics.png")) as temporary:
            picture(result).save(temporary, format="PNG")
    write_text(folder / "metrics.txt", text + "\n")
    write_text(folder / "metrics.json", to_json(report) + "\n")


if __name__ == "__main__":
    sys.exit(main())
