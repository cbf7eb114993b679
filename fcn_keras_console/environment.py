"""Name what a result was computed with: versions of packages, and the command line."""

import contextlib
import os
import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path

# What decides how runtimes multiply on x86 and ARM, by the names of Linux.
INSTRUCTIONS = (
    *("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"),
    *("asimd", "asimddp", "i8mm", "bf16", "sve"),
)
_STATED = Path("/proc/cpuinfo")
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


def processor():
    """Name the processor as the system does, with those of `INSTRUCTIONS` that it has: `"AMD EPYC (avx2)"`."""
    stated = {}
    with contextlib.suppress(OSError):
        for line in _STATED.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            stated.setdefault(key.strip(), value.strip())
    has = (stated.get("flags") or stated.get("Features") or "").split()
    named = [name for name in INSTRUCTIONS if name in has]
    name = stated.get("model name") or platform.processor() or platform.machine()
    return f"{name} ({', '.join(named)})" if named else name


def threads():
    """Return how many threads of the processor this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
