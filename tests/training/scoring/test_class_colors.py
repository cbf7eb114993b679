"""Whose colours painted classes have."""

from types import SimpleNamespace

import numpy as np

from fcn_keras.colors import DISTINCT
from training.scoring.class_colors import colors_of


def test_those_beside_the_model_go_before_those_of_the_data(tmp_path):
    examples = SimpleNamespace(class_names=("sky", "road"), colors={(1, 2, 3): 0, (4, 5, 6): 1, (9, 9, 9): 255})
    np.testing.assert_array_equal(colors_of(examples)[""], [(1, 2, 3), (4, 5, 6)])
    model = tmp_path / "best.keras"
    np.testing.assert_array_equal(colors_of(examples, model)[""], [(1, 2, 3), (4, 5, 6)])
    (tmp_path / "palette.txt").write_text("7 8 9\n10 11 12\n")
    np.testing.assert_array_equal(colors_of(examples, model)[""], [(7, 8, 9), (10, 11, 12)])


def test_each_head_has_its_own():
    examples = SimpleNamespace(class_names={"sem": ("sky", "road"), "geo": ("flat",)})
    found = colors_of(examples)
    np.testing.assert_array_equal(found["sem"], DISTINCT[:2])
    np.testing.assert_array_equal(found["geo"], DISTINCT[:1])
