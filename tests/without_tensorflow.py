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
BEHIND |= {"onnx", "onnxruntime", "openvino", "ai_edge_litert"}  # run what it exported, and are not installed either
_reasons = []  # why the test under way is to be skipped


def _skip(reason):
    _reasons.append(reason)
    pytest.skip(reason, allow_module_level=True)  # no `except Exception` of the code under test holds this up


class _Finder(MetaPathFinder):
    """Skip where another finder would look for a package."""

    def find_spec(self, name, path=None, target=None):
        if name in BEHIND:
            _skip(f"needs {name}")


class _Program(subprocess.Popen):
    def __init__(self, args, *rest, **options):
        program = Path(args if isinstance(args, str) else args[0])
        if program.parent == Path(sys.executable).parent:
            _skip(f"starts {program.name}")
        super().__init__(args, *rest, **options)


def pytest_collection(session):
    """Begin only now: pytest-xdist has started its workers, which are Python programs too."""
    sys.meta_path.insert(0, _Finder())
    subprocess.Popen = _Program
    session.config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    _reasons.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Skip a test as well whose threads asked for it: they end, and the test fails for what they did not do."""
    report = yield
    if report.failed and _reasons:
        report.outcome, report.longrepr = "skipped", (str(item.path), item.location[1], _reasons[0])
    return report
