"""What every augmentation shares; `tests/properties/test_augment_properties.py` looks through windows."""

import sys

import numpy as np
import pytest

from fcn_keras import layers
from fcn_keras.augment import VOC_MEAN, mirror, window
from tests.fcn_keras.augment.examples import as_numpy, example


def test_mean_is_bgr_and_that_of_the_models():
    assert VOC_MEAN == layers.VOC_MEAN
    shown = as_numpy(window(example(1, 1), 0, 0, 2, 1, mean=(1, 2, 3), ignore_label=9))
    np.testing.assert_array_equal(shown["image"][:, 0], [[0, 0, 0], [3, 2, 1]])
    np.testing.assert_array_equal(shown["label"], [[0], [9]])


def test_missing_tensorflow_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r'pip install "fcn_keras\[cpu\]", or'):
        mirror(example(), [0, 0])
