"""`fcn-train --data`: in minutes on a processor, by steps otherwise; a run goes on as it was planned."""

import json
from dataclasses import replace

import pytest

from fcn_keras_console.words import percent
from tests.training.train.test_measurement import TINY
from training.features.views import Views
from training.recipes import catalogue
from training.train import budget, devices, measurement
from training.train import command as train
from training.train.budget import Costs

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture
def photos(tmp_path):
    from PIL import Image

    from fcn_keras.datasets.synthetic import SEM, Synthetic

    for i, scene in enumerate(Synthetic(6, seed=1, height=40, width=50)):
        for name, pixels in (("images", scene["image"]), ("labels", scene["label"])):
            (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.png")
    (tmp_path / "photos" / "classes.txt").write_text("\n".join(SEM) + "\n")
    return tmp_path / "photos"


@pytest.fixture
def calls(monkeypatch):
    """Tiny networks, and costs in the place of a measurement; returns how often was measured."""
    options = {"channels": TINY, "fc6_kernel": 3, "skip_channels": (4, 3)}
    for name in ("quick_fcn8s_head", "quick_fcn8s", "quick_fcn8s_rgb_hha_head", "quick_fcn8s_rgb_hha"):
        own = {"skips": 2} if "hha" in name else {}
        recipe = replace(catalogue.RECIPES[name], model_options=options | own, imagenet=False)
        monkeypatch.setitem(catalogue.RECIPES, name, recipe)
    measured = []

    def measure(stages, num_classes, size, *, policy, **_):
        assert policy == "float32"  # of a minute, and on a machine without anything for another one
        measured.append((len(stages), stages[0].batch_size, num_classes, size))
        return "float32", 1.0, Costs(maps=5e-4, head=1.0, thawed=1.0, scored=1e-5, start=5), 0.0

    monkeypatch.setattr(measurement, "measure", measure)
    for name, smallest in (("FEWEST", 1), ("DRAWS", 1), ("EPOCHS", ((2, 2),))):
        monkeypatch.setattr(budget, name, smallest)
    return measured


def run(*arguments):
    return train.main(["--no-watchdog", *map(str, arguments)])


def test_a_run_in_minutes_and_how_it_goes_on(photos, tmp_path, calls, capsys):
    arguments = ("--data", photos, "--workdir", tmp_path / "runs", "--minutes", 1, "--json")
    assert run(*arguments) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["event"] for e in events[:2]] == ["measuring", "plan"]
    assert events[1]["recipe"] == "quick_fcn8s"
    assert [e["stage"] for e in events if e["event"] == "finished"] == ["quick_fcn8s_head", "quick_fcn8s"]
    settings = json.loads((tmp_path / "runs" / "quick_fcn8s_head" / "recipe.json").read_text())
    assert settings["plan"]["minutes"].startswith("1 is too little for ")
    assert settings["decisions"]["overrides"]["minutes"] == 1
    assert calls == [(2, 5, 8, (40, 50))]
    # The last stage anew, by the plan that was made: nothing is measured again.
    (tmp_path / "runs" / "quick_fcn8s" / "summary.json").unlink()
    assert run("--data", photos, "--workdir", tmp_path / "runs") == 0
    assert len(calls) == 1
    captured = capsys.readouterr().out
    assert "quick_fcn8s_head: finished before" in captured
    assert "quick_fcn8s: going on after batch" in captured
    assert run("--data", photos, "--workdir", tmp_path / "runs", "--minutes", 2) == 2
    assert "minutes" in capsys.readouterr().err


def test_a_run_that_is_stopped_amid_its_maps_goes_on_by_its_plan(photos, tmp_path, calls, monkeypatch):
    arguments = ("--data", photos, "--workdir", tmp_path / "runs", "--minutes", 1, "--quiet")
    write, written = Views._write, []

    def stopping(self, number, *rest):
        written.append((self.folder.name, number))
        if len(written) == 6:
            raise KeyboardInterrupt
        write(self, number, *rest)

    monkeypatch.setattr(Views, "_write", stopping)
    settings = tmp_path / "runs" / "quick_fcn8s_head" / "recipe.json"
    assert run(*arguments) == 130
    before = json.loads(settings.read_text())
    assert run(*arguments) == 0
    assert len(calls) == 1  # measured once
    assert written[6] == ("train", 4)  # the views that were whole are not computed again
    after = json.loads(settings.read_text())
    assert (after["plan"], after["decisions"]) == (before["plan"], before["decisions"])


