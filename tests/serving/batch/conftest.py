"""SavedModels and files that the tests of `fcn-batch` share."""

import pytest

from tests.serving.batch.files import NAMES, save_model


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A served model's folder, whose version 2 is the one to take."""
    folder = tmp_path_factory.mktemp("model")
    save_model(folder / "2")
    (folder / "1").mkdir()
    (folder / "1" / "saved_model.pb").write_bytes(b"old")
    return folder


@pytest.fixture(scope="session")
def two_heads(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("heads") / "1", heads=("sem", "geo"), names=None)


@pytest.fixture
def output(tmp_path):
    from serving.batch.steps import Output

    return Output(str(tmp_path / "out"), {"": NAMES}, "f1")
