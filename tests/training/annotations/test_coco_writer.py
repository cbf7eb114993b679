"""COCO's files of ours: they decode to the label map."""

import numpy as np
from pycocotools.coco import COCO

from tests.training.label_maps import NAMES, maps
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