def test_the_better_of_the_two_stages_is_kept(photos, tmp_path, calls, monkeypatch, capsys):
    """The last block learns at a rate that ruins the network: the user gets the head's."""
    ruined = replace(catalogue.RECIPES["quick_fcn8s"], learning_rate=1.0, final_learning_rate=1.0)
    monkeypatch.setitem(catalogue.RECIPES, "quick_fcn8s", ruined)
    workdir = tmp_path / "runs"
    head, last = workdir / "quick_fcn8s_head", workdir / "quick_fcn8s"
    assert run("--data", photos, "--workdir", workdir, "--minutes", 1, "--quiet") == 0
    reached = json.loads((head / "summary.json").read_text())["best"]
    summary = json.loads((last / "summary.json").read_text())
    assert (summary["best"], summary["kept"]) == (reached, "quick_fcn8s_head")
    assert (last / "best.keras").read_bytes() == (head / "best.keras").read_bytes()
    said = capsys.readouterr().out
    assert f"quick_fcn8s: to beat: mean IU {percent(reached['val_mean_iu'])} % of quick_fcn8s_head" in said
    assert f"does not beat {percent(reached['val_mean_iu'])} % of quick_fcn8s_head, whose model is kept, {last}" in said
    # Both were scored on the same images.
    decided = [json.loads((stage / "recipe.json").read_text())["decisions"]["settings"] for stage in (head, last)]
    assert decided[0]["validation_images"] == decided[1]["validation_images"]
    assert decided[0]["data"] == decided[1]["data"]


@pytest.fixture
def photos_with_hha(photos):
    from PIL import Image

    from fcn_keras.datasets.synthetic import Synthetic

    (photos / "hha").mkdir()
    for i, scene in enumerate(Synthetic(6, seed=1, height=40, width=50)):
        Image.fromarray(scene["hha"]).save(photos / "hha" / f"{i}.png")
    return photos


def test_a_folder_with_hha_in_minutes(photos_with_hha, tmp_path, calls, capsys):
    """Both backbones take part, and the evaluation of the result reads the HHA images again."""
    from training.evaluate.command import main as evaluate

    workdir = tmp_path / "runs"
    assert run("--data", photos_with_hha, "--workdir", workdir, "--minutes", 1, "--quiet") == 0
    assert "depth" in capsys.readouterr().out
    last = workdir / "quick_fcn8s_rgb_hha"
    summary = json.loads((last / "summary.json").read_text())
    assert evaluate([str(last), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)
    assert scored["mean_iu"] == pytest.approx(summary["best"]["val_mean_iu"], abs=0.02)


def test_hha_images_are_looked_at_before_anything_is_planned(photos_with_hha, tmp_path, calls, capsys):
    (photos_with_hha / "hha" / "3.png").write_bytes(b"no picture")
    assert run("--data", photos_with_hha, "--workdir", tmp_path / "runs", "--minutes", 1) == 2
    assert "3.png" in capsys.readouterr().err
    (photos_with_hha / "hha" / "3.png").unlink()
    assert run("--data", photos_with_hha, "--workdir", tmp_path / "runs", "--minutes", 1) == 2
    assert "1 of 6 images have no HHA image of the same name" in capsys.readouterr().err
    assert calls == []
    assert not (tmp_path / "runs").exists()


def test_by_steps_hha_images_are_left_out_and_that_is_said(photos_with_hha, tmp_path, calls, capsys, monkeypatch):
    monkeypatch.setattr("training.train.fit.fit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    arguments = ("--data", photos_with_hha, "--workdir", tmp_path / "runs", "--width", 0.05, "--model", "fcn32s")
    assert run(*arguments) == 130
    assert f"the HHA images of {photos_with_hha} are left out: --minutes trains on them" in capsys.readouterr().out


def test_steps_are_planned_as_before(photos, tmp_path, calls, capsys, monkeypatch):
    monkeypatch.setattr("training.train.fit.fit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    workdir = tmp_path / "runs"
    assert run("--data", photos, "--workdir", workdir, "--width", 0.05, "--steps", 8, "--model", "fcn32s") == 130
    assert "folder_fcn32s: 8 steps, starting from random weights" in capsys.readouterr().out
    assert calls == []


def test_what_does_not_go_together(photos, tmp_path, calls, capsys):
    workdir = ("--workdir", tmp_path / "runs")
    assert run("--data", photos, *workdir, "--minutes", 3, "--steps", 8) == 2
    assert "--minutes decides --steps: leave one of the two out" in capsys.readouterr().err
    assert run("synthetic_fcn8s", *workdir, "--minutes", 3) == 2
    assert "--minutes goes without a recipe" in capsys.readouterr().err
    for minutes in ("0", "inf"):
        assert run("--data", photos, *workdir, "--minutes", minutes) == 2
        assert f"--minutes is above 0, at most 10000. Received: {minutes}." in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_this_machine_has_a_processor(monkeypatch):
    assert devices.is_processor() is True
    monkeypatch.setattr(devices, "_local_devices", lambda backend: ["GPU:0"])
    assert devices.is_processor() is False
