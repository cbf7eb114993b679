"""COCO's files of ours: they decode to the label map."""

import numpy as np
from pycocotools.coco import COCO

from tests.training.imported import label, names, run_import
from tests.training.label_maps import NAMES, maps
from tests.training.tiny import picture, write
from training.annotations.coco_writer import CocoWriter
from training.predict.marks import is_result
from training.predict.results import Classes


def test_coco_decodes_to_the_label_map(tmp_path):
    coco, truth = CocoWriter(Classes.named(NAMES, 4)), list(maps())[:40]
    for number, labels in enumerate(truth):
        coco.add(f"inner/{number}.jpg", labels)
    path = tmp_path / "annotations.json"
    coco.write(path)
    assert is_result(path)
    read = COCO(str(path))
    assert [read.cats[index]["name"] for index in sorted(read.cats)] == list(NAMES)
    for number, labels in enumerate(truth, 1):
        assert read.imgs[number]["file_name"] == f"inner/{number - 1}.jpg"
        assert (read.imgs[number]["height"], read.imgs[number]["width"]) == labels.shape
        decoded = np.full(labels.shape, -1)
        for annotation in read.loadAnns(read.getAnnIds(imgIds=[number])):
            mask = read.annToMask(annotation) > 0
            assert (decoded[mask] == -1).all()  # nothing twice
            decoded[mask] = annotation["category_id"]
            rows, columns = np.nonzero(mask)
            assert annotation["area"] == mask.sum()
            box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
            assert annotation["bbox"] == box
        np.testing.assert_array_equal(decoded, labels)


def test_an_import_gives_the_label_maps_back(source, out):
    """Whatever the maps hold, with no option: ids and names are the same, and there is no background to add."""
    coco, truth = CocoWriter(Classes.named(NAMES, 4)), list(maps())
    for number, labels in enumerate(truth):
        write(source / f"{number}.png", picture(*labels.shape, seed=number))
        coco.add(f"{number}.png", labels)
    coco.write(source / "annotations.json")
    assert run_import("coco", source, out, "--val", "0") in (0, 1)
    assert names(out) == list(NAMES)
    for number, labels in enumerate(truth):
        np.testing.assert_array_equal(label(out, str(number)), labels)
