"""The seal of a LabelMe file holds while nobody edits it, whatever the application adds by itself."""

import json

import pytest

from training.annotations.result_marks import seal, write_json

SHAPE = {"label": "car", "points": [[1.0, 2.0], [3.0, 2.0], [3.0, 4.0]], "group_id": None, "flags": {}}
CONTENT = {"flags": {}, "shapes": [SHAPE]}


def test_what_the_application_adds_changes_nothing():
    added = {**SHAPE, "description": None, "mask": None, "flags": {"occluded": False}}
    assert seal({"flags": {"checked": False}, "shapes": [added], "imageData": "x"}) == seal(CONTENT)


@pytest.mark.parametrize("edit", [{"label": "bus"}, {"points": []}, {"group_id": 1}, {"flags": {"occluded": True}}])
def test_what_a_person_edits_changes_it(edit):
    assert seal({"flags": {}, "shapes": [{**SHAPE, **edit}]}) != seal(CONTENT)


def test_names_of_other_encodings_become_escapes(tmp_path):
    write_json(tmp_path / "a.json", {"file": "\u00e4 \udcff"})
    assert (tmp_path / "a.json").read_bytes() == '{"file": "\u00e4 \\udcff"}'.encode()
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["file"] == "\u00e4 \udcff"
