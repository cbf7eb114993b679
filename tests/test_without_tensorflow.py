"""`make check` runs what needs no TensorFlow, and skips the rest without a list of names."""

import subprocess
import sys
from pathlib import Path

TESTS = {
    "test_one.py": """
import subprocess, sys

def test_runs():
    subprocess.run(["true"], check=True)

def test_asks_for_it():
    try:
        import tensorflow.io
    except Exception:
        pass

def test_starts_a_program():
    subprocess.run([sys.executable, "--version"])

def test_asks_for_it_in_a_thread():
    import threading
    thread = threading.Thread(target=__import__, args=["tensorflow"])
    thread.start()
    thread.join()
    assert "tensorflow" in sys.modules

def test_fails():
    assert False
""",
    "test_two.py": "import keras\n\ndef test_of_a_file_that_needs_it(): pass\n",
    "test_three.py": """
import pytest

@pytest.fixture
def net():
    import keras

def test_with_a_fixture_that_needs_it(net): pass
""",
}


def test_what_needs_tensorflow_is_skipped_and_nothing_else(tmp_path):
    for name, text in TESTS.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "tests.without_tensorflow", "-p", "no:cacheprovider", "-vv", "-rs"]
    # From the root, where the plug-in is found; without the project's own conftest.py and options.
    done = subprocess.run(
        [*command, "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert "1 failed, 1 passed, 5 skipped" in done.stdout
    assert "test_runs PASSED" in done.stdout
    assert done.stdout.count("needs keras") == 2
    assert done.stdout.count("needs tensorflow") == 2
    assert "starts python" in done.stdout
