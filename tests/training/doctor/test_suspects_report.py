"""How a region is said. Text and pictures are tested with what they show, in test_suspects.py."""

from training.doctor.suspects import Region
from training.doctor.suspects_report import said


def test_a_shape_and_a_part():
    region = Region("labels/a.png", "shape", 1, 0, 12, (3, 4, 5, 60), 7.0)
    assert said(region, ("cat", "dog")) == "shape of 'dog', to the net 'cat', at 4,3 to 60,5"
    assert said(Region(**{**vars(region), "kind": "part"}), ("cat", "dog")).startswith("part of 'dog'")
