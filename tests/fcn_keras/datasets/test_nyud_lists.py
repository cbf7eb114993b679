import numpy as np
import pytest

from fcn_keras.datasets.nyud_lists import CLASS_OF_LABEL, ids_of
from fcn_keras.datasets.nyud_v2 import CLASSES


@pytest.mark.parametrize(("split", "count"), [("train", 381), ("val", 414), ("trainval", 795), ("test", 654)])
def test_the_splits_have_as_many_images_as_published(split, count):
    ids = ids_of(split)
    assert len(set(ids)) == count
    assert ids == sorted(ids)
    assert set(map(int, ids)) <= set(range(5001, 6450))


def test_the_40_classes():
    assert CLASS_OF_LABEL[0] == 255
    # Numbers of the file's own `names`, from 1.
    names = {3: "cabinet", 4: "ceiling", 5: "chair", 11: "floor", 21: "wall", 59: "window", 85: "books", 331: "person"}
    assert {number: CLASSES[CLASS_OF_LABEL[number]] for number in names} == names
    assert CLASSES[CLASS_OF_LABEL[8]] == "otherstructure"  # dishwasher
    assert CLASSES[CLASS_OF_LABEL[12]] == "otherfurniture"  # garbage bin
    assert CLASSES[CLASS_OF_LABEL[2]] == "otherprop"  # bottle
    counts = np.bincount(CLASS_OF_LABEL[1:], minlength=40)
    assert np.all(counts[:37] == 1)
    assert counts[37:].tolist() == [68, 82, 707]
    # Of `mapClass` as published, 1..40, what a slip would change.
    assert np.sum(np.arange(1, 895) * (CLASS_OF_LABEL[1:].astype(int) + 1)) == 15853453
