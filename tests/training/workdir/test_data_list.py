"""The list of a run's data: what is read again, what is not, and what of it decides the digests."""

import json
import os
import time
from types import SimpleNamespace

import pytest

from training.workdir import data_list
from training.workdir.data_list import list_data, read_data_list


class Examples(SimpleNamespace):
    def __len__(self):
        return len(self.ids)


@pytest.fixture
def splits(tmp_path):
    """Two data sets of text files, long unchanged."""
    made = {}
    for split, keys in (("train", "abc"), ("val", "ab")):
        files = {kind: [tmp_path / f"{split}_{key}.{kind}" for key in keys] for kind in ("image", "label")}
        for path in [*files["image"], *files["label"]]:
            path.write_text(path.name)
        made[split] = Examples(ids=tuple(keys), files=files, class_names=("x", "y"))
    return made


@pytest.fixture
def hashed(monkeypatch):
    """The files whose content is read."""
    read, found = data_list.digest_of_file, []
    monkeypatch.setattr(data_list, "digest_of_file", lambda path: found.append(path.name) or read(path))
    monkeypatch.setattr(data_list, "RESOLUTION", -(10**12))  # nothing is too new to be trusted
    return found


def test_only_what_has_another_size_or_time_is_read_again(splits, hashed, tmp_path):
    first = list_data(splits)
    assert len(hashed) == 10
    first.save(tmp_path / "data.json")
    known = read_data_list(tmp_path / "data.json")
    assert known == first
    hashed.clear()
    assert list_data(splits, known) == first
    assert hashed == []
    path = splits["train"].files["label"][1]
    os.utime(path, (5, 5))
    second = list_data(splits, known)
    assert hashed == [path.name]
    assert second.digests == first.digests
    assert second != first  # so that the new time is kept
    path.write_text("other")
    third = list_data(splits, second)
    assert third.digests["train"] != first.digests["train"]
    assert third.digests["val"] == first.digests["val"]


def test_what_was_just_changed_is_read_again(splits, monkeypatch):
    first = list_data(splits)
    assert all(stat is None for stat in first.splits["train"].stats["image"])
    monkeypatch.setattr(time, "time_ns", lambda: time.time_ns_() + 3 * 10**9)
    monkeypatch.setattr(time, "time_ns_", lambda: 10**9 * int(time.time()), raising=False)
    second = list_data(splits, first)
    assert all(len(stat) == 3 for stat in second.splits["train"].stats["image"])
    assert second.digests == first.digests


def test_a_file_of_the_same_size_and_time_is_told_by_the_time_of_its_change(splits, hashed):
    path = splits["val"].files["image"][0]
    first, before = list_data(splits), path.stat()
    time.sleep(0.02)
    path.write_text(path.name[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert list_data(splits, first).digests["val"] != first.digests["val"]


SPOILT = (
    lambda value: value.pop("classes"),
    lambda value: value["train"].pop("ids"),
    lambda value: value["val"]["ids"].append("z"),
    lambda value: value.update(train=3),
    lambda value: value["train"]["files"].update(image=[[]] * 3),
)


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_damaged_list_is_none(splits, tmp_path, spoil):
    path = tmp_path / "data.json"
    list_data(splits).save(path)
    value = json.loads(path.read_text())
    spoil(value)
    path.write_text(json.dumps(value))
    assert read_data_list(path) is None
    path.unlink()
    assert read_data_list(path) is None


def test_data_that_is_drawn_has_no_files():
    from fcn_keras.datasets.synthetic import Synthetic

    drawn = {"train": Synthetic(4, seed=1), "val": Synthetic(2, seed=2)}
    listed = list_data(drawn)
    assert listed.splits["train"].count == 4
    assert listed.digests != list_data({**drawn, "train": Synthetic(5, seed=1)}).digests


def test_large_files_are_read_side_by_side(splits, monkeypatch, hashed):
    one_by_one = list_data(splits)
    monkeypatch.setattr(data_list, "LARGE", 1)
    assert list_data(splits) == one_by_one


def test_a_missing_file_is_named(splits):
    path = splits["train"].files["image"][0]
    path.unlink()
    with pytest.raises(ValueError, match=rf"{path.name} cannot be read .*Does the data change right now"):
        list_data(splits)
