"""The folder that is to be served: its versions, its name, and what to do where it holds none."""

import threading
import time

import pytest

from serving.server.base_path import checked_base_path, name_of, require_versions


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("models/fcn/1", "empty/new", "runs/quick_fcn8s"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("runs/quick_fcn8s/best.keras", "models/fcn/1/saved_model.pb"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_folder_of_versions(place):
    assert checked_base_path("models/fcn") == place / "models" / "fcn"
    require_versions("models/fcn")
    for path, message in (("gone", "is not a folder"), ("models/fcn/1", "is one version of a model")):
        with pytest.raises(OSError, match=message):
            checked_base_path(path)


def test_a_model_is_called_as_its_folder(place, monkeypatch):
    assert name_of("models/fcn/") == "fcn"
    monkeypatch.chdir("models/fcn")
    assert name_of(".") == "fcn"
    for path in ("/", "a:b"):
        with pytest.raises(ValueError, match=r"is no model's name\. Say --model_name NAME\."):
            name_of(path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "runs",
            r"^runs is a folder of fcn-train, .*: fcn-export runs models/fcn, then .* --model_base_path models/fcn\.$",
        ),
        ("runs/quick_fcn8s", r": fcn-export runs/quick_fcn8s models/quick_fcn8s, then fcn-serve "),
        ("models", r"^models holds models, not the versions of one\. Name one of them: models/fcn\.$"),
        ("empty", r"^empty holds no version, .*\. Export one first: fcn-export runs empty\.$"),
    ],
)
def test_without_versions_the_way_to_one_is_told(path, message, place):
    with pytest.raises(ValueError, match=message):
        require_versions(path)


def test_the_first_version_is_waited_for(place):
    began = time.monotonic()
    with pytest.raises(ValueError, match="Export one first"):
        require_versions("empty", 0.05)
    assert time.monotonic() - began >= 0.05
    threading.Timer(0.1, (place / "empty" / "7").mkdir).start()
    require_versions("empty", 30)
