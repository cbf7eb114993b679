"""With what a result was computed."""

import platform
import shlex
import sys
from importlib import metadata

import numpy as np
import pytest

from fcn_keras_console.environment import command, versions


def test_versions_are_those_that_run():
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert set(found) == {"python", "fcn_keras", "tensorflow", "keras", "numpy", "pillow"}


@pytest.mark.parametrize("name", ["tensorflow", "tensorflow-cpu"])
def test_either_tensorflow_is_tensorflow(name, monkeypatch):
    def version(package):
        if package not in (name, "tensorflow-gpu"):
            raise metadata.PackageNotFoundError(package)
        return "2.99.0"

    monkeypatch.setattr(metadata, "version", version)
    assert versions()["tensorflow"] == "2.99.0"
    assert versions()["keras"] is None


def test_the_command_line_can_be_pasted_into_a_shell(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/opt/bin/fcn-train", "--data", "my photos", "--steps", "3"])
    assert command() == "fcn-train --data 'my photos' --steps 3"
    assert shlex.split(command()) == ["fcn-train", "--data", "my photos", "--steps", "3"]
