"""The order of a stream, and where it stands after some batches; `test_data.py` has the streams themselves."""

import numpy as np
import pytest

from fcn_keras.data import batch_indices, batches
from fcn_keras.streams import order, resume


def test_every_epoch_is_a_permutation_of_its_own():
    index_of = order(7, seed=3)
    epochs = [tuple(index_of(position) for position in range(7 * epoch, 7 * epoch + 7)) for epoch in range(3)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len(set(epochs)) == 3
    assert [order(7, seed=3)(position) for position in range(21)] == [index for epoch in epochs for index in epoch]
    assert tuple(order(7, seed=4)(position) for position in range(7)) != epochs[0]


def test_replacement_draws_independently():
    draws = np.array([order(50, seed=1, replacement=True)(n) for n in range(5000)])
    first = draws[:50]
    assert 0.5 < len(set(first)) / 50 < 0.77  # 1 - 1/e = 0.63
    assert np.bincount(draws, minlength=50).min() > 60  # of 100 expected
    assert [order(5)(n) for n in range(7)] == [0, 1, 2, 3, 4, 0, 1]


def test_resume_by_hand():
    # batches of two of a kind: (a0 a2), (b1 b3), (a4 a6); after two, 4 has been neither read nor batched
    assert resume("ababacab", 2, 0) == ([], 0)
    assert resume("ababacab", 2, 1) == ([1], 3)
    assert resume("ababacab", 2, 2) == ([], 4)
    assert resume("ababacab", 2, 3) == ([5], 7)


class Equal:
    """Two examples of one size."""

    sizes = [(3, 4)] * 2

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return {"image": np.zeros((3, 4, 3), np.uint8), "label": np.zeros((3, 4), np.uint8)}


@pytest.mark.parametrize(("batch_size", "traces"), [(1, 1), (2, 3)])
def test_sizes_are_looked_for_only_where_they_have_to_fit(batch_size, traces):
    """An augmentation from elsewhere is traced for the stream, and for two more sizes where batches need one size."""
    traced = []

    def augment(example, seed):
        traced.append(example["image"].shape[:2])
        return example

    batches(Equal(), training=True, augment=augment, batch_size=batch_size)
    assert len(traced) == traces
    batch_indices(Equal(), augment=augment, batch_size=batch_size)
    assert len(traced) == traces
