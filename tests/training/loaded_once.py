"""Nets that many calls of a command share: each file is loaded once, and TensorFlow traces it once."""

import hashlib

import pytest

from fcn_keras_console.workdir import find_model
from training.workdir import trained_model

_load = trained_model.load_model
_models = {}


def load_once(path):
    """Return the network that `load_model` makes of a file, the same one for the same bytes."""
    digest = hashlib.sha256(find_model(path).read_bytes()).digest()
    if digest not in _models:
        _models[digest] = _load(path)
    return _models[digest]


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch):
    monkeypatch.setattr(trained_model, "load_model", load_once)
