"""Narrow networks whose weights are compared one by one."""

import keras
import numpy as np

from fcn_keras.models import FCN32s
from tests.weight_files import CHANNELS

CLASSES = 5
CONVOLUTIONS = [f"conv{b}_{i}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1)]


def net(build=FCN32s, classes=CLASSES, **options):
    return build(classes, **{"channels": CHANNELS, **options})


def weights_of(model):
    return {f"{x.name}/{i}": np.array(w) for x in model.layers for i, w in enumerate(x.get_weights())}


def randomise(model, seed=1):
    rng = np.random.default_rng(seed)
    for x in model.layers:
        x.set_weights([rng.standard_normal(w.shape) for w in x.get_weights()])
    return model


def kernel_of(model, name):
    return keras.ops.convert_to_numpy(model.get_layer(name).kernel)
