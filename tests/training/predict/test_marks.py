"""Which files `fcn-predict` knows for its own."""

import pytest

from training.predict.marks import is_result


@pytest.mark.parametrize(
    "content", ["", "[]", "[3]", '[{"predictions": []}]', "{}", '{"info": 3}', '{"fcn_predict": "x"}', '{"info": {}}']
)
def test_other_json_is_not_ours(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    assert not is_result(tmp_path / "a.json")


@pytest.mark.parametrize("content", [b"", b"fcn", b"PK", bytes(400) + b"fcn-predict"])
def test_other_archives_are_not_ours(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    assert not is_result(tmp_path / "a.zip")
    assert not is_result(tmp_path / "missing.zip")
