"""What the comparison of a SavedModel with a model finds."""

import pytest

from serving.export.saved_model.frozen_network import Network
from serving.export.saved_model.parity import compare, loaded


@pytest.fixture
def changed(net):
    """The exported network with another bias than its SavedModel has."""
    bias = net.get_layer("score_fr").bias
    values = bias.numpy()
    bias.assign(values[::-1] * 100)
    yield net
    bias.assign(values)


def test_a_difference_is_seen(changed, folder):
    with loaded(folder) as run:
        (row,) = compare(changed, Network({"image": 3}, {"": 21}, way=None), run, [(24, 40)])
    assert (row["height"], row["width"], row["head"]) == (24, 40, "")
    assert row["label_agreement"] < 1
    assert row["largest_score_error"] > 0.01 * row["largest_score"]
