"""What is said where a workdir holds a run of other options: which they are, and the commands that can be given."""

from pathlib import Path

from fcn_keras_console.run import AdvisedError

from ..workdir.option_changes import in_words
from ..workdir.run_record import settings_of
from .extension import LONGER, first_weights
from .retyped import retyped, value_of


def other_options(found, given, *, extend, kept_in, other):
    """Return the error that says which options differ, with two commands below it.

    A command that starts from nothing names the weights that the run there started from, where none are given now.

    Args:
        found: `Found`, with `options`.
        given: words of the command line.
        extend: whether `--extend` is among them.
        kept_in: the folder that the run is moved to if it starts anew.
        other: a workdir that is not there yet.
    """
    what = f"{found.stage.folder} holds a run of other options: {in_words(found.options)}."
    weights = _weights(found.stage, given)
    anew = f"Anew, with this one kept in {kept_in}: {retyped(given, ('--extend',), if_changed='anew', **weights)}"
    beside = retyped(given, ("--extend", "--if-changed"), workdir=other, **weights)
    if extend:
        what += " --extend goes with more steps, minutes and patience alone."
    elif found.options.keys() <= {*LONGER, "minutes"}:
        longer = f"For longer: {retyped(given, extend=True)}"
        return AdvisedError(f"{what} Or choose another --workdir.", [longer, anew])
    return AdvisedError(what, [anew, f"Beside it: {beside}"])


def _weights(stage, given):
    """Return the options of weights that a stage's run started from, as far as they are not given."""
    weights, preprocessing = first_weights(settings_of(stage).get("decisions", {}))
    said = value_of(given, "--weights")
    if weights is None or (said is not None and str(Path(said).resolve()) != weights):
        return {}
    options = {"weights": said or weights}
    if preprocessing is not None and value_of(given, "--weights-preprocessing") is None:
        options["weights_preprocessing"] = preprocessing
    return options
