"""`fcn-bound`: the best mean IU that a coarse output could reach, from the ground truth alone."""

from fcn_keras_console import Parser, Progress, add_reporting, run, start_tensorflow
from fcn_keras_console.printing import in_one_line

from ..scoring.split import add_options

DESCRIPTION = """Bound the mean IU that an output of a stride can reach: every label map is brought down by that factor
and up again, and scored against itself. Down: the label that most pixels of a cell have, void being one of them. Up:
the labels' maps are interpolated bilinearly and the highest wins, as a network's scores would be; where void wins, no
class is predicted, and the pixel is missed. The paper (appendix A) does not say how it does it; of several ways, this
one came closest to its numbers for VOC 2011 val: 128 50.9, 64 73.3, 32 86.1, 16 92.8, 8 96.4, 4 98.5."""

EXAMPLES = (("fcn-bound --data photos", "of photos/val, by stride"), "fcn-bound --recipe voc_fcn8s --data DIR --json")
FACTORS = (128, 64, 32, 16, 8, 4)


def main(argv=None):
    return run("fcn-bound", _bound, build_parser().parse_args(argv))


def build_parser():
    parser = Parser("fcn-bound", DESCRIPTION, examples=EXAMPLES)
    add_options(parser)
    parser.add_argument(
        "--factors", type=int, nargs="+", default=FACTORS, metavar="N", help="default: 128 64 32 16 8 4"
    )
    add_reporting(parser, json="from 0 to 1, every class too, not the table")
    return parser


def _bound(arguments):
    from fcn_keras_console.given import require_range

    from ..scoring.split import check_options

    check_options(arguments, {})
    for factor in arguments.factors:
        require_range("--factors", factor, least=1)
    if arguments.recipe is not None:
        start_tensorflow()  # recipes bring Keras
    from fcn_keras.interface import heads_of
    from fcn_keras_console.files import to_json
    from fcn_keras_console.words import counted

    from ..scoring.split import described, left_alone, open_split
    from ..scoring.summary import by_head
    from .coarse_labels import bound

    examples, origin = open_split(arguments, {})
    with Progress("Counting", "labels", quiet=arguments.quiet) as progress:
        matrices = bound(examples, arguments.factors, progress=progress)
    names = heads_of(examples.class_names)
    results = {head: _summary(by_factor, names[head]) for head, by_factor in matrices.items()}
    report = {**origin, "images": len(examples), **results.get("", {"heads": results})}
    images = counted(len(examples), "image")
    if origin["split"] is None:  # which of them a run holds out is that run's affair; evaluate takes those
        images = f"all {images}, as it is not divided"
    title = f"Bound on mean IU of {described(origin)}: {images}, in percent"
    text = by_head(in_one_line(title), {head: _table(result) for head, result in results.items()})
    print(to_json(report) if arguments.json else text + left_alone(origin))


def _summary(by_factor, names):
    """Return JSON's types: mean IU by factor, and the IU of every class, None for one that is nowhere."""
    from .coarse_labels import mean_iu

    scores = {str(factor): mean_iu(matrix) for factor, matrix in by_factor.items()}
    return {
        "mean_iu": {factor: mean for factor, (mean, _) in scores.items()},
        "per_class_iu": {
            factor: {name: None if iu != iu else float(iu) for name, iu in zip(names, ius, strict=True)}
            for factor, (_, ius) in scores.items()
        },
    }


def _table(result):
    lines = [f"{factor:>6}  {100 * value:>7.2f}" for factor, value in result["mean_iu"].items()]
    return "\n".join(["factor  mean IU", *lines])
