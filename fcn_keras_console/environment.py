"""Name what a result was computed with: versions of packages, and the command line."""

import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path


def versions(*further):
    """Return the versions of Python and of the packages that decide a result; None for one that is not installed.

    Args:
        further: names of other packages.
    """
    packages = ("fcn_keras", "tensorflow", "keras", "numpy", "pillow", *further)
    version_of = {"python": platform.python_version()}
    for package in packages:
        try:
            version_of[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            version_of[package] = None  # run from a checkout
    return version_of


def command():
    """Return this process's command line, quoted for a shell."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
