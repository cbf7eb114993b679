"""Skip whatever needs TensorFlow: `pytest -p tests.without_tensorflow`, which is how `make check` runs the tests.

No list says which tests those are. An import of TensorFlow, or of a package that would start it, skips the test, the
fixture or the whole file that asks for it. So does a Python program that a test starts: nobody knows what it imports.
"""

import subprocess
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest

BEHIND = {"tensorflow", "keras", "tensorflow_datasets", "tensorflow_serving", "jax", "tf2onnx", "apache_beam"}


class _Finder(MetaPathFinder):
    """Skip where another finder would look for a package. No `except` of the code under test holds that up."""

    def find_spec(self, name, path=None, target=None):
        if name in BEHIND:
            pytest.skip(f"needs {name}", allow_module_level=True)


class _Program(subprocess.Popen):
    def __init__(self, args, *rest, **options):
        program = Path(args if isinstance(args, str) else args[0])
        if program.parent == Path(sys.executable).parent:
            pytest.skip(f"starts {program.name}", allow_module_level=True)
        super().__init__(args, *rest, **options)


def pytest_collection():
    """Begin only now: pytest-xdist has started its workers, which are Python programs too."""
    sys.meta_path.insert(0, _Finder())
    subprocess.Popen = _Program
