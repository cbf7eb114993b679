"""Predictions give the labels back: brushes bit by bit, polygons filled by their pixels' centres."""

import json
from types import SimpleNamespace

import numpy as np

from tests.training.annotations.test_label_studio_runs import by_bits
from tests.training.annotations.test_region_polygons import filled
from tests.training.label_studio.projects import BRUSHES
from training.label_studio.configuration import Configuration
from training.label_studio.predictions import prediction

NAMES = ("sky", "road", "car", "tree")


def test_brushes_and_polygons():
    labels = np.random.default_rng(0).integers(0, 4, (9, 14)).repeat(2, axis=1)
    net = SimpleNamespace(names=NAMES, version="net 1", present=lambda labels: [0, 1, 2, 3])
    tags = Configuration(BRUSHES).tags_for(NAMES)
    answer = json.loads(json.dumps(prediction(net, labels, tags, tolerance=0)))
    assert answer["model_version"] == "net 1"
    results = answer["result"]
    assert len({result["id"] for result in results}) == len(results)
    found = np.full(labels.shape, 3)
    for result in results:
        assert (result["original_height"], result["original_width"], result["image_rotation"]) == (9, 28, 0)
        assert result["to_name"] == "photo"
        value = result["value"]
        if result["type"] == "brushlabels":
            assert result["from_name"] == "brush"
            covered = by_bits(value["rle"]).reshape(9, 28, 4)[..., 3] > 0
        else:
            assert (result["from_name"], value["closed"]) == ("outline", True)
            covered = filled([np.array(value["points"]) * [0.28, 0.09]], (9, 28)) > 0
        (name,) = value[result["type"]]
        found[covered] = NAMES.index(name)
    np.testing.assert_array_equal(found, labels)
