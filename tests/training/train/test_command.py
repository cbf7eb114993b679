"""`fcn-train`, the real command: staged training, continuing, and every refusal."""

import contextlib
import csv
import io
import json
import shutil
import sys
from functools import partial

import keras
import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.synthetic import Synthetic
from fcn_keras.models import FCN32s
from fcn_keras.optimizers import CaffeSGD
from fcn_keras.photographs import Photographs
from fcn_keras.scaled_inference import photographs_of
from fcn_keras_console import Interrupted
from training.recipes import catalogue as recipes
from training.train import callbacks
from training.train import command as train
from training.workdir.checkpoint import save_model

pytestmark = pytest.mark.usefixtures("eagerly")  # but for `trained`
TINY = (((4, 1), (6, 1), (8, 1), (8, 1), (8, 1)), 8)


@pytest.fixture(autouse=True)
def small_recipes(monkeypatch):
    use_small_recipes(monkeypatch)


def use_small_recipes(patch):
    """The synthetic recipes with a tiny net on tiny scenes: the same code, seconds instead of minutes."""

    def scenes(directory, split):
        if directory is not None:
            return recipes.synthetic(directory, split)
        return Synthetic(6, seed={"train": 1, "val": 2}[split], height=32, width=40)

    for name in ("synthetic_fcn32s", "synthetic_fcn16s"):
        recipe = recipes.RECIPES[name]
        options = {"channels": TINY, "fc6_kernel": 1, "dropout": 0.5}
        small = recipes.replace(recipe, data=scenes, model_options=options, steps=4, steps_per_epoch=2, batch_size=2)
        patch.setitem(recipes.RECIPES, name, small)


def run(*arguments):
    return train.main([*map(str, arguments), "--quiet", "--no-watchdog"])


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def weights(path):
    return keras.saving.load_model(path).get_weights()


@pytest.fixture(scope="module")
def trained(eagerly, tmp_path_factory):
    """Two stages trained as users do: their workdir, what was said, and the weights that each `fit` began with."""
    import tensorflow as tf

    seen, said, fit = {}, io.StringIO(), keras.Model.fit

    def spy(model, *arguments, **options):
        seen[model.name] = {layer.name: layer.get_weights() for layer in model.layers}
        return fit(model, *arguments, **options)

    workdir = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        use_small_recipes(patch)
        patch.setattr(keras.Model, "fit", spy)
        tf.config.run_functions_eagerly(False)
        try:
            assert run("synthetic_fcn16s", "--workdir", workdir) == 0
        finally:
            tf.config.run_functions_eagerly(True)
    return workdir, said.getvalue(), seen


@pytest.fixture
def workdir(trained, tmp_path):
    """A copy of what was trained."""
    return shutil.copytree(trained[0], tmp_path / "trained")


def test_stages_train_in_order_and_leave_everything(trained, workdir, capsys):
    for name in ("synthetic_fcn32s", "synthetic_fcn16s"):
        stage = workdir / name
        assert [row["epoch"] for row in rows(stage / "log.csv")] == ["0", "1"]
        assert (stage / "classes.txt").read_text().splitlines()[0] == "sky"
        settings = json.loads((stage / "recipe.json").read_text())
        assert settings["decisions"]["recipe"] == name
        assert settings["versions"]["keras"] == keras.__version__
        summary = json.loads((stage / "summary.json").read_text())
        assert summary["best"]["val_mean_iu"] == max(float(r["val_confusion_mean_iu"]) for r in rows(stage / "log.csv"))
        assert list((stage / "tensorboard").rglob("events*"))
        assert not list(stage.glob(".*"))  # nothing half-written
        known = photographs_of(keras.saving.load_model(stage / "best.keras"))
        assert known == Photographs((32, 40), (32, 40), (32, 40))
    said = trained[1]
    assert said.index("synthetic_fcn32s: mean IU") < said.index("synthetic_fcn16s: mean IU")
    assert run("synthetic_fcn16s", "--workdir", workdir) == 0
    assert capsys.readouterr().out.count("finished before") == 2


