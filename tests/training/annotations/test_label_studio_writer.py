"""Tasks for Label Studio: that the annotations which people make of the predictions give the labels back."""

import json

import numpy as np
import pytest

from tests.training.annotations.test_label_studio_runs import by_bits
from tests.training.imported import label, run_import
from tests.training.imported import names as names_in
from tests.training.tiny import picture, write
from training.annotations.label_studio_writer import LabelStudioWriter
from training.predict.results import Classes

WITH = ("background", "road", "tree", "pave ment")
WITHOUT = ("road", "tree", "sky")


def maps(count):
    for number, name in enumerate(("deep/a b.jpg", "c.jpg")):
        yield name, np.random.default_rng(number).integers(0, count, (5, 7)).astype(np.uint8).repeat(3, axis=1)


def written(path, names):
    writer = LabelStudioWriter(Classes.named(names, len(names)))
    for name, labels in maps(len(names)):
        writer.add(name, labels)
    writer.write(path)
    return json.loads(path.read_text())


@pytest.mark.parametrize(("names", "options"), [(WITH, ()), (WITHOUT, ("--unlabelled", "void"))])
def test_our_import_gives_the_labels_back(source, out, names, options):
    tasks = written(source / "tasks.json", names)
    for number, task in enumerate(tasks, 1):
        task["id"] = number
        task["annotations"] = task.pop("predictions")  # as a person who finds nothing to correct
    (source / "tasks.json").write_text(json.dumps(tasks))
    for name, labels in maps(len(names)):
        write(source / name, picture(*labels.shape, seed=len(name)), quality=95)
    assert run_import("auto", source, out, "--val", "0", *options) in (0, 1)
    for name, labels in maps(len(names)):
        found = np.array(names_in(out))[label(out, name.removesuffix(".jpg"))]
        np.testing.assert_array_equal(found, np.array(names)[labels])


def test_the_tasks(tmp_path):
    first, second = written(tmp_path / "tasks.json", WITHOUT)
    assert first["data"] == {"image": "/data/local-files/?d=deep/a%20b.jpg"}
    assert second["data"] == {"image": "/data/local-files/?d=c.jpg"}
    (prediction,) = first["predictions"]
    assert prediction["model_version"] == "fcn-predict"
    labels = dict(maps(3))["deep/a b.jpg"]
    for item, name in zip(prediction["result"], WITHOUT, strict=True):
        assert (item["type"], item["from_name"], item["to_name"]) == ("brushlabels", "tag", "image")
        assert (item["original_height"], item["original_width"], item["image_rotation"]) == (5, 21, 0)
        assert item["value"]["brushlabels"] == [name]
        opaque = by_bits(item["value"]["rle"]).reshape(5, 21, 4)[..., 3]
        np.testing.assert_array_equal(opaque, np.where(labels == WITHOUT.index(name), 255, 0))


def test_background_is_no_brush(tmp_path):
    first, _ = written(tmp_path / "tasks.json", WITH)
    assert [item["value"]["brushlabels"] for item in first["predictions"][0]["result"]] == [[n] for n in WITH[1:]]
