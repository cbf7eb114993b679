"""Calibration of a split: what is fitted to what, and what is said of it."""

import numpy as np
import pytest

from fcn_keras.calibration import CalibrationScores, fit_temperature
from tests.fcn_keras.test_calibration import VOID, drawn
from training.scoring import calibration as module
from training.scoring.calibration import SplitCalibration, diagram, sentences

NAMES = ("sky", "road", "car", "tree")


def of(images, **options):
    found = SplitCalibration(4, len(images), **options)
    for scores, truth in images:
        found.add(scores, truth)
    return found.summary(NAMES)


def test_halves_are_scored_at_each_others_temperature():
    images = [drawn(seed, (40, 50), sharpness=2.0) for seed in range(4)]
    images[1][1][:5] = VOID
    summary, fitted = of(images), of(images)["fitted"]
    assert summary["temperature"] == 1
    assert fitted["temperature"] == pytest.approx(2, rel=0.1)
    assert fitted["held_out"] is True
    flat = [(scores[truth != VOID], truth[truth != VOID]) for scores, truth in images]
    halves = [[np.concatenate(x) for x in zip(*flat[first::2], strict=True)] for first in (0, 1)]
    expected = 0
    for mine, other in (halves, halves[::-1]):
        scores = CalibrationScores(4, temperature=fit_temperature(*other))
        scores.update(*mine)
        expected += scores.result()["ece"] * len(mine[1])
    assert fitted["ece"] == pytest.approx(expected / fitted["pixels"], rel=1e-4)
    assert fitted["ece"] < summary["ece"] / 2
    assert fitted["nll"] < summary["nll"]
    text = sentences(summary)
    assert text.startswith("Calibration: confidence ")
    assert ", surer than it is right;\n" in text
    assert "on halves of them, each at the temperature that the other was fitted to." in text


def test_one_image_is_scored_on_itself_and_that_is_said():
    summary = of([drawn(0, (20, 30))])
    assert summary["fitted"]["held_out"] is False
    assert "on the image that it was fitted to itself" in sentences(summary)


def test_a_given_temperature_is_not_fitted_again():
    summary = of([drawn(0, (20, 30))], temperature=2.0)
    assert summary["temperature"] == 2
    assert "fitted" not in summary
    assert "at temperature 2: " in sentences(summary)
    assert "If the temperature was fitted to these images, the figures are too good." in sentences(summary)


def test_a_few_pixels_of_every_image_are_kept(monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 400)
    images = [drawn(seed, (40, 50)) for seed in range(4)]
    summary = of(images)
    assert summary["fitted"]["pixels"] == 400
    assert summary["pixels"] == 8000


def test_classes_void_and_the_picture():
    summary = of([drawn(0, (20, 30))], by_class=True)
    assert set(summary["per_class_ece"]) == set(NAMES)
    assert "road  " in sentences(summary)
    assert len(diagram(summary).axes) == 2
    void = of([(np.zeros((2, 3, 4), np.float32), np.full((2, 3), VOID))])
    assert "fitted" not in void
    assert void["ece"] is None
