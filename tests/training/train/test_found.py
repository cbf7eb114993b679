"""What is found in a stage's folder, and which stages start from which."""

from types import SimpleNamespace

from training.recipes import catalogue
from training.train.found import LOST, Found, data_changes, with_followers


def test_a_stage_is_the_same_where_nothing_differs():
    assert Found(None, None).same
    assert Found(None, None, longer={"steps": (4, 8)}).same
    assert not any(Found(None, None, **{name: ["x"]}).same for name in ("said", "faults", "options"))


def test_stages_that_start_from_another_follow_it():
    chain = catalogue.chain("folder_fcn8s")
    assert with_followers(chain, [Found(chain[1], None)]) == ["folder_fcn16s", "folder_fcn8s"]


def test_what_is_not_listed_any_more_is_said_to_be_lost():
    record = SimpleNamespace(data={"train": "a", "val": "b"})
    assert data_changes(record, None, SimpleNamespace(digests={"train": "a", "val": "c"})) == {"val": LOST}
