import numpy as np
import pytest

from tests.fcn_keras.small_nets import net, weights_of


@pytest.fixture(scope="session")
def shared_net():
    model = net()
    return model, weights_of(model)


@pytest.fixture
def untouched(shared_net):
    """Lend a net, and check at the end that a failed load has changed nothing."""
    model, before = shared_net
    yield model
    for name, value in weights_of(model).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
