"""The name of the machine beside a timing, and whether it multiplies bfloat16 faster."""

import re

import pytest

from fcn_keras.inference import processor
from training.workdir import hardware


def test_a_machine_without_accelerators(monkeypatch):
    monkeypatch.setattr(hardware, "_accelerators", list)
    assert re.fullmatch(r"CPU, (1 core|\d+ cores), \w+", hardware.machine())


@pytest.mark.parametrize(("names", "expected"), [(["H200"] * 2, "2 x H200"), (["T4", "L4", "T4"], "1 x L4, 2 x T4")])
def test_accelerators_are_counted_by_name(monkeypatch, names, expected):
    monkeypatch.setattr(hardware, "_accelerators", lambda: names)
    assert hardware.machine() == expected


@pytest.mark.parametrize(
    ("capabilities", "amx", "unit"),
    [
        ([], True, "AMX"),
        ([], False, None),
        ([(9, 0)], False, "compute capability 9.0"),
        ([(8, 0), (7, 5)], True, None),
    ],
)
def test_what_makes_bfloat16_quick(monkeypatch, capabilities, amx, unit):
    monkeypatch.setattr(hardware, "_capabilities", lambda: capabilities)
    monkeypatch.setattr(processor, "has_amx", lambda: amx)
    assert hardware.bfloat16_unit() == unit


def test_gpus_tell_their_compute_capability(monkeypatch):
    import tensorflow as tf

    details = [{"compute_capability": (8, 6)}, {"device_name": "another maker's"}]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [0, 1])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details[gpu])
    assert hardware._capabilities() == [(8, 6)]
