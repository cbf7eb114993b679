"""The options of `fcn-doctor --folds`."""

import sys
from pathlib import Path

from fcn_keras_console.printing import in_one_line
from fcn_keras_console.words import duration

MINUTES, WORKDIR = 10, Path("folds")
_FEWEST, _MOST, _LONGEST = 2, 10, 10_000
_ALONE = ("minutes", "workdir", "weights", "weights_preprocessing")  # options that say nothing without --folds


def add_options(parser):
    """Add the options, in a group of their own."""
    group = parser.add_argument_group("nets that never saw what they judge")
    group.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help=f"ask K nets which masks are wrong ({_FEWEST} to {_MOST}): each is trained by fcn-train without a fold of "
        "the images, and judges that fold. It takes K times --minutes",
    )
    group.add_argument("--minutes", type=float, metavar="M", help=f"how long each net is trained (default: {MINUTES})")
    group.add_argument(
        "--workdir",
        type=Path,
        help=f"folder for the nets, which are kept: the same command goes on with them (default: {WORKDIR})",
    )
    group.add_argument("--weights", type=Path, help="what each net starts from, as fcn-train --weights takes it")
    group.add_argument(
        "--weights-preprocessing", choices=("caffe", "torch"), help="pixels they expect, as of fcn-train"
    )


def check_options(arguments):
    """Refuse what can be told from the command line alone; fill in the defaults.

    Raises:
        ValueError: if options do not go together.
        ImportError: if TensorFlow is missing.
    """
    from fcn_keras_console import require_tensorflow
    from fcn_keras_console.files import require_folder
    from fcn_keras_console.given import require_file, require_range

    if arguments.folds is None:
        alone = [name for name in _ALONE if getattr(arguments, name) is not None]
        if alone:
            raise ValueError(f"--{alone[0].replace('_', '-')} goes with --folds K: how the nets are trained.")
        return
    if arguments.model is not None:
        raise ValueError("--folds trains nets to ask, and --model names one. Leave one of the two out.")
    if arguments.fix is not None or arguments.kind is not None:
        raise ValueError("--folds goes without --fix and --import: write the data set first, then train on that.")
    require_range("--folds", arguments.folds, least=_FEWEST, most=_MOST)
    require_range("--minutes", arguments.minutes, above=0, most=_LONGEST)
    if arguments.weights is not None:
        require_file(arguments.weights, "--weights", "Name what fcn-train --weights takes.")
    elif arguments.weights_preprocessing is not None:
        raise ValueError("--weights-preprocessing goes with --weights FILE.")
    arguments.minutes = MINUTES if arguments.minutes is None else arguments.minutes
    arguments.workdir = arguments.workdir or WORKDIR
    require_folder(arguments.workdir, "--workdir")
    require_tensorflow()


def say_plan(arguments):
    """Say what is going to be trained, and for how long."""
    whole = duration(60 * arguments.minutes * arguments.folds)
    say(
        arguments,
        f"training {arguments.folds} nets in {arguments.workdir}, each without a fold of the images: {whole} in all. "
        "What is finished there is taken as it is.",
    )


def say(arguments, sentence):
    """Say on stderr how far the training is."""
    if not arguments.quiet:
        print(in_one_line(f"fcn-doctor: {sentence}"), file=sys.stderr, flush=True)
