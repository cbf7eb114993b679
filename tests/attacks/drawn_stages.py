"""Compare an image's labels by stages with those of one pass, on drawn networks, sizes and budgets of memory.

    python -m tests.attacks.drawn_stages 1000

Prints how many labels differ; those that do are listed with how near the two highest scores are. 1000 take an hour.
"""

import argparse
import sys

import keras
import numpy as np

import fcn_keras as fcn
from fcn_keras.inference.stream import fits
from tests.fcn_keras.inference.small_nets import randomize
from tests.fcn_keras.inference.test_stream import NETS, image_for

LARGEST, BYTES = 420, (5e4, 4e6)  # side of an image in pixels; the least and the most memory


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=int)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    generator = np.random.default_rng(arguments.seed)
    models = {name: randomize(build()) for name, build in NETS.items()}
    labels = different = staged = 0
    largest = 0.0
    for number in range(1, arguments.cases + 1):
        name = list(models)[number % len(models)]
        height, width = (int(side) for side in np.exp(generator.uniform(0, np.log(LARGEST), 2)))
        memory = float(np.exp(generator.uniform(*np.log(BYTES))))
        images = image_for(models[name], height, width)
        staged += not fits(models[name], images, memory)
        for whole, parts in both(models[name], images, memory):
            labels, largest = labels + whole[..., 0].size, max(largest, apart(whole, parts))
            changed = whole.argmax(-1) != parts.argmax(-1)
            different += int(changed.sum())
            if changed.any():
                best = np.sort(whole[changed], -1)[:, -2:] / np.abs(whole).max()
                print(f"{name} {height}x{width}: {changed.sum()} labels, scores {np.ptp(best, -1).max():.1e} apart")
        if number % 50 == 0 or number == arguments.cases:
            print(
                f"{number} cases, {staged} in stages: {different} of {labels} labels differ, scores by {largest:.1e}",
                flush=True,
            )
    return int(different > 0)


def both(model, images, memory):
    """Return the scores of every head in one pass and in a budget of so many bytes."""
    found = (fcn.predict(model, images, output="scores", memory=most) for most in (float("inf"), memory / 2**20))
    return list(zip(*map(keras.tree.flatten, found), strict=True))


def apart(one, other):
    """Return the largest difference of two arrays as a share of the largest value."""
    return float(np.abs(one - other).max() / np.abs(one).max())


if __name__ == "__main__":
    sys.exit(main())
