"""SavedModels that several tests serve, written once; and collections of garbage that cost little."""

import pytest

from serving.server.in_process import frozen_objects
from tests.serving.server.small_models import write_half, write_line


@pytest.fixture(scope="session", autouse=True)
def quick_collection():
    """Keep objects frozen from the first server's start on: each start and end would look through TensorFlow's."""
    with frozen_objects():
        yield


@pytest.fixture(scope="session")
def half(tmp_path_factory):
    """The folder of a model's versions: 1 and 2 of `write_half`, and 3, which is no SavedModel."""
    folder = tmp_path_factory.mktemp("half")
    write_half(folder / "1", 2.0)
    write_half(folder / "2", 3.0)
    (folder / "3").mkdir()
    return folder


@pytest.fixture(scope="session")
def lines(tmp_path_factory):
    """SavedModels of y = 2 x and y = 5 x, by the slope."""
    return {slope: write_line(tmp_path_factory.mktemp("line") / "1", slope) for slope in (2, 5)}


@pytest.fixture(scope="session")
def line(lines):
    """The folder of a model's versions: 1 is y = 2 x."""
    return lines[2].parent
