"""The quick form of an attack of `make soak`, from one seed."""

import pytest

from tests.attacks import thin_classes


@pytest.mark.parametrize("name", thin_classes.TRIES)
def test_nothing_is_lost(name, tmp_path):
    for seed in range(1000, 1006):
        folder = tmp_path / str(seed)
        folder.mkdir()
        assert thin_classes.TRIES[name](seed, folder) is None
