"""`fcn-figures`: Table 2 and Figure 4 of a workdir, and what it says where nets are missing."""

import csv
import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.folder import Folder
from fcn_keras.metrics import scores
from tests.training import tiny
from tests.training.tiny import stage
from training.figures import command as figures
from training.figures.command import main
from training.scoring.images import label_images, score_split
from training.scoring.summary import summary

NETS = {"fcn32s_fixed": "coarse", "fcn32s": "fine", "fcn16s": "coarse", "fcn8s": "fine"}  # two stand for four
error_of = partial(tiny.error_of, main)
pytestmark = pytest.mark.usefixtures("models_once")


def workdir(folder, nets, recipe, data=None, prefix="toy"):
    """Lay out what fcn-train leaves behind: `nets` by stage, None for models that nobody opens."""
    for name, net in nets.items():
        stage(folder / f"{prefix}_{name}", net, recipe, data=data, overrides={"classes": 4} if data else {})
    return folder


@pytest.fixture(scope="module")
def data(four_classes):
    return four_classes


@pytest.fixture(scope="module")
def runs(tmp_path_factory, nets, data):
    return workdir(
        tmp_path_factory.mktemp("runs"), {name: nets[net] for name, net in NETS.items()}, "folder_fcn8s", data
    )


def test_the_table_and_the_picture(runs, nets, models_once, data, tmp_path, capsys):
    assert main([str(runs), "--output", str(tmp_path / "new"), "--images", "2"]) == 0
    out = tmp_path / "new"
    assert sorted(path.name for path in out.iterdir()) == ["figure4.png", "table2.csv", "table2.json", "table2.txt"]
    report = json.loads((out / "table2.json").read_text())
    with (out / "table2.csv").open(newline="") as file:
        rows = {row["net"]: row for row in csv.DictReader(file)}
    text = (out / "table2.txt").read_text()
    assert text in capsys.readouterr().out
    assert list(rows) == list(report["nets"]) == ["FCN-32s-fixed", "FCN-32s", "FCN-16s", "FCN-8s"]
    assert [line.split()[0] for line in text.splitlines()[3:]] == list(rows)
    examples = Folder(data, "val", classes=4)
    for net, title in zip(NETS.values(), rows, strict=True):
        expected = scores(score_split(label_images(models_once(nets[net]), examples)).matrices[""])
        for name in ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu"):
            assert float(rows[title][name]) == report["nets"][title][name] == pytest.approx(float(expected[name]))
    assert f"{100 * float(expected['mean_iu']):.1f}" in text.splitlines()[-1].split()
    assert (report["data"], report["split"], report["images"]) == (str(data), "val", 3)
    with Image.open(out / "figure4.png") as image:
        assert image.width > 2 * image.height  # five columns, one row


def test_the_fixed_net_may_be_missing_and_the_place_has_a_default(tmp_path, data, capsys, monkeypatch):
    def right(path, examples, chosen, progress):
        return {"": summary(np.eye(4, dtype=int), "abcd")}, {i: {"": examples[i]["label"]} for i in chosen}

    monkeypatch.setattr(figures, "_score", right)
    folder = workdir(tmp_path, dict.fromkeys(["fcn32s", "fcn16s", "fcn8s"]), "folder_fcn8s", data)
    assert main([str(folder), "--prefix", "toy", "--count", "9", "--json"]) == 0
    report = json.loads((folder / "toy_figures" / "table2.json").read_text())
    assert json.loads(capsys.readouterr().out) == {"output": str(folder / "toy_figures"), **report}
    assert list(report["nets"]) == ["FCN-32s", "FCN-16s", "FCN-8s"]


def test_each_head_has_its_own(nets, two_heads, tmp_path, capsys):
    folder = workdir(tmp_path, dict.fromkeys(["fcn32s", "fcn16s", "fcn8s"], nets["heads"]), two_heads)
    assert main([str(folder), "--output", str(tmp_path / "out"), "--json"]) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"{name}_{h}{x}" for h in ("sem", "geo") for name, x in FILES}
    report = json.loads((tmp_path / "out" / "table2_geo.json").read_text())
    assert np.shape(report["nets"]["FCN-8s"]["matrix"]) == (3, 3)
    assert json.loads(capsys.readouterr().out)["heads"]["geo"] == {"nets": report["nets"]}


FILES = (("figure4", ".png"), ("table2", ".txt"), ("table2", ".csv"), ("table2", ".json"))


def test_nets_that_are_not_there(tmp_path, data, capsys):
    assert "gone is not a folder. Name the --workdir of fcn-train." in error_of(capsys, tmp_path / "gone")
    assert "holds 0 stages whose names end in _fcn8s. Train one" in error_of(capsys, tmp_path)
    workdir(tmp_path, dict.fromkeys(["fcn32s", "fcn8s"]), "folder_fcn8s", data)
    message = error_of(capsys, tmp_path)
    assert f"toy_fcn16s/best.keras is missing. Train it: fcn-train toy_fcn8s --workdir {tmp_path}" in message
    workdir(tmp_path, {"fcn8s": None}, "folder_fcn8s", data, prefix="other")
    assert "holds 2 stages whose names end in _fcn8s. Choose one with --prefix: other, toy." in error_of(
        capsys, tmp_path
    )


def test_images_that_are_not_there(runs, tmp_path, capsys):
    out = ["--output", tmp_path / "out"]
    assert "The split holds no image '7'. It holds 3, such as 0, 1, 2." in error_of(capsys, runs, "--images", 7, *out)
    assert "--count is at least 1. Received: 0." in error_of(capsys, runs, "--count", 0, *out)
    assert "has no split 'test'" in error_of(capsys, runs, "--split", "test", *out)
    assert not (tmp_path / "out").exists()
