"""Time the exported graph of a full FCN-8s by how large a kernel may be to become a constant.

    python benchmarks/freezing.py --largest 4000000   # what fcn-export does

With 0 all weights are variables, with 1000000000 all are constants: that takes a minute and 12 GB. One process a case,
as memory is the process's peak.
"""

import argparse
import resource
import time

import numpy as np

from fcn_keras_console import start_tensorflow


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=4_000_000, help="weights of the largest constant")
    parser.add_argument("--size", type=int, default=512, help="side of the image (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=6)
    arguments = parser.parse_args(argv)
    start_tensorflow()
    import tensorflow as tf
    from fcn_keras_serving.export.saved_model import frozen_network as network
    from fcn_keras_serving.export.saved_model.limits import Limits
    from fcn_keras_serving.export.saved_model.signatures import build

    import fcn_keras as fcn

    network.LARGEST_CONSTANT = arguments.largest
    frozen, variables = network.freeze(fcn.FCN8s(21))
    label = build(frozen, limits=Limits(1, 1, 1))["predict_tensors"]
    shape = (1, arguments.size, arguments.size, 3)
    image = tf.constant(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    seconds = [timed(label, image) for _ in range(1 + arguments.rounds)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    rate = matrix_rate(tf)
    print(
        f"{len(variables)} arrays stay variables: first answer {seconds[0]:.1f} s, "
        f"then {np.median(seconds[1:]):.2f} s; {peak:.1f} GB; the machine's matrix product {rate:.0f} GFLOP/s"
    )


def timed(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def matrix_rate(tf, side=3000):
    """Return GFLOP/s of a plain matrix product."""
    square = tf.random.normal((side, side))
    product = tf.function(tf.matmul)
    return 2 * side**3 / min(timed(product, square, square) for _ in range(6)) / 1e9


if __name__ == "__main__":
    main()
