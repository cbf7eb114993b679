"""A folder says which net labelled it."""

import json

import pytest

from fcn_keras_console.labelled_by import FILE, LabelledBy, is_record

FACTS = {"net": "abc", "scale": "trained"}


@pytest.fixture
def results(tmp_path):
    """The labels in a folder, those of users left out."""
    return lambda: iter(sorted(tmp_path.glob("ours*")))


def label(folder, **facts):
    by = LabelledBy(folder, "net.keras", {**FACTS, **facts})
    by.write()
    by.write()
    (folder / "ours.png").touch()


def test_the_same_net_goes_on(tmp_path, results):
    label(tmp_path)
    before = (tmp_path / FILE).read_bytes()
    assert is_record(tmp_path / FILE)
    by = LabelledBy(tmp_path, "elsewhere/net.keras", FACTS)
    by.require_same(results, replace=False)
    by.write()
    assert (tmp_path / FILE).read_bytes() == before
    assert json.loads(before)["net"] == "net.keras"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"net": "abd"}, r"the net is another \(abc then\)"),
        ({"--tta": [1]}, r"--tta is \[1\] \(not given then\)"),
        ({"scale": None}, r"scale is not given \(trained then\)"),
    ],
)
def test_another_net_is_kept_out(other, said, tmp_path, results):
    label(tmp_path)
    with pytest.raises(
        ValueError, match=f"holds labels by net.keras, begun on 2.*, and now {said}. Choose another --outp"
    ):
        LabelledBy(tmp_path, "other.keras", FACTS | other).require_same(results, replace=False)
    assert (tmp_path / "ours.png").exists()


def test_another_net_replaces(tmp_path, results):
    label(tmp_path)
    (tmp_path / "users.png").touch()
    by = LabelledBy(tmp_path, "other.keras", FACTS | {"net": "abd"})
    by.require_same(results, replace=True)
    assert {path.name for path in tmp_path.iterdir()} == {FILE, "users.png"}
    by.write()
    assert json.loads((tmp_path / FILE).read_text())["net"] == "other.keras"


def test_a_net_that_labelled_nothing_is_no_hindrance(tmp_path, results):
    label(tmp_path)
    (tmp_path / "ours.png").unlink()
    by = LabelledBy(tmp_path, "other.keras", {})
    by.require_same(results, replace=False)
    by.write()
    assert json.loads((tmp_path / FILE).read_text())["net"] == "other.keras"


def test_labels_of_which_nobody_knows_the_net(tmp_path, results, caplog):
    by = LabelledBy(tmp_path, "net.keras", FACTS)
    by.require_same(results, replace=False)
    assert not caplog.messages
    (tmp_path / "ours.png").touch()
    by.require_same(results, replace=False)
    assert [message.partition(" holds ")[2] for message in caplog.messages] == [
        "labels that do not say by which net: what is not labelled now stays."
    ]


def test_a_damaged_record_is_told(tmp_path, results):
    (tmp_path / FILE).write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        LabelledBy(tmp_path, "net.keras", FACTS).require_same(results, replace=False)
