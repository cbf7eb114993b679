"""The net that is asked: its classes have to be the masks', and what it was trained on is known by the files."""

import json

import pytest

import fcn_keras as fcn
from fcn_keras.datasets.folder import Folder
from fcn_keras.datasets.images import read_image
from tests.training.report.page_reader import Page
from training.doctor.asked_net import AskedNet, require_same
from training.doctor.command import main
from training.workdir.data_list import list_data


@pytest.fixture(scope="module")
def net(origin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    fcn.FCN32s(8, padding="caffe", channels=(((4, 2), (8, 2), (16, 3), (32, 3), (32, 3)), 256)).save(
        folder / "best.keras"
    )
    list_data({"train": Folder(origin, "train"), "val": Folder(origin, "val")}).save(folder / "data.json")
    return folder / "best.keras"


def test_the_command_asks_and_warns_of_images_that_the_net_was_trained_on(origin, net, tmp_path, capsys):
    page = tmp_path / "doctor.html"
    assert main([str(origin), "--model", str(net.parent), "--json", "--quiet", "--html", str(page)]) == 0
    told = json.loads(capsys.readouterr().out)["suspects"]
    assert told["asked"] == 10
    assert told["model"] == str(net)
    assert told["notes"][0].startswith("6 of the 10 images asked about are among those that the net was trained on.")
    assert "Masks that the net contradicts" in Page(page).text


def test_probabilities_and_training_images(origin, net):
    asked = AskedNet(net, Folder(origin, "train").class_names)
    files = sorted(origin.glob("*/images/*"))
    assert asked.trained_on(files) == ["train" in file.parts for file in files]
    assert asked.notes([False, False]) == []
    probabilities = asked(read_image(files[0]), 0)
    assert probabilities.shape == (60, 84, 8)
    assert abs(probabilities.sum(axis=-1) - 1).max() < 1e-5
    (net.parent / "data.json").rename(net.parent / "away.json")
    unknown = asked.trained_on(files)
    (net.parent / "away.json").rename(net.parent / "data.json")
    assert unknown == [None] * len(files)
    assert "Nothing beside" in asked.notes(unknown)[0]


def test_another_net_than_the_masks_need_is_one_line(origin, net, tmp_path, capsys):
    assert main([str(origin), "--model", str(net), "--classes", "9", "--quiet"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "has 8 classes, the masks have 9." in err
    assert main([str(origin), "--model", str(tmp_path / "none.keras")]) == 2
    assert "none.keras is missing" in capsys.readouterr().err


def test_names_have_to_agree_where_both_have_names(tmp_path):
    require_same(tmp_path / "a.keras", 2, ("0", "1"), ("cat", "dog"))
    require_same(tmp_path / "a.keras", 2, None, ("cat", "dog"))
    with pytest.raises(ValueError, match=r"2 classes \(dog, cat\), the masks have 2 \(cat, dog\)"):
        require_same(tmp_path / "a.keras", 2, ("dog", "cat"), ("cat", "dog"))
    (tmp_path / "recipe.json").write_text('{"decisions": {"overrides": {"classes": 3, "ignore_label": 11}}}')
    with pytest.raises(ValueError, match="trained with --classes 3 --ignore-label 11"):
        require_same(tmp_path / "a.keras", 3, None, ("cat", "dog"))
