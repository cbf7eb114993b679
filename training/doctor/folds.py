"""Train a net for every fold of the images, which never saw their masks."""

from pathlib import Path

from fcn_keras_console.words import counted, percent

from ..hold_out import folds_of
from .duplicates import near_groups
from .fold_options import say
from .suspects import without_errors


def train_folds(examination, arguments):
    """Train the nets, one after the other, and start TensorFlow then: before, it would take a GPU's memory from them.

    Args:
        examination: `Examination`.
        arguments: of the command.

    Returns:
        `fold_nets.FoldNets`.

    Raises:
        ValueError: if there are too few images, or a training fails.
    """
    from fcn_keras_console import start_tensorflow

    from .fold_nets import FoldNets
    from .fold_training import Fold, train

    fold_of = divided(examination, arguments.folds)
    passed_on = options_for(examination, arguments)
    trained = []
    for number in range(arguments.folds):
        fold = Fold.of(arguments.workdir, number, arguments.folds)
        judged = [index for index, own in fold_of.items() if own == number]
        learnt = [index for index in fold_of if fold_of[index] != number]
        say(arguments, f"{fold.name}: training on {counted(len(learnt), 'image')}, {len(judged)} to judge; {fold.log}")
        trained.append(train(fold, files_of(examination, learnt), files_of(examination, judged), passed_on))
        say(arguments, f"{fold.name}: mean IU {percent(trained[-1].mean_iu)} %, {trained[-1].path}")
    start_tensorflow()
    return FoldNets(arguments.workdir, trained, fold_of, examination.report.class_names)


def divided(examination, count):
    """Return by index of each pair without errors the number of its fold; near-duplicates are in one fold.

    Raises:
        ValueError: if there are too few.
    """
    indices = without_errors(examination)
    groups = near_groups([examination.images[index] for index in indices])
    names = _names(examination)
    keys = {names[index]: index for index in indices}
    fold = folds_of(keys, count, [[names[indices[place]] for place in group] for group in groups])
    return {index: fold[key] for key, index in keys.items()}


def files_of(examination, indices):
    """Return by name of each pair its two files; names of several splits differ."""
    names, pairs = _names(examination), examination.layout.pairs
    return {names[index]: (pairs[index].image, pairs[index].label) for index in indices}


def _names(examination):
    layout = examination.layout
    split = {index: name for name, indices in reversed(layout.splits.items()) for index in indices}
    return {index: f"{split[index]}/{pair.key}" for index, pair in enumerate(layout.pairs)}


def options_for(examination, arguments):
    """List the options that every training gets: how masks are read as here, what it starts from, how long it takes."""
    report = examination.report
    own = Path(report.directory, "classes.txt")
    classes = arguments.classes or (own if own.is_file() else report.num_classes)
    words = [f"--classes={classes if str(classes).isdecimal() else Path(classes).absolute()}"]
    words += [f"--ignore-label={report.ignore_label}"] if report.ignore_label != 255 else []
    words += [f"--weights={arguments.weights.absolute()}"] if arguments.weights else []
    words += [f"--weights-preprocessing={arguments.weights_preprocessing}"] if arguments.weights_preprocessing else []
    return [*words, f"--minutes={arguments.minutes:g}"]
