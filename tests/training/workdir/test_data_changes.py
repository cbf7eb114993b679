"""What differs between two lists of a run's data, in words."""

import pytest

from training.workdir.data_changes import changes, changes_meaning, sentence
from training.workdir.data_list import DataList, SplitList

NAMES = ["a", "b", "c"]


def listed(train, val=None, classes=None, **digests):
    """List splits by `{id: content}`; masks are those of `label`, else `"m" + content`."""

    def split(files):
        masks = [digests.get(key, f"m{content}") for key, content in files.items()]
        return SplitList(tuple(files), len(files), {"image": list(files.values()), "label": masks}, {})

    return DataList({"train": split(train), "val": split(val or {"v": "9"})}, classes or {"names": {"": NAMES}})


BEFORE = {"a": "1", "b": "2", "c": "3", "d": "4"}


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (listed(BEFORE), {}),
        (listed({**BEFORE, "e": "5"}), {"train": "1 image more (e)"}),
        (listed({"a": "1", "b": "2"}), {"train": "2 images fewer (c, d)"}),
        (listed({"a": "1", "b": "2", "c": "3", "z": "4"}), {"train": "1 renamed (d to z)"}),
        (listed({"a": "1", "b": "2", "c": "3", "z": "5"}), {"train": "1 image more (z), 1 image fewer (d)"}),
        (listed(BEFORE, b="x", d="y"), {"train": "2 masks changed (b, d)"}),
        (listed({"b": "2", "a": "1", "c": "3", "d": "4"}), {"train": "the images are in another order"}),
        (listed(BEFORE, {"v": "8"}), {"val": "1 image changed (v), 1 mask changed (v)"}),
    ],
)
def test_splits(now, said):
    assert changes(listed(BEFORE), now) == said


@pytest.mark.parametrize(
    ("classes", "said", "meaning"),
    [
        ({"names": {"": ["b", "a", "c"]}}, "the order is b, a, c, was a, b, c", True),
        ({"names": {"": ["a", "b"]}}, "2 (a, b), were 3 (a, b, c)", True),
        ({"names": {"": ["a", "x", "c"]}}, "b is now x", False),
        ({"names": {"": ["a", "c", "x"]}}, "b is now c, c is now x", True),
        ({"names": {"": NAMES}, "colors": [[1, 2, 3, 0]]}, "their colours are others", False),
        ({"names": {"sem": NAMES}}, "3 of head 'sem' (a, b, c), were 0 (), the heads are others", True),
    ],
)
def test_classes(classes, said, meaning):
    before, now = listed(BEFORE), listed(BEFORE, classes=classes)
    assert changes(before, now) == {"classes": said}
    assert changes_meaning(before.classes, now.classes) is meaning


def test_a_sentence():
    assert sentence({"train": "1 image more (e)", "val": "2 masks changed (b, d)"}) == (
        "train: 1 image more (e); val: 2 masks changed (b, d)"
    )


def test_kinds_that_come_and_go():
    before, now = listed(BEFORE), listed(BEFORE)
    now.splits["train"].digests["hha"] = ["1"] * 4
    assert changes(before, now) == {"train": "HHA images are new"}
    assert changes(now, before) == {"train": "HHA images are left out"}


def test_drawn_examples_are_counted():
    before, now = (DataList({"train": SplitList((), n, {}, {})}, {"names": {"": NAMES}}) for n in (1, 4))
    assert changes(before, now) == {"train": "4 examples, was 1"}
