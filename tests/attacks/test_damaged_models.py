"""The quick form of `damaged_models.py`: some draws of each kind, and that the attack sees what is not told."""

import contextlib
import random
import shutil
from functools import partial

import pytest

from serving.server.models import servable
from tests.attacks import damaged_models


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("models")
    damaged_models.make(workdir)
    return workdir


def test_some_of_each_kind_are_told_or_nothing(models):
    tries = list(damaged_models.attack(models, 6, 0))
    assert {row for row, _, _ in tries} == {damaged_models.SERVED, damaged_models.BATCH, damaged_models.KERAS}
    assert [what for _, what, is_lost in tries if is_lost] == []


def test_what_nobody_compares_is_lost(models, monkeypatch, tmp_path):
    shutil.copytree(models / "served" / "1", tmp_path / "1")
    shutil.copy(models / "served" / "2" / "saved_model.pb", tmp_path / "1")
    scores = partial(damaged_models.served_scores, tmp_path / "1")
    assert not damaged_models.changes(scores, b"")
    monkeypatch.setattr(servable, "as_exported", lambda folder: contextlib.nullcontext())
    assert damaged_models.changes(scores, b"")


def test_every_kind_of_damage_is_drawn(tmp_path):
    generator, kinds = random.Random(0), set()
    (tmp_path / "other").write_bytes(b"other")
    for _ in range(100):
        (tmp_path / "a").write_bytes(b"abc" * 99)
        kinds.add(damaged_models.damage(tmp_path / "a", tmp_path / "other", generator).partition(" ")[0])
    assert kinds == {"flip", "zeros", "cut", "append", "swap", "block", "remove"}
