import re

import pytest

from fcn_keras.datasets import citations

NAMES = [name for name in vars(citations) if name.isupper()]


@pytest.mark.parametrize("name", NAMES)
def test_entries_are_whole(name):
    text = getattr(citations, name)
    entries = re.findall(r"^@(?:article|inproceedings)\{(\w+\d{4}\w+),$", text, re.M)
    assert len(entries) == text.count("@") >= 1
    assert text.count("{") == text.count("}")
    for field in ("title", "author", "year"):
        assert len(re.findall(rf"\b{field}=\{{", text)) == len(entries)


def test_every_data_set_has_one():
    assert sorted(NAMES) == ["CAMVID", "NYUD_V2", "PASCAL_CONTEXT", "SIFT_FLOW", "STANFORD_BACKGROUND", "VOC_SBD"]