def test_the_finer_net_starts_from_the_coarser_ones_best(trained):
    workdir, _, seen = trained
    coarse = keras.saving.load_model(workdir / "synthetic_fcn32s" / "best.keras")
    for name in ("conv1_1", "fc6", "fc7", "score_fr"):
        for ours, theirs in zip(seen["fcn16s"][name], coarse.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert not np.any(seen["fcn16s"]["score_pool4"][0])


def test_a_stopped_run_trains_what_no_checkpoint_has_and_tells_its_epochs_from_there(tmp_path, monkeypatch, capsys):
    """First with a log row without its checkpoint, which is trained again; then after the checkpoint."""
    end, log = callbacks.Checkpoint.on_epoch_end, tmp_path / "synthetic_fcn32s" / "log.csv"

    def stop(self, epoch, logs=None):
        raise KeyboardInterrupt

    def stop_after_the_first(self, epoch, logs=None):
        end(self, epoch, logs)
        raise KeyboardInterrupt

    command = ["synthetic_fcn32s", "--workdir", str(tmp_path), "--no-watchdog"]
    for stopping in (stop, stop_after_the_first):
        with monkeypatch.context() as patch:
            patch.setattr(callbacks.Checkpoint, "on_epoch_end", stopping)
            assert train.main(command) == 130
        assert [row["epoch"] for row in rows(log)] == ["0"]
        assert "epoch 1" not in capsys.readouterr().out  # an epoch is told when its checkpoint is written
    assert train.main([*command, "--json"]) == 0
    assert [row["epoch"] for row in rows(log)] == ["0", "1"]
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in told] == ["going on", "epoch", "finished"]
    assert told[1]["epoch"] == 1
    assert told[1]["seconds_left"] == 0


def test_every_field_of_a_recipe_reaches_the_run(tmp_path, monkeypatch):
    recipe = recipes.replace(
        recipes.RECIPES["synthetic_fcn32s"],
        steps=2,
        frozen=("conv", "fc6"),
        class_weights=(1.0,) * 8,
        reduction="sum",
        replacement=True,
        buckets=((32, 40), (64, 64)),
        optimizer=partial(CaffeSGD, momentum=0.99),
        learning_rate=1e-6,
        final_learning_rate=1.0,
        dtype_policy="mixed_bfloat16",
    )
    monkeypatch.setitem(recipes.RECIPES, recipe.name, recipe)
    assert run(recipe.name, "--workdir", tmp_path) == 0
    model = keras.saving.load_model(tmp_path / recipe.name / "last.keras")
    assert {layer.name for layer in model.layers if layer.weights and layer.trainable} == {"fc7", "score_fr"}
    assert (model.optimizer.momentum, model.loss.reduction) == (0.99, "sum")
    assert model.loss.class_weights == [1.0] * 8
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-6)
    assert model.get_layer("fc7").compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"  # restored


def folder(root, values=(0, 1), count=2):
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (root / split / kind).mkdir(parents=True)
        for i in range(count):
            size = (33 + i, 40)
            Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(root / split / "images" / f"{i}.jpg")
            label = rng.choice(np.array(values, np.uint8), size)
            Image.fromarray(label).save(root / split / "labels" / f"{i}.png")
    return root


@pytest.fixture
def small_folder_recipe(monkeypatch):
    recipe = recipes.RECIPES["folder_fcn32s"]
    small = recipes.replace(recipe, imagenet=False, model_options={"channels": TINY, "fc6_kernel": 1})
    monkeypatch.setitem(recipes.RECIPES, "folder_fcn32s", small)


def test_ones_own_folder(tmp_path, small_folder_recipe):
    data = folder(tmp_path / "data")
    (data / "classes.txt").write_text("ground\nthing\n")
    assert run("folder_fcn32s", "--data", data, "--workdir", tmp_path / "w", "--steps", 2) == 0
    stage = tmp_path / "w" / "folder_fcn32s"
    assert (stage / "classes.txt").read_text() == "ground\nthing\n"
    assert keras.saving.load_model(stage / "best.keras").output.shape[-1] == 2


def test_classes_and_void_from_the_command_line(tmp_path, small_folder_recipe):
    data = folder(tmp_path / "data", values=(0, 1, 2, 9))
    options = ("--data", data, "--workdir", tmp_path / "w", "--steps", 1, "--classes", 3, "--ignore-label", 9)
    assert run("folder_fcn32s", *options) == 0


def refuse(capsys, *arguments, lines=1):
    """Run, expect exit code 2 and so many lines on stderr, and return them."""
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == lines
    assert captured.err.startswith("fcn-train: ")
    assert "Traceback" not in captured.err + captured.out
    return captured.err


