"""With what a result was computed."""

import os
import platform
import shlex
import sys
from importlib import metadata

import numpy as np
import pytest

from fcn_keras_console import environment
from fcn_keras_console.environment import command, processor, threads, versions


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


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("processor\t: 0\nmodel name\t: A B\nflags\t\t: fpu amx_bf16 avx2\nmodel name\t: C\n", "A B (avx2, amx_bf16)"),
        ("model name\t: A B\nflags\t\t: fpu\n", "A B"),
        ("Features\t: fp asimd asimddp\n", f"{platform.processor() or platform.machine()} (asimd, asimddp)"),
        (None, platform.processor() or platform.machine()),
    ],
)
def test_the_processor_and_how_it_multiplies(tmp_path, monkeypatch, stated, expected):
    monkeypatch.setattr(environment, "_STATED", tmp_path / "cpuinfo")
    if stated is not None:
        (tmp_path / "cpuinfo").write_text(stated)
    assert processor() == expected


def test_threads_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5}, raising=False)
    assert threads() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert threads() == 3
