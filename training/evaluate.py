"""`fcn-evaluate`: the paper's four metrics and the IU of every class over a whole split."""

import argparse
import sys
from pathlib import Path

from . import command

DESCRIPTION = """Score a model over a whole split, every image at its own size: pixel accuracy, mean accuracy, mean IU,
frequency weighted IU, and the IU of every class. A model that fcn-train wrote knows its data: recipe.json beside it
names the recipe and the folder."""


def main(argv=None):
    return command.run("fcn-evaluate", _evaluate, _parser().parse_args(argv))


def _parser():
    parser = argparse.ArgumentParser(prog="fcn-evaluate", description=DESCRIPTION)
    parser.add_argument("model", type=Path, help="a .keras file, or a stage's folder: then its best.keras")
    parser.add_argument("--data", type=Path, help="folder of the data set (default: the one trained on)")
    parser.add_argument("--split", default="val", help="default: val; none where the data set is not divided")
    parser.add_argument("--recipe", help="read the data as this recipe does (default: the recipe trained)")
    parser.add_argument(
        "--classes",
        help="your own folder's class file, or number of classes "
        "(default: as trained; else DATA/classes.txt; else as many as the model has)",
    )
    parser.add_argument("--ignore-label", type=int, help="your own folder's void id besides 255")
    parser.add_argument(
        "--output", type=Path, help="folder for metrics.json, metrics.txt and metrics.png; replaces older ones"
    )
    parser.add_argument("--json", action="store_true", help="print JSON (metrics from 0 to 1), not the table (percent)")
    return parser


def evaluate(model, examples, *, progress=None):
    """Count where the pixels of every class went over a whole data set, each image at its own size.

    Args:
        model: a network of this package.
        examples: data set of `fcn_keras.datasets`, or any sequence of such examples with `num_classes`. Labels hold
            class ids, or 255 for void.
        progress: called as `progress(done, total)` after each image.

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
    from .inputs import heads_of, modality_of, pixels_of
    from .saved import class_counts

    counts, modality = class_counts(model), modality_of(model)
    _require_same_classes(counts, examples)
    matrices = {head: np.zeros((count, count), np.int64) for head, count in counts.items()}
    read = _reader(examples, modality)
    for index, example in enumerate(read_ahead(read, range(len(examples)))):
        predicted = heads_of(fcn.predict(model, pixels_of(example, modality)))
        for head, truth in heads_of(example["label"]).items():
            matrices[head] += _confusion(truth, predicted[head], counts[head], _place(examples, index))
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


def _reader(examples, modality):
    """Return a thread-safe function from an index to a checked example."""
    import numpy as np

    from fcn_keras.examples import as_arrays, flatten, nest, signature

    first = {name: np.asarray(value) for name, value in flatten(examples[0]).items()}
    dtypes = signature(first, modality, all_keys=False)

    def read(index):
        return nest(dict(zip(dtypes, as_arrays(examples[index], dtypes, index), strict=True)))

    return read


def _confusion(truth, predicted, num_classes, place, void=255):
    """Count the pairs of true and predicted class over the pixels that are not void."""
    import numpy as np

    counted = truth != void
    truth, predicted = truth[counted].astype(np.int64), predicted[counted]
    outside = truth[(truth < 0) | (truth >= num_classes)]
    if outside.size:
        raise ValueError(
            f"`label` may hold 0..{num_classes - 1} or {void} (void). Received: {np.unique(outside)[:5].tolist()} "
            f"in {place}. Subtract 1 if your classes start at 1."
        )
    cells = np.bincount(num_classes * truth + predicted, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def _place(examples, index):
    return f"image {examples.ids[index]}" if hasattr(examples, "ids") else f"example {index}"


def _evaluate(arguments):
    from .inputs import heads_of
    from .outputs import require_folder
    from .report import summary, table, to_json
    from .saved import class_counts, find_model, load_model
    from .stage import versions

    path = find_model(arguments.model)
    model = load_model(path)
    examples, origin = _open(arguments, path, class_counts(model))
    _require_same_classes(class_counts(model), examples)
    if arguments.output is not None:
        require_folder(arguments.output)
    matrices = evaluate(model, examples, progress=_progress(arguments.json))
    names = heads_of(examples.class_names)
    results = {}
    for head, matrix in matrices.items():
        if not matrix.any():
            raise ValueError("Every pixel of the split is void (255): there is nothing to score.")
        results[head] = summary(matrix, names[head])
    report = {"model": str(path), **origin, "images": len(examples), "versions": versions()}
    report |= results.get("", {"heads": results})
    place = ", ".join(filter(None, (origin["data"] or origin["recipe"], origin["split"])))
    title = f"{path} on {place}: {len(examples)} images, in percent"
    tables = [f"{head}\n{table(result)}" if head else table(result) for head, result in results.items()]
    text = "\n\n".join([title, *tables])
    if arguments.output is not None:
        _write(arguments.output, report, text, results)
    print(to_json(report) if arguments.json else text)


def _open(arguments, path, counts):
    """Open the split that the options and the model's recipe.json name.

    Returns:
        The examples, and a dict that says where they come from.
    """
    from . import recipes
    from .saved import decisions_beside

    trained = decisions_beside(path)
    if arguments.recipe not in (None, trained.get("recipe")):
        trained = {}  # what was decided for another recipe says nothing about this one
    name = arguments.recipe or trained.get("recipe")
    directory = arguments.data or (Path(trained["data"]) if trained.get("data") else None)
    if directory is not None and not directory.is_dir():
        hint = "Name the data set's folder." if arguments.data else "The model was trained on it: say --data DIR."
        raise ValueError(f"{directory} is not a folder. {hint}")
    reading = _reading(arguments, trained.get("overrides", {}))
    split = None if arguments.split == "none" else arguments.split
    origin = {"recipe": name, "data": str(directory) if directory else None, "split": split}
    if name is None:
        return _own_folder(directory, split, reading, path, counts), origin
    return recipes.find(name, reading).data(directory, split), origin


def _reading(arguments, overrides):
    """Merge how one's own folder is read: as trained, unless an option says otherwise."""
    from . import recipes

    reading = {key: overrides[key] for key in ("classes", "ignore_label") if key in overrides}
    if arguments.classes is not None:
        reading["classes"] = recipes.classes_of(arguments.classes)
    if arguments.ignore_label is not None:
        reading["ignore_label"] = arguments.ignore_label
    return reading


def _own_folder(directory, split, reading, path, counts):
    """Open images and masks for a model that no recipe of fcn-train lies beside."""
    from fcn_keras.datasets.folder import Folder

    from .saved import class_names_beside

    if directory is None:
        raise ValueError(f"There is no recipe.json beside {path}: say --data DIR, or --recipe NAME.")
    if not (directory / "classes.txt").is_file():
        reading.setdefault("classes", class_names_beside(path) or next(iter(counts.values())))
    return Folder(directory, split, **reading)


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
