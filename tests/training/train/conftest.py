"""Plans by steps are those of a machine without anything for bfloat16, whatever the tests run on."""

import pytest


@pytest.fixture(autouse=True)
def unit(monkeypatch):
    """Take away what multiplies bfloat16; returns a function that gives the machine something."""

    def has(name):
        monkeypatch.setattr("training.train.plan.bfloat16_unit", lambda: name)

    has(None)
    return has
