"""A clean data set on disk, and a copy of it to break."""

import pytest

from tests.training.faulty import (
    clean,
    copy_tree,
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    return clean(tmp_path_factory.mktemp("clean") / "data")


@pytest.fixture
def data(origin, tmp_path):
    return copy_tree(origin, tmp_path / "data")
