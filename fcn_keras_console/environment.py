"""Name what a result was computed with: versions of packages, and the command line."""

import contextlib
import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path

ALSO_NAMED = {"tensorflow": ("tensorflow", "tensorflow-cpu")}


def versions(*further):
    """Return the versions of Python and of the packages that decide a result; None for one that is not installed.

    Args:
        further: names of other packages.
    """
    packages = ("fcn_keras", "tensorflow", "keras", "numpy", "pillow", *further)
    version_of = {"python": platform.python_version()}
    for package in packages:
        version_of[package] = None  # run from a checkout
        for name in ALSO_NAMED.get(package, (package,)):
            with contextlib.suppress(metadata.PackageNotFoundError):
                version_of[package] = metadata.version(name)
                break
    return version_of


def command():
    """Return this process's command line, quoted for a shell."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
