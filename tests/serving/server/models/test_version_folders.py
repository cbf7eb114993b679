"""The folders that a policy chooses, and what is warned of once."""

import logging

import pytest

from serving.server.models.version_folders import VersionFolders
from serving.server.settings import All, Latest, ModelConfig, Specific


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        (Latest(), [12]),
        (Latest(2), [3, 12]),
        (All(), [1, 3, 12]),
        (Specific((1, 12, 40)), [1, 12]),
    ],
)
def test_policies_choose_among_numeric_folders(tmp_path, policy, served):
    for name in ("1", "3", "0012", ".exporting-x", "4.tmp", "-5", "+6", "tmp", "\u0667", "9" * 19, "003"):
        (tmp_path / name).mkdir()
    (tmp_path / "8").write_text("no folder")
    folders = VersionFolders().look(ModelConfig("m", str(tmp_path), policy))
    names = {1: "1", 3: "3", 12: "0012"}  # of `003` and `3` the latter counts, as in TF Serving
    assert folders == {version: tmp_path / names[version] for version in served}


def test_what_is_missing_is_warned_of_once_until_it_changes(tmp_path, caplog):
    def look():
        caplog.clear()
        chosen = folders.look(config)
        return chosen, [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]

    folders, base = VersionFolders(), tmp_path / "m"
    config = ModelConfig("m", str(base), Specific((1, 5)))
    chosen, [warning] = look()
    assert chosen is None
    assert warning.startswith(f"Could not find base path {base} for servable m with error")
    assert look() == (None, [])
    (base / "1").mkdir(parents=True)
    chosen, [warning] = look()
    assert chosen == {1: base / "1"}
    assert warning.startswith("Versions [5] of servable m, which were requested")
    (base / "5").mkdir()
    assert look() == ({1: base / "1", 5: base / "5"}, [])
    (base / "5").rmdir()
    assert len(look()[1]) == 1  # it was there in between