def test_without_tensorboard_the_command_is_named_before_anything_begins(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert run("synthetic_fcn32s", "--workdir", tmp_path / "runs") == 2
    message = 'fcn-train: TensorBoard, which takes the curves, is missing: pip install "tensorboard>=2.20,<3"\n'
    assert capsys.readouterr().err == message
    assert not (tmp_path / "runs").exists()


def test_unknown_recipe(tmp_path, capsys):
    assert "No recipe is called 'fcn9s'" in refuse(capsys, "fcn9s", "--workdir", tmp_path)
    assert not list(tmp_path.iterdir())


def test_data_missing(tmp_path, capsys):
    workdir = tmp_path / "w"
    assert "--data DIR" in refuse(capsys, "camvid_fcn32s", "--workdir", workdir)
    assert "is not a folder" in refuse(capsys, "camvid_fcn32s", "--workdir", workdir, "--data", tmp_path / "none")
    assert "Leave --data out" in refuse(capsys, "synthetic_fcn32s", "--workdir", workdir, "--data", tmp_path)
    assert not workdir.exists()


def test_label_out_of_range_is_found_before_training(tmp_path, capsys, small_folder_recipe):
    data = folder(tmp_path / "data", values=(0, 1, 5))
    message = refuse(capsys, "folder_fcn32s", "--data", data, "--workdir", tmp_path / "w", "--classes", 2)
    assert "0.png" in message
    assert "5" in message
    assert not (tmp_path / "w").exists()


def test_wrong_weights_leave_nothing(tmp_path, capsys, monkeypatch):
    recipe = recipes.replace(recipes.RECIPES["synthetic_fcn32s"], imagenet=True)
    monkeypatch.setitem(recipes.RECIPES, recipe.name, recipe)
    (tmp_path / "vgg.npz").write_bytes(b"PK and nothing more")
    workdir = tmp_path / "w"
    message = refuse(capsys, recipe.name, "--workdir", workdir, "--weights", tmp_path / "vgg.npz")
    assert "vgg.npz" in message
    assert not workdir.exists()
    assert "gone.npz" in refuse(capsys, recipe.name, "--workdir", workdir, "--weights", tmp_path / "gone.npz")


def test_another_run_in_the_workdir(workdir, capsys):
    message = refuse(capsys, "synthetic_fcn32s", "--workdir", workdir, "--seed", 5, lines=3)
    assert "seed: 1337 there, 5 now" in message
    assert "--workdir" in message


def test_a_broken_checkpoint(workdir, capsys):
    stage = workdir / "synthetic_fcn32s"
    (stage / "summary.json").unlink()
    for name in ("last.keras", "previous.keras"):
        (stage / name).write_bytes((stage / name).read_bytes()[:1000])
    assert "last.keras is damaged or cut off" in refuse(capsys, "synthetic_fcn32s", "--workdir", workdir)


def test_a_checkpoint_with_weights_that_are_no_numbers(tmp_path):
    model = FCN32s(3, channels=TINY)
    model.get_layer("fc7").bias.assign([np.nan] * 8)
    save_model(model, tmp_path / "last.keras")
    with pytest.raises(ValueError, match=r"last\.keras cannot be read \(.*NaN or infinity in layer fc7 of .*Remove it"):
        train._load(tmp_path / "last.keras")


def test_options_out_of_range(tmp_path, capsys):
    assert "--steps is at least 1" in refuse(capsys, "synthetic_fcn32s", "--workdir", tmp_path, "--steps", 0)
    assert "--learning-rate is above 0" in refuse(
        capsys, "synthetic_fcn32s", "--workdir", tmp_path, "--learning-rate", 0
    )
    message = refuse(capsys, "synthetic_fcn32s", "--workdir", tmp_path, "--steps", 3, "--steps-per-epoch", 2)
    assert "multiple of `steps_per_epoch`" in message
    message = refuse(capsys, "synthetic_fcn32s", "--workdir", tmp_path, "--dtype-policy", "half")
    assert "--dtype-policy is one of float32, mixed_bfloat16, mixed_float16" in message
    assert "leave out --classes" in refuse(capsys, "synthetic_fcn32s", "--workdir", tmp_path, "--classes", 3)


def test_the_workdir_is_a_file(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert "file" in refuse(capsys, "synthetic_fcn32s", "--workdir", tmp_path / "file")


def test_a_run_that_is_stopped_ends_with_the_command_that_goes_on(monkeypatch, capsys):
    def stopped(signals, arguments):
        raise Interrupted("stopped by SIGINT", 130)

    monkeypatch.setattr(train, "_train", stopped)
    given = ["--data", "my photos", "--minutes", "3"]
    assert train.main(given) == 130
    assert capsys.readouterr().err == "fcn-train: stopped by SIGINT\nnext: fcn-train --data 'my photos' --minutes 3\n"
    assert train.main([*given, "--quiet"]) == 130
    assert capsys.readouterr().err == "fcn-train: stopped by SIGINT\n"
