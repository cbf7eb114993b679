"""A net that all test files of the command share."""

import pytest

from fcn_keras.models import FCN32s
from tests.training.tiny import NAMES, NARROW, saved


@pytest.fixture(scope="module", autouse=True)
def loaded_once(models_once):
    """Load each net once for all calls of the command."""


@pytest.fixture(scope="session")
def named_net(tmp_path_factory):
    """A saved net of four classes, with names beside it."""
    path = saved(FCN32s(4, channels=NARROW), tmp_path_factory.mktemp("ranked") / "net.keras")
    (path.parent / "classes.txt").write_text("\n".join(NAMES))
    return path
