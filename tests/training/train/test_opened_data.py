"""The data of a run's stages: opened, read and listed once."""

import pytest

from tests.training.train.own_photos import draw, write_photos
from tests.training.workdir.tiny_recipe import NAME, use_tiny_recipe
from training.recipes import catalogue, readers
from training.train.opened_data import OpenedData
from training.train.reporter import Reporter
from training.workdir.stage import Stage


@pytest.fixture
def recipe(monkeypatch):
    use_tiny_recipe(monkeypatch, data=readers.folder)
    return catalogue.RECIPES[NAME]


def opened(folder, *, verified=False):
    return OpenedData(write_photos(folder), Reporter(lead=True), verified=verified)


def test_stages_have_the_same_images_whatever_is_added_meanwhile(recipe, tmp_path):
    data = opened(tmp_path)
    later = catalogue.replace(recipe, name="later")
    first, listed = data.examples(recipe), data.listed(recipe)
    draw(tmp_path, [9])
    assert data.examples(later) is first
    assert data.listed(later) is listed
    data.require_unchanged(later, Stage(tmp_path / "runs"))
    other = catalogue.replace(recipe, splits=("val", "train"))
    assert data.examples(other)["val"].ids == ("0", "1", "2", "3", "9")


def test_every_file_is_read_once(recipe, tmp_path, capsys):
    data = opened(tmp_path)
    data.read(recipe)
    assert "Reading the 6 images and masks" in capsys.readouterr().out
    data.read(recipe)
    opened(tmp_path, verified=True).read(recipe)
    assert capsys.readouterr().out == ""


def test_a_file_that_changed_or_went_is_told(recipe, tmp_path):
    data, mask = opened(tmp_path), tmp_path / "val" / "labels" / "4.png"
    data.listed(recipe)
    content = mask.read_bytes()
    mask.write_bytes(content)
    data.require_unchanged(recipe, Stage("runs"))
    mask.write_bytes((tmp_path / "val" / "labels" / "5.png").read_bytes())
    with pytest.raises(ValueError, match=r"changed while runs was trained on it: val: 1 mask changed \(4\)\. .*go-on"):
        data.require_unchanged(recipe, Stage("runs"))
    mask.unlink()
    with pytest.raises(ValueError, match=r"4\.png cannot be read"):
        data.require_unchanged(recipe, Stage("runs"))
