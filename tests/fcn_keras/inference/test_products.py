"""Products of many patches with a wide kernel are the same in every order."""

import keras
import numpy as np
import pytest

from fcn_keras.inference import products


@pytest.mark.parametrize("count", [1, 119, 120, 121, 500])
def test_both_orders_are_a_matrix_product(count):
    rng = np.random.default_rng(count)
    patches, kernel = (rng.normal(size=shape).astype(np.float32) for shape in ((count, 30), (30, 7)))
    expected = patches.astype(np.float64) @ kernel.astype(np.float64)
    for found in (products.in_runs(patches, kernel), products.by_transposed(patches, kernel.T.copy())):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, atol=1e-5)


def test_runs_are_for_float32_on_processors_that_gain_by_them(monkeypatch):
    monkeypatch.setattr(products, "lacks_avx512", lambda: True)
    assert products.of("float32") is products.in_runs
    assert products.of("bfloat16") is keras.ops.matmul
    monkeypatch.setattr(products, "lacks_avx512", lambda: False)
    assert products.of("float32") is keras.ops.matmul
