"""`fcn-bound`: the best mean IU that a coarse output could reach, from the ground truth alone."""

import logging

from fcn_keras.confusion import confusion
from fcn_keras_console import Parser, Progress, add_reporting, run

from ..scoring.split import add_options

DESCRIPTION = """Bound the mean IU that an output of a stride can reach: every label map is brought down by that factor
and up again, and scored against itself. Down: the label that most pixels of a cell have, void being one of them. Up:
the labels' maps are interpolated bilinearly and the highest wins, as a network's scores would be; where void wins, no
class is predicted, and the pixel is missed. The paper (appendix A) does not say how it does it; of several ways, this
one came closest to its numbers for VOC 2011 val: 128 50.9, 64 73.3, 32 86.1, 16 92.8, 8 96.4, 4 98.5."""

EXAMPLES = (("fcn-bound --data photos", "of photos/val, by stride"), "fcn-bound --recipe voc_fcn8s --data DIR --json")
FACTORS = (128, 64, 32, 16, 8, 4)
LOG = logging.getLogger("fcn-bound")


def main(argv=None):
    return run("fcn-bound", _bound, _parser().parse_args(argv), tensorflow=True)


def _parser():
    parser = Parser("fcn-bound", DESCRIPTION, examples=EXAMPLES)
    add_options(parser)
    parser.add_argument(
        "--factors", type=int, nargs="+", default=FACTORS, metavar="N", help="default: 128 64 32 16 8 4"
    )
    add_reporting(parser, json="from 0 to 1, every class too, not the table")
    return parser


def bound(examples, factors=FACTORS, *, progress=None):
    """Count how label maps compare with themselves, brought down by each factor and up again.

    Args:
        examples: data set of `fcn_keras.datasets`, or any sequence of such examples with `num_classes`.
        factors: sides of a cell in pixels.
        progress: called as `progress(done, total)` after each example.

    Returns:
        dict by head (the only one is `""`) of dicts by factor of `(C, C + 1)` int64 counts, rows truth, columns what
        is left of it; the last column is void, a miss.

    Raises:
        ValueError: if a factor is below 1, there is no example, or a label is out of range.
    """
    import os

    import numpy as np

    from fcn_keras.interface import heads_of

    from ..reading import read_ahead

    if min(factors) < 1:
        raise ValueError(f"A factor is at least 1. Received: {min(factors)}.")
    if not len(examples):
        raise ValueError("The data set holds no image: there is nothing to count. Check its path and split.")
    counts = heads_of(examples.num_classes)
    matrices = {head: {f: np.zeros((n, n + 1), np.int64) for f in factors} for head, n in counts.items()}

    def count(label, factor, num_classes, place):
        return confusion(label, down_and_up(label, factor), num_classes, place, count_missed=True)

    def read(index):
        labels = heads_of(examples[index]["label"])
        return {head: [count(labels[head], f, n, f"example {index}") for f in factors] for head, n in counts.items()}

    for index, found in enumerate(read_ahead(read, range(len(examples)), threads=os.cpu_count() or 1)):
        for head, several in found.items():
            for factor, matrix in zip(factors, several, strict=True):
                matrices[head][factor] += matrix
        LOG.debug("example %d of %d counted", index + 1, len(examples))
        if progress is not None:
            progress(index + 1, len(examples))
    return matrices


def down_and_up(label, factor):
    """Bring a label map down by a factor and up again to its size.

    A cell's label is the one that most of its pixels have, the lowest id of equals; cells at the right and lower
    border are what is left of them. Between the cells' centres, every id's map is interpolated bilinearly, and the
    highest wins, again the lowest id of equals.

    Args:
        label: `(H, W)` integers from 0 to 255; void (255) is a label like any other.

    Returns:
        `(H, W)` array of the same dtype.
    """
    import numpy as np

    present, ids = np.unique(label, return_inverse=True)
    ids = ids.reshape(label.shape)
    (height, width), kinds = label.shape, len(present)
    rows, columns = -(-height // factor), -(-width // factor)
    cell = (np.arange(height) // factor)[:, None] * columns + np.arange(width) // factor  # (H, W)
    votes = np.bincount((cell * kinds + ids).ravel(), minlength=rows * columns * kinds)
    coarse = votes.reshape(rows, columns, kinds).argmax(axis=-1)
    maps = (coarse == np.arange(kinds)[:, None, None]).astype(np.float32)  # (K, h, w)
    maps = _stretch(_stretch(maps, height, factor, axis=1), width, factor, axis=2)  # (K, H, W)
    return present[maps.argmax(axis=0)]


def mean_iu(matrix):
    """Return the mean IU and the IU of every class (NaN for one that is nowhere) of `(C, C + 1)` counts."""
    import numpy as np

    hits = matrix.diagonal()
    union = matrix.sum(axis=1) + matrix[:, :-1].sum(axis=0) - hits
    ius = np.where(union > 0, hits / np.maximum(union, 1), np.nan)
    return (float(np.nanmean(ius)) if union.any() else 0.0), ius


def _stretch(maps, length, factor, axis):
    """Interpolate along one axis; value `i` lies in the middle of pixels `factor * i ... factor * (i + 1) - 1`."""
    import numpy as np

    count = maps.shape[axis]
    place = np.clip((np.arange(length) - (factor - 1) / 2) / factor, 0, count - 1)
    before = np.floor(place).astype(int)
    after = np.minimum(before + 1, count - 1)
    share = (place - before).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(maps.ndim)])
    return maps.take(before, axis) * (1 - share) + maps.take(after, axis) * share


def _bound(arguments):
    from fcn_keras.interface import heads_of
    from fcn_keras_console.files import to_json

    from ..scoring.split import described, open_split

    examples, origin = open_split(arguments, {})
    with Progress("Counting", "labels", quiet=arguments.quiet) as progress:
        matrices = bound(examples, arguments.factors, progress=progress)
    names = heads_of(examples.class_names)
    results = {head: _summary(by_factor, names[head]) for head, by_factor in matrices.items()}
    report = {**origin, "images": len(examples), **results.get("", {"heads": results})}
    title = f"Bound on mean IU of {described(origin)}: {len(examples)} images, in percent"
    tables = [_table(result, head) for head, result in results.items()]
    print(to_json(report) if arguments.json else "\n\n".join([title, *tables]))


def _summary(by_factor, names):
    """Return JSON's types: mean IU by factor, and the IU of every class, None for one that is nowhere."""
    found = {str(factor): mean_iu(matrix) for factor, matrix in by_factor.items()}
    return {
        "mean_iu": {factor: mean for factor, (mean, _) in found.items()},
        "per_class_iu": {
            factor: {name: None if iu != iu else float(iu) for name, iu in zip(names, ius, strict=True)}
            for factor, (_, ius) in found.items()
        },
    }


def _table(result, head):
    lines = [f"{factor:>6}  {100 * value:>7.2f}" for factor, value in result["mean_iu"].items()]
    return "\n".join([head] * bool(head) + ["factor  mean IU", *lines])
