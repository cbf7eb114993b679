"""Networks of one layer that carry a probe, as `fcn-export` lays them out, at once."""

import numpy as np

from fcn_keras_console.digests import digests_below, write_sealed
from fcn_keras_console.exported.find import PROBE, find_exported
from serving import probe
from tests.training.exported.files import KERNEL, onnx_file, scores_of

IMAGE = np.random.default_rng(3).integers(0, 256, (8, 8, 3), np.uint8)
FACTS = {"precision": "fp32", "runtime": "TensorFlow 1.0", "processor": "an abacus", "threads": 10}


def write_probe(path, *, more=0.0, **facts):
    """Write the probe of `scores_of`; of an export that answered by a share more than this machine does."""
    made = probe.make({"image": IMAGE}, {"": (1 + more) * scores_of(IMAGE)})
    probe.write(path, made._replace(allowed=probe.Deviation(1e-4, 0.999), facts={**FACTS, **facts}))


def probed_onnx(path, *, labels=False, more=0.0):
    """Write an ONNX file and its probe, without a card."""
    onnx_file(path, labels=labels)
    write_probe(find_exported(path).probe, more=more)
    return path


def probed_version(folder, *, more=0.0):
    """Write a version's folder, sealed."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, "image")], autograph=False)
    def score(image):
        return {"scores": tf.tensordot(image, tf.constant(KERNEL), 1) + tf.constant([200.0, 0.0, 100.0, 50.0])}

    tf.saved_model.save(tf.Module(), str(folder), signatures={"predict_scores": score})
    (folder / PROBE).parent.mkdir()
    reprobe(folder, more=more)
    return folder


def reprobe(folder, *, more):
    """Give a version another probe, and seal it anew."""
    (folder / "model.json").unlink(missing_ok=True)
    write_probe(folder / PROBE, more=more)
    write_sealed(folder / "model.json", {"name": "net"}, digests_below(folder))
