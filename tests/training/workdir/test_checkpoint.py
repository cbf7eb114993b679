"""Models on disk with the place that training had reached, and what damage does to them."""

import errno
import os
import zipfile

import keras
import pytest

from training.workdir.checkpoint import Position, save_model, verify


def model():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "last.keras"
    save_model(model(), path, Position(7, [[1.5], 2.0]))
    return path


@pytest.fixture
def copy(saved, tmp_path):
    path = tmp_path / "copy.keras"
    path.write_bytes(saved.read_bytes())
    return path


def test_the_position_comes_back(saved):
    assert verify(saved) == Position(7, [[1.5], 2.0])
    assert [path.name for path in saved.parent.iterdir()] == ["last.keras"]  # nothing half-written
    assert len(keras.saving.load_model(saved).get_weights()) == 2


def test_the_one_before_is_kept_under_another_name(tmp_path):
    for batches in (2, 4, 6):
        save_model(model(), tmp_path / "last.keras", Position(batches), older=tmp_path / "previous.keras")
    assert [verify(tmp_path / f"{name}.keras").batches for name in ("last", "previous")] == [6, 4]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.keras", "previous.keras"]


def test_a_model_that_training_is_not_continued_from(tmp_path):
    save_model(model(), tmp_path / "m.keras")
    assert verify(tmp_path / "m.keras") is None
    model().save(tmp_path / "theirs.keras")  # without a record
    assert verify(tmp_path / "theirs.keras") is None


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_damage_is_found(copy, damage):
    contents = bytearray(copy.read_bytes())
    if damage == "cut":
        del contents[len(contents) // 2 :]
    elif damage == "flip":
        contents[len(contents) // 2] ^= 16
    else:
        contents.clear()
    copy.write_bytes(contents)
    with pytest.raises(ValueError, match=r"copy\.keras is damaged"):
        verify(copy)


def test_a_member_that_the_record_does_not_know(copy):
    with zipfile.ZipFile(copy, "a") as archive:
        archive.writestr("more", "of it")
    with pytest.raises(ValueError, match="the SHA-256 of more"):
        verify(copy)


def test_a_full_disk_leaves_what_was_saved_before(copy, monkeypatch):
    before = copy.read_bytes()

    def full(self, path, **options):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(keras.Model, "save", full)
    with pytest.raises(OSError, match=r"copy\.keras cannot be written: No space left on device\. Make room"):
        save_model(model(), copy, Position(8))
    assert copy.read_bytes() == before
    assert [path.name for path in copy.parent.iterdir()] == ["copy.keras"]
