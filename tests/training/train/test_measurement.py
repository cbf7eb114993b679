"""What is measured is what will run, told by pixel; half precision is taken where it is worth its digits."""

import math
import time
from dataclasses import asdict, replace

import keras
import pytest

from training.features.views import Views
from training.recipes import catalogue
from training.train import measurement
from training.train.measurement import POLICIES, measure, worth

TINY = ((4, 1), (4, 1), (6, 1), (6, 1), (8, 1)), 8


def stages():
    options = {"channels": TINY, "fc6_kernel": 3, "skip_channels": (4, 3)}
    return [replace(r, model_options=options, batch_size=2) for r in catalogue.chain("quick_fcn8s")]


def test_costs_of_a_tiny_network(monkeypatch):
    """A machine whose disk takes 50 ms a view is as slow as that, and nothing of the measurement stays."""
    write = Views._write
    folders = set()

    def slow(self, *arguments):
        time.sleep(0.05)
        folders.add(self.folder)
        write(self, *arguments)

    monkeypatch.setattr(Views, "_write", slow)
    begin = time.perf_counter()
    policy, ratio, costs, took = measure(stages(), 3, (40, 50))
    assert policy in POLICIES
    assert all(value > 0 and math.isfinite(value) for value in (ratio, took, *asdict(costs).values()))
    assert took == pytest.approx(time.perf_counter() - begin, abs=0.5)
    assert 0.05 <= costs.maps * 40 * 50 < 0.5
    assert costs.head * 2 * 40 * 50 < 5
    assert len(folders) == 2
    assert not any(folder.exists() for folder in folders)
    assert keras.config.dtype_policy().name == "float32"


def test_two_backbones_are_measured_together(monkeypatch):
    """Their frozen layers are one model, whose maps are computed and kept together."""
    options = {"channels": TINY, "fc6_kernel": 3, "skip_channels": (4, 3), "skips": 2}
    recipes = [replace(r, model_options=options, batch_size=2) for r in catalogue.chain("quick_fcn8s_rgb_hha")]
    written = []
    monkeypatch.setattr(
        Views,
        "_write",
        lambda self, number, maps, *rest, w=Views._write: written.append(set(maps)) or w(self, number, maps, *rest),
    )
    policy, ratio, costs, took = measure(recipes, 3, (40, 50))
    assert policy in POLICIES
    assert all(value > 0 and math.isfinite(value) for value in (ratio, took, *asdict(costs).values()))
    assert written
    assert all(names == set(recipes[0].kept_maps) for names in written)


def test_large_images_are_measured_in_part(monkeypatch):
    asked = []
    monkeypatch.setattr(measurement, "_forward", lambda *a: asked.append(a[2:4]) or {"float32": 1.0, POLICIES[1]: 2.0})
    monkeypatch.setattr(measurement, "_stage", lambda *a: (1.0, 2.0, 3.0, 4.0))
    assert measure(stages(), 2, (5000, 20))[0] == "float32"
    assert asked == [(512, 32)]


@pytest.mark.parametrize(("half", "policy"), [(0.79, "mixed_bfloat16"), (0.81, "float32"), (1.5, "float32")])
def test_half_precision_has_to_be_a_fifth_faster(half, policy):
    assert worth({"float32": 1.0, "mixed_bfloat16": half}) == policy


def test_what_is_decided_is_not_compared_and_what_is_measured_is_told(monkeypatch):
    told, steps = [], []
    monkeypatch.setattr(measurement, "_forward", None)

    def stage(recipe, examples, folder, clock, count, parts):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        steps.append(count)
        for what in ("maps", "step", "scores"):
            parts.begin(f"{what} of {recipe.name}")
        return 1.0, 2.0, 3.0, 4.0

    monkeypatch.setattr(measurement, "_stage", stage)
    options = {"brief": True, "policy": "mixed_bfloat16", "progress": lambda *call: told.append(call)}
    policy, ratio, *_ = measure(stages(), 2, (50, 20), **options)
    assert (policy, ratio, steps) == ("mixed_bfloat16", None, [measurement.FEW_STEPS] * 2)
    assert told[0] == ("maps of quick_fcn8s_head", 0, 6)
    assert told[-2:] == [("scores of quick_fcn8s", 5, 6), ("this machine", 6, 6)]
