"""The quick form of `changed_data.py`: a draw of each kind, and that the attack tells what is lost."""

import pytest

from tests.attacks import changed_data
from tests.attacks.outcome import Outcome


def test_one_of_each_kind_survives(tmp_path):
    kinds = (changed_data.DATA, changed_data.FILES, changed_data.WAYS)
    assert changed_data.attack(0, tmp_path) == [Outcome(kind, 1) for kind in kinds]


@pytest.mark.parametrize(
    ("code", "lines", "lost"),
    [(0, [], True), (2, ["fcn-train: train: "], False), (2, ["a", "b"], True), (2, ["val: "], True)],
)
def test_what_is_not_told_is_lost(tmp_path, monkeypatch, code, lines, lost):
    (tmp_path / "runs").mkdir()
    for kind in ("images", "labels"):
        (tmp_path / "photos" / "train" / kind).mkdir(parents=True)
        (tmp_path / "photos" / "train" / kind / "a.png").write_bytes(b"a")
    monkeypatch.setattr(changed_data, "DATA_CHANGES", [lambda generator, photos: _write(photos)])
    monkeypatch.setattr(changed_data, "_run", lambda folder, *options: (code, lines))
    generator = changed_data.random.Random(1)
    assert (changed_data._change_data(generator, tmp_path, "stopped", {}) is not None) is lost


def _write(photos):
    (photos / "train" / "labels" / "a.png").write_bytes(b"b")
