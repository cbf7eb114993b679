"""The command that was given, with other options: for who is told what to do."""

import shlex

FLAGS = ("--extend",)  # options without a value that are left out or added


def value_of(given, name):
    """Return the value that an option has among the words of a command line, None if it is not there."""
    value, words = None, iter(given)
    for word in words:
        option, assigned, text = word.partition("=")
        if option == name:
            value = text if assigned else next(words, None)
    return value


def retyped(given, without=(), **options):
    """Return the command line of `fcn-train` with other options.

    Args:
        given: its words.
        without: options to leave out, with their values.
        options: to add in the place of those given, such as `workdir="runs_2"`; True for one of `FLAGS`.
    """
    added = {f"--{name.replace('_', '-')}": value for name, value in options.items()}
    left_out, kept, words = {*without, *added}, [], iter(given)
    for word in words:
        name, assigned, _ = word.partition("=")
        if name not in left_out:
            kept.append(word)
        elif not assigned and name not in FLAGS:
            next(words, None)
    for name, value in added.items():
        kept += [name] if value is True else [name, str(value)]
    return shlex.join(["fcn-train", *kept])
