"""Where the tests of `fcn-doctor --import` read annotations from, and where the data set goes."""

import pytest


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "annotated"
    folder.mkdir()
    return folder


@pytest.fixture
def out(tmp_path):
    return tmp_path / "photos"
