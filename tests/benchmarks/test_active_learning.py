"""The rounds of labelling, on drawn photographs and a tiny frozen net."""

import json
from types import SimpleNamespace

import active_learning
import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.synthetic import Synthetic


@pytest.fixture
def data(tmp_path):
    for split, (count, seed) in {"train": (8, 1), "val": (2, 2)}.items():
        for number, scene in enumerate(Synthetic(count, seed=seed, height=48, width=64)):
            for kind, pixels in (("images", scene["image"]), ("labels", scene["label"])):
                path = tmp_path / "data" / split / kind / f"{'ab'[number % 2]}_{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    return tmp_path / "data"


@pytest.fixture
def weights(tmp_path):
    generator, arrays, inputs = np.random.default_rng(0), {}, 3
    for block, convolutions in enumerate((2, 2, 3, 3, 3), 1):
        for number in range(1, convolutions + 1):
            arrays[f"conv{block}_{number}_W"] = generator.normal(0, 0.3, (3, 3, inputs, 4))
            arrays[f"conv{block}_{number}_b"], inputs = np.zeros(4), 4
    np.savez(tmp_path / "vgg16.npz", **arrays)
    return tmp_path / "vgg16.npz"


def test_rounds(data, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(active_learning, "SIZE", (48, 64))
    monkeypatch.setattr(active_learning, "CELLS", (6, 8))
    out = tmp_path / "out"
    options = {"--data": data, "--weights": weights, "--classes": 8, "--seeds": 2, "--labels": 6, "--step": 2}
    words = [str(word) for pair in {**options, "--steps": 5, "--output": out}.items() for word in pair]
    assert active_learning.main(words) == 0
    assert sorted(path.name for path in out.iterdir()) == [f"active_learning.{x}" for x in ("json", "png", "txt")]
    report = json.loads((out / "active_learning.json").read_text())
    assert report["labelled"] == [2, 4, 6]
    assert list(report["mean_iu"]) == ["ranking", "entropy", "distance", "random"]
    first = {tuple(run[0] for run in runs) for runs in report["mean_iu"].values()}
    assert len(first) == 1  # all begin with the same photographs and weights
    assert report["images"] == {"train": 8, "val": 2}
    assert "--step is at least 1. Received: 0." in _error(capsys, *words, "--step", "0")


def test_the_last_quarter_of_every_film_is_held_out():
    films = ["a"] * 8 + ["b"] * 4 + ["c"]
    split = active_learning.Split(*(np.arange(13) for _ in range(3)), films)
    train, val = active_learning.by_films(split)
    assert list(val.maps) == [6, 7, 11]
    assert list(train.cells) == [0, 1, 2, 3, 4, 5, 8, 9, 10, 12]


def _error(capsys, *words):
    capsys.readouterr()
    assert active_learning.main([*words]) == 2
    return capsys.readouterr().err


def test_a_head_learns_what_its_maps_show():
    generator = np.random.default_rng(0)
    cells = generator.integers(0, 3, (4, 6, 8)).astype(np.uint8)
    maps = (np.eye(3, 5)[cells] * 3 + generator.normal(0, 0.1, (4, 6, 8, 5))).astype(np.float32)
    cells[0] = 255
    head = active_learning.Head(5, 3, np.random.default_rng(1))
    before = head.seen(maps[1])[0]
    head.fit(maps, cells, 150)
    assert (head.probabilities(head.hidden(maps[1:])).argmax(-1) == cells[1:]).all()
    assert head.seen(maps[1])[0] < before
    val = SimpleNamespace(maps=maps[1:], labels=cells[1:])
    assert active_learning.mean_iu(head, val, 3) == 1
