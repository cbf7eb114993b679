"""Narrow networks with weights that say something, and drawn pictures."""

import numpy as np

NARROW = (((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32)
WIDE = (((4, 1), (4, 1), (128, 1), (256, 2), (256, 2)), 8)  # conv4_1 to conv5_2 are wide enough
NARROWEST = (((4, 1), (4, 1), (6, 3), (6, 3), (8, 3)), 12)
HEADS = {"sem": 7, "geo": 3}


def randomize(model, seed=0):
    """Give the scoring layers, which start at zero, and all biases random values."""
    generator = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        if "score" in variable.path or variable.path.endswith("bias"):
            variable.assign(generator.normal(0, 0.3, variable.shape))
    return model


def picture(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
