import numpy as np

from fcn_keras.augment import compose
from tests.fcn_keras.augment.examples import seed


def test_compose_gives_each_function_its_own_seed():
    seeds = []
    compose(*[lambda e, s: seeds.append(tuple(np.asarray(s))) or e] * 3)({}, seed(0))
    compose(*[lambda e, s: seeds.append(tuple(np.asarray(s))) or e] * 3)({}, seed(1))
    assert len(set(seeds)) == 6
