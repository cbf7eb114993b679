"""A folder that changes while it is read: one line, and nothing is written."""

import os
import shutil

import pytest

from fcn_keras.datasets import images
from tests.training.faulty import masks
from training.doctor import checks
from training.doctor.command import main
from training.doctor.examination import examination
from training.doctor.fix import fix
from training.doctor.unchanged import Stamps

CHANGES = {
    "has changed": lambda data: (data / "val" / "labels" / "2.png").write_bytes(b"no mask"),
    "was taken away": lambda data: (data / "train" / "images" / "1.png").unlink(),
    "was added": lambda data: shutil.copy(data / "val/images/0.png", data / "val/images/new.png"),
    "classes.txt has changed": lambda data: (data / "classes.txt").write_text("a\n"),
}


@pytest.mark.parametrize("how", CHANGES)
def test_while_the_doctor_reads(data, how, monkeypatch, capsys):
    """The change comes when the last pair has been read."""
    looked_at = []

    def read(*arguments):
        looked_at.append(arguments)
        if len(looked_at) == 10:
            CHANGES[how](data)
        return picture(*arguments)

    picture = images.read_picture
    monkeypatch.setattr(checks, "read_picture", read)
    monkeypatch.setattr("training.doctor.examination._THREADS", 1)
    assert main([str(data), "--quiet"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert f"{how} while {data} was read. Nothing was written." in line


@pytest.mark.parametrize("how", CHANGES)
def test_between_the_doctor_and_fix(data, how, tmp_path):
    seen = examination(data)
    CHANGES[how](data)
    with pytest.raises(ValueError, match=rf"{how} while .* was read. Nothing was written"):
        fix(seen, tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["data"]


def test_a_mask_of_the_same_size_and_content_in_its_place_is_another_file(data):
    seen = examination(data)
    seen.stamps.require_same()
    path = masks(data)[0]
    shutil.copy(path, path.with_name("copy"))
    os.replace(path.with_name("copy"), path)
    with pytest.raises(ValueError, match=r"0\.png has changed"):
        seen.stamps.require_same()


def test_what_is_not_there_has_no_stamp(tmp_path):
    stamps = Stamps([tmp_path / "none"], lambda: [tmp_path / "none"], tmp_path)
    stamps.require_same()
    (tmp_path / "none").touch()
    with pytest.raises(ValueError, match="none was added"):
        stamps.require_same()
