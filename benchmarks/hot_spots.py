"""Say where the time of one exported network goes: its operations, the slowest first.

    fcn-export net.keras models/net
    python benchmarks/hot_spots.py models/net/1 --size 512

Runs `predict_tensors` in a TensorFlow session, as a server does, and traces one call after some to warm up. An
operation that waits for a core counts its waiting, so trace on a quiet machine.
"""

import argparse
import collections
import re
import sys

import numpy as np
from results import table

from fcn_keras_console import start_tensorflow


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="of one version of a SavedModel")
    parser.add_argument("--size", type=int, default=512, help="side of the image (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=20, help="operations to list (default: %(default)s)")
    arguments = parser.parse_args(argv)
    spent = traced(arguments.folder, arguments.size)
    total = sum(spent.values())
    listed = spent.most_common(arguments.rows)
    rows = [[name, f"{1e3 * seconds:.1f}", f"{seconds / total:.1%}"] for name, seconds in listed]
    rest = total - sum(seconds for _, seconds in listed)
    rows += [[f"{len(spent) - len(listed)} more", f"{1e3 * rest:.1f}", f"{rest / total:.1%}"]]
    print(table(("operation", "ms", "share"), [*rows, ["all", f"{1e3 * total:.1f}", ""]]))
    return 0


def traced(folder, size, warm_up=3):
    """Run the signature on noise and trace the last call.

    Returns:
        `collections.Counter` of seconds by operation, as `conv3_2 FusedConv2D`.
    """
    start_tensorflow()
    import tensorflow as tf

    v1 = tf.compat.v1
    with v1.Session(graph=tf.Graph()) as session:
        signature = v1.saved_model.load(session, ["serve"], folder).signature_def["predict_tensors"]
        feeds = {
            value.name: noise(size, [axis.size for axis in value.tensor_shape.dim][-1], tf.dtypes.as_dtype(value.dtype))
            for value in signature.inputs.values()
        }
        fetches = [value.name for value in signature.outputs.values()]
        for _ in range(warm_up):
            session.run(fetches, feeds)
        trace = v1.RunMetadata()
        session.run(fetches, feeds, v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE), trace)
    spent = collections.Counter()
    for device in trace.step_stats.dev_stats:
        for node in device.node_stats:
            spent[_named(node)] += node.op_end_rel_micros / 1e6
    return spent


def noise(size, channels, dtype):
    shape = (1, size, size, channels)
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype.as_numpy_dtype)


def _named(node):
    """Name a node by its layer and its operation, without the path of calls and loops around that."""
    kind = node.timeline_label.partition("= ")[2].partition("(")[0].strip() or "?"
    inside = re.search(r".*/(part(?:_\d+)?)/(\w+)/", node.node_name)
    if not inside:  # not part/layer/operation
        return f"outside the network {kind}"
    part, layer = inside.groups()
    again = re.search(r"_\d+$", part)  # TensorFlow numbers a name that it has seen: both, the part's and the layer's
    return f"{layer.removesuffix(again[0]) if again else layer} {kind}"


if __name__ == "__main__":
    sys.exit(main())
