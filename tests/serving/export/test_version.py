"""Which versions appear, and what is refused before anything is written."""

import json
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.models import FCN32s
from serving.export import version
from serving.export.saved_model import contents
from tests.serving.nets import TINY


def export(*arguments, sizes=((24, 40),), **options):
    """Export, and compare at a small size."""
    return version.export(*arguments, sizes=sizes, **options)


ROW = {"height": 24, "width": 40, "head": "", "largest_score": 1.0, "largest_score_error": 0.01}


@pytest.fixture
def quick(monkeypatch):
    """Write something small instead of a SavedModel, 97 % of whose labels agree."""

    def write(folder, *_, precision, **__):
        (folder / "assets").mkdir(parents=True)
        facts = {"inputs": {}, "memory": 9, "max_pixels": 1, "extra_outputs": [], "warm_up_sizes": []}
        return {**facts, "precision": precision, "parity": [{**ROW, "label_agreement": 0.97}]}

    monkeypatch.setattr(contents, "write", write)


def test_versions_count_up_and_are_never_overwritten(net, quick, tmp_path):
    names = [export(net, tmp_path / "new" / "fcn", version=version).name for version in (None, None, 7, None, 3, None)]
    assert names == ["1", "2", "7", "8", "3", "9"]
    (tmp_path / "new" / "fcn" / "000000011").mkdir()
    with pytest.raises(FileExistsError, match=r"Version 11 is in .* already, and is never overwritten"):
        export(net, tmp_path / "new" / "fcn", version=11)
    with pytest.raises(FileExistsError, match="Version 7 is in"):
        export(net, tmp_path / "new" / "fcn", version=7)
    assert export(net, tmp_path / "new" / "fcn").name == "12"


def test_bfloat16_that_labels_otherwise_is_not_written(net, quick, tmp_path):
    with pytest.raises(
        ValueError, match=r"fcn gives labels of which 97\.00 % agree .* 98 % have to. Nothing was written"
    ):
        export(net, tmp_path / "fcn", precision="bf16")
    assert not list(tmp_path.glob("fcn/*"))
    folder = export(net, tmp_path / "fcn", precision="bf16", least_agreement=0.96)
    assert json.loads((folder / "model.json").read_text())["precision"] == "bf16"
    assert "made of, in float32. This SavedModel computes in bfloat16" in (folder / "README.md").read_text()


def test_a_version_taken_meanwhile_gives_the_next(net, quick, tmp_path, monkeypatch):
    rename = os.rename

    def raced(source, target):
        if target.name == "1":
            (target / "assets").mkdir(parents=True)
        rename(source, target)

    monkeypatch.setattr(os, "rename", raced)
    assert export(net, tmp_path).name == "2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]


def test_a_failure_leaves_nothing(net, tmp_path, monkeypatch):
    def fail(module, folder, signatures):
        os.makedirs(folder)
        names = os.listdir(tmp_path / "a" / "b")
        assert len(names) == 1
        assert not names[0].isdigit()
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        export(net, tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": 0}, "`version` is a positive whole number. Received: 0"),
        ({"version": "2"}, "`version` is a positive whole number. Received: '2'"),
        ({"version": True}, "`version` is a positive whole number. Received: True"),
        (
            {"extras": ["heat"]},
            r"`extras` are among \('color', 'counts', 'confidence', 'confidence_map'\). Received: 'heat'",
        ),
        ({"sizes": [(5, 0)]}, "`sizes` is a positive whole number. Received: 0"),
        ({"sizes": [(50, 50)], "max_pixels": 2499}, "`sizes` are at most `max_pixels` = 2499. Received: 50x50"),
        ({"classes": ["a", "b\nc", *"d" * 19]}, r"name of a class is one line of text. Received: 'b\\nc'"),
        ({"max_pixels": -5}, "`max_pixels` is a positive whole number. Received: -5"),
        ({"memory": 0.5}, r"`memory` is a positive whole number. Received: 0\.5"),
        (
            {"memory": 1, "sizes": [(500, 500)]},
            r"`sizes` are at most \d+ pixels, which the memory allows. Received: 500x",
        ),
        ({"scale": 1.5}, r"`scale` is a factor above 0 and up to 1, or the longer side, .* Received: 1\.5"),
        ({"precision": "int8"}, r"`precision` of a SavedModel is one of \('fp32', 'bf16'\). Received: 'int8'"),
        ({"classes": ["a"]}, "one name a class, 21. Received: 1"),
        ({"classes": {"sem": ["a"]}}, r"heads \[''\] of this model. Received: 'sem'"),
    ],
)
def test_wrong_arguments_are_named(net, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        export(net, tmp_path / "fcn", **options)
    assert not (tmp_path / "fcn").exists()


def test_wrong_models_and_broken_weights_are_named(tmp_path):
    with pytest.raises(ValueError, match="`model` is a network of fcn_keras"):
        export(keras.Sequential(), tmp_path / "fcn")
    net = FCN32s(2, channels=TINY)
    net.get_layer("conv2_1").bias.assign([np.nan, 0, 0, 0])
    with pytest.raises(ValueError, match=r"NaN or infinity in layer conv2_1 of fcn32s\."):
        export(net, tmp_path / "fcn")
    assert not (tmp_path / "fcn").exists()
