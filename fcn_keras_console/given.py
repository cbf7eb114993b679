"""Look at the paths and numbers of a command line before anything starts, so that what is wrong is told at once."""

import difflib
from pathlib import Path


def require_file(path, option, advice):
    """Make sure that a file that is to be read is there.

    Args:
        path: of the file.
        option: that names it, for the errors; empty where its place does.
        advice: what to name instead, such as `Name a class file.`

    Raises:
        ValueError: if it is missing, or a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{option} {path} is a folder. {advice}".lstrip())
    if not path.exists():
        raise ValueError(f"{option} {path} is missing. {advice}{did_you_mean_path(path)}".lstrip())


def require_directory(path, option, advice):
    """Make sure that a folder that is to be read is there; arguments and errors as of `require_file`."""
    path = Path(path)
    if not path.is_dir():
        kind = " but a file" if path.exists() else ""
        raise ValueError(f"{option} {path} is not a folder{kind}. {advice}{did_you_mean_path(path)}".lstrip())


def require_classes(given):
    """Make sure that `--classes` is a number of classes from 1 on, or a file.

    Raises:
        ValueError: if it is neither.
    """
    if given is None or (given.isdecimal() and int(given) > 0):
        return
    if given.lstrip("-").isdecimal():
        raise ValueError(f"--classes is a number of classes from 1 on, or a class file. Received: {given}.")
    require_file(given, "--classes", "Name a class file, with a name a line, or the number of classes.")


def require_range(option, value, *, least=None, above=None, most=None):
    """Make sure that a number, or None, lies within bounds.

    Args:
        option: that names it, for the errors.
        value: the number.
        least, above, most: the bounds; `above` itself is outside.

    Raises:
        ValueError: if it does not, or is no number.
    """
    if value is None:
        return
    fits = (least is None or value >= least) and (above is None or value > above) and (most is None or value <= most)
    if not (fits and value == value):
        bounds = [f"at least {least}"] if least is not None else [f"above {above}"] if above is not None else []
        bounds += [f"at most {most}"] if most is not None else []
        raise ValueError(f"{option} is {' and '.join(bounds)}. Received: {value:g}.")


def did_you_mean(name, among):
    """Return ` Did you mean fcn8s?` for a name that is nearly one of others, or nothing."""
    spelled = {each.casefold(): each for each in among}
    near = difflib.get_close_matches(name.casefold(), list(spelled), n=1)
    return f" Did you mean {spelled[near[0]]}?" if near else ""


def did_you_mean_path(path):
    """Return ` Did you mean photos?` for a missing path beside which one of nearly its name lies, or nothing."""
    if path.exists():
        return ""
    try:
        names = [entry.name for entry in path.absolute().parent.iterdir() if entry.name != path.name]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1)
    return (
        f" Did you mean {path.parent / near[0]}?" if near else " It is a link to nowhere." if path.is_symlink() else ""
    )
