"""A run in minutes that was killed amid its feature maps and amid a checkpoint ends as one that was never stopped."""

import pytest

from tests.attacks import kills_in_minutes
from tests.warm import program


@pytest.mark.early
def test_kill_9_in_minutes(tmp_path):
    """Two kills of the real command; `python -m tests.attacks.kills_in_minutes WORKDIR` has twenty."""
    moments = ("amid the maps", "amid a checkpoint")
    outcome = kills_in_minutes.attack(tmp_path, moments=moments, epoch=2, launch=program.start)
    assert outcome == ("kill -9 of fcn-train --minutes", 2, ())
