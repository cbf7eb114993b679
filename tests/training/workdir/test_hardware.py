"""The name of the machine beside a timing."""

import re

import pytest

from training.workdir import hardware


def test_a_machine_without_accelerators(monkeypatch):
    monkeypatch.setattr(hardware, "_accelerators", list)
    assert re.fullmatch(r"CPU, (1 core|\d+ cores), \w+", hardware.machine())


@pytest.mark.parametrize(("names", "expected"), [(["H200"] * 2, "2 x H200"), (["T4", "L4", "T4"], "1 x L4, 2 x T4")])
def test_accelerators_are_counted_by_name(monkeypatch, names, expected):
    monkeypatch.setattr(hardware, "_accelerators", lambda: names)
    assert hardware.machine() == expected
