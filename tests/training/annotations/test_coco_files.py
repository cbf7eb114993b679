"""Which JSON files of COCO's are read, and what is kept of them."""

import numpy as np
import pytest

from tests.training.imported import coco
from training.annotations.coco_files import Listed, json_files, read_content


def test_an_id_finds_what_is_listed():
    listed = Listed()
    for number, item in ((1, "one"), ("a", "letter"), ("2", "two"), (3, "three"), ("3", "text")):
        listed.add(number, item)
    found = [listed.find(number) for number in (1, 1.0, "1", "a", 2, "2", 3, "3", "b", True, None, [1], float("nan"))]
    assert found == ["one", "one", "one", "letter", "two", "two", "three", "text", *[None] * 5]
    assert [number for number, _ in listed.items()] == [1, 3, "2", "3", "a"]
    for number in (None, [1], True, 1.5):
        with pytest.raises(ValueError, match="should be a number or a text"):
            listed.add(number, "x")


def test_files_without_regions_are_left_and_named(source):
    path = coco(source / "instances_default.json", [], [])
    for name in ("labels_default.json", "image_info_default.json", "person_keypoints_default.json"):
        (source / name).write_text("{}")
    files, aside = json_files(source)
    assert files == [path]
    assert aside == ["image_info_default.json", "labels_default.json", "person_keypoints_default.json"]


def test_polygons_are_kept_as_arrays_and_other_things_as_they_are(source):
    given = [[1, 2, 3, 4, 5, 6.5], ["1", 2], [[1, 2]], [True, 1], [1, None]]
    path = coco(source / "a.json", [], [{"segmentation": given, "area": 3, "attributes": {"x": 1}}])
    item = read_content(path)["annotations"][0]
    assert "area" not in item
    assert item["segmentation"][0].dtype == np.float64
    assert [part if isinstance(part, list) else part.tolist() for part in item["segmentation"]] == given
    assert isinstance(item["segmentation"][1], list)
    (source / "b.json").write_text('{"x": 1}')
    assert read_content(source / "b.json") is None
