"""The benchmark of intervals on label files that it is known of."""

import json

import interval_coverage
import numpy as np

from tests.training.tiny import write


def test_intervals_of_many_images_hold_the_truth(tmp_path, monkeypatch):
    monkeypatch.setattr(interval_coverage, "SIZES", (5, 60))
    generator = np.random.default_rng(0)
    for number in range(40):
        truth = generator.integers(0, 2, (6, 8)).astype(np.uint8)
        wrong = generator.random(truth.shape) < generator.uniform(0, 0.6)
        write(tmp_path / "truth" / f"{number}.png", truth)
        write(tmp_path / "labels" / f"{number}.png", np.where(wrong, 1 - truth, truth).astype(np.uint8))
    folders = [str(tmp_path / "labels"), str(tmp_path / "truth")]
    options = ["--classes", "2", "--splits", "60", "--output", str(tmp_path / "out")]
    assert interval_coverage.main([*folders, *options]) == 0
    found = json.loads((tmp_path / "out" / "interval_coverage.json").read_text())
    few, many = found["rows"]
    assert found["images"] == 40
    assert (few["images"], many["images"]) == (5, 60)
    assert many["covered"] > 0.85  # of 60, with a standard error of 3 %
    assert many["width"] < few["width"] / 2
