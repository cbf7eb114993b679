"""Every benchmark, run tiny; and the parts of it that compute something."""

import json

import class_balance
import dense_prediction
import fidelity
import keras
import numpy as np
import patch_sampling
import pytest
from fcn_keras_training.recipes import catalogue as recipes

from fcn_keras.datasets.synthetic import Synthetic
from fcn_keras.models import FCN8s, FCN16s, FCN32s

TINY = (((4, 1), (6, 1), (8, 1), (8, 1), (8, 1)), 8)


@pytest.fixture(autouse=True)
def small_recipe(monkeypatch):
    """The synthetic recipe with a tiny net on tiny scenes."""

    def scenes(directory, split):
        return Synthetic(6, seed={"train": 1, "val": 2}[split], height=64, width=72)

    recipe = recipes.RECIPES["synthetic_fcn32s"]
    options = {"channels": TINY, "dropout": 0}
    small = recipes.replace(recipe, data=scenes, model_options=options, optimizer=keras.optimizers.SGD, batch_size=2)
    monkeypatch.setitem(recipes.RECIPES, "synthetic_fcn32s", small)


def result(module, folder, *arguments):
    """Run a benchmark, and return its JSON; see that the table and the picture are there."""
    assert module.main(["--output", str(folder), *map(str, arguments)]) == 0
    name = module.__name__
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}.json", f"{name}.png", f"{name}.txt"]
    assert (folder / f"{name}.png").stat().st_size > 5000
    report = json.loads((folder / f"{name}.json").read_text())
    assert report["versions"]["keras"] == keras.__version__
    return report


def error_of(capsys, module, folder, *arguments):
    assert module.main(["--output", str(folder), *map(str, arguments)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"{module.__name__}: ")
    assert err.count("\n") == 1
    return err


def test_patch_sampling(tmp_path, capsys):
    report = result(patch_sampling, tmp_path, "--images", 1, "--iterations", 3)
    assert {keep: run["images_per_step"] for keep, run in report["runs"].items()} == {"1": 1, "0.5": 2, "0.25": 4}
    curves = [run["loss"] for run in report["runs"].values()]
    assert [len(curve) for curve in curves] == [3, 3, 3]
    # The whole loss of a net whose scores start at zero is ln 8 at every pixel, whatever is sampled.
    assert [curve[0] for curve in curves] == pytest.approx([np.log(8)] * 3, abs=1e-4)
    assert len({curve[2] for curve in curves}) == 3
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith(("100% ", "50% ", "25% "))]
    assert [row[:2] for row in rows[-3:]] == [["100%", "1"], ["50%", "2"], ["25%", "4"]]
    # After 3 images: 3, 1 and 0 (then 1) steps.
    assert rows[-2][3] == f"{curves[1][0]:.3f}"
    assert "--images is at least 1. Received: 0." in error_of(capsys, patch_sampling, tmp_path, "--images", 0)


def test_a_curve_is_a_running_mean(monkeypatch):
    monkeypatch.setattr(patch_sampling, "WINDOW", 3)
    np.testing.assert_allclose(patch_sampling.smooth([3, 6, 9, 0, 3]), [3, 4.5, 6, 5, 4])


def test_class_balance(tmp_path, capsys):
    report = result(class_balance, tmp_path, "--steps", 2, "--seeds", 4)
    assert [len(runs) for runs in report["runs"].values()] == [1, 1]
    equal, balanced = (runs[0]["matrix"] for runs in report["runs"].values())
    assert np.sum(equal) == np.sum(balanced)  # the same pixels, scored otherwise
    assert equal != balanced
    assert sum(report["shares"].values()) == pytest.approx(1, abs=1e-3)
    assert "accuracy equal" in capsys.readouterr().out


class Labels(list):
    """Two label maps of four classes, of which the last never occurs."""

    num_classes = 4

    def __getitem__(self, index):
        return {"label": np.array(super().__getitem__(index), np.uint8)}


def test_median_frequency_balancing_by_hand():
    # Class 0 has 5 of the 8 pixels of the images that hold it, 1 has 2 of 4, 2 has 1 of 4; the median is 1/2.
    weights, shares = class_balance.balance(Labels([[[0, 0, 1, 1]], [[0, 0, 0, 2]]]))
    assert weights == pytest.approx([0.5 / 0.625, 1, 2, 0])
    assert shares == [0.625, 0.25, 0.125, 0]
    # Void is a part of an image, and no class's.
    weights, shares = class_balance.balance(Labels([[[0, 1, 1, 255]], [[0, 0, 0, 2]]]))
    assert weights == pytest.approx([1, 1, 2, 0])
    assert shares == pytest.approx([4 / 7, 2 / 7, 1 / 7, 0])


def test_dense_prediction(tmp_path, capsys):
    model = FCN32s(8, channels=TINY)
    generator = np.random.default_rng(0)
    for variable in model.trainable_variables:
        if "score" in variable.path:
            variable.assign(generator.normal(0, 0.3, variable.shape))
    model.save(tmp_path / "net.keras")
    options = ["--model", tmp_path / "net.keras", "--recipe", "synthetic_fcn32s", "--images", 1]
    report = result(dense_prediction, tmp_path / "out", *options)
    assert report["stitched_minus_coarse"] < 1e-5
    assert report["interpolated_minus_upsampled"] < 1e-5
    assert report["cost_ratio"] > 20
    assert 0 < report["argmax_agreement_elsewhere"] < 1
    assert report["size"] == [64, 72]
    assert "There is no recipe.json beside" in error_of(capsys, dense_prediction, tmp_path, *options[:2])


@pytest.mark.parametrize("build", [FCN16s, FCN8s])
def test_dense_prediction_needs_stride_32(tmp_path, capsys, build):
    build(8, channels=TINY).save(tmp_path / "net.keras")
    options = ["--model", tmp_path / "net.keras", "--recipe", "synthetic_fcn32s"]
    assert "has no layer `upscore`. Name an FCN-32s" in error_of(capsys, dense_prediction, tmp_path, *options)


def test_an_interpolated_lattice():
    # Between points 0 and 32 of one axis: 0.5, 1.5, ... 31.5.
    points = np.array([[[0.0], [32.0]], [[64.0], [96.0]]], "float32")
    found = dense_prediction._interpolated(points)
    assert found.shape == (32, 32, 1)
    np.testing.assert_allclose(found[0, :, 0], 1 + np.arange(32) + 0.5, atol=1e-4)
    np.testing.assert_allclose(found[:, 0, 0], 2 * (np.arange(32) + 0.5) + 0.5, atol=1e-4)


def test_fidelity_measures_what_the_parity_tests_bound():
    difference, same = fidelity.compare("voc-fcn32s")
    assert 0 < difference <= 1e-5
    assert same == 1
    losses, weights = fidelity.compare_training()
    assert 0 < losses <= 1e-3
    assert 0 < weights <= 1e-2
