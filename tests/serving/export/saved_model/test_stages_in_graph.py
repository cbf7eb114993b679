"""Networks in parts, inside TensorFlow, against one pass over whole images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from fcn_keras import inference
from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.interface import heads_of
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from serving.export.saved_model import frozen_network, limits
from serving.export.saved_model.keeping import confidence_kept, labels_kept, scores_kept
from tests.serving.nets import randomize

SLIM = (((4, 2), (6, 1), (6, 3), (8, 2), (8, 2)), 12)
NETS = {
    "8s": lambda: FCN8s({"sem": 5, "geo": 3}, channels=SLIM),
    "16s": lambda: FCN16s(4, padding="caffe", channels=SLIM),
    "32s": lambda: FCN32s(3, modality="rgbd", channels=SLIM),
    "late": lambda: LateFusion(4, channels=SLIM),
    "alexnet": lambda: FCNAlexNet(3, channels=((4, 6, 6, 6, 6), 8)),
}


def drawn(channels, height, width, seed):
    generator = np.random.default_rng(seed)
    most = 60_000 if channels == 4 else 256
    return generator.integers(0, most, (height, width, channels)).clip(0, [255, 255, 255, 60_000][:channels])


@pytest.mark.parametrize("name", NETS)
def test_parts_give_the_scores_of_one_pass(name, monkeypatch):
    """Whatever the sizes: odd and tiny ones, one part, and one pixel more."""
    monkeypatch.setattr(limits, "PART", 40_000)
    monkeypatch.setattr(frozen_network, "MAPS", 2)  # of these channels, so that stages are joined
    keras.utils.set_random_seed(1)
    net = randomize(NETS[name]())
    network, _ = frozen_network.freeze(net)
    generator = np.random.default_rng(sum(map(ord, name)))
    sizes = [(1, 1), (200, 200), (31, 900), *generator.integers(1, 420, (4, 2)).tolist()]
    for number, (height, width) in enumerate(sizes):
        images = {key: drawn(count, height, width, number) for key, count in network.channels.items()}
        pixels = images.get("image", images)
        expected = heads_of(inference.predict(net, pixels, output="scores", memory=float("inf")))
        dtype = tf.uint16 if network.is_rgbd else tf.uint8
        begun = network.begin([tf.constant(x[None], dtype) for x in images.values()])
        found = network.finish(begun, {"scores": scores_kept, "labels": labels_kept, "sum": confidence_kept})
        for head, scores in expected.items():
            largest = np.abs(scores).max()
            np.testing.assert_allclose(found[head]["scores"][0], scores, rtol=0, atol=1e-5 * largest)
            np.testing.assert_array_equal(found[head]["labels"], found[head]["scores"].numpy().argmax(-1))
            second, best = np.moveaxis(np.partition(scores, -2)[..., -2:], -1, 0)
            clear = best - second > 2e-5 * largest  # nearer ones, rounding decides
            np.testing.assert_array_equal(found[head]["labels"][0][clear], scores.argmax(-1)[clear])
            assert clear.mean() > 0.99
            confidence = keras.ops.softmax(scores).numpy().max(-1).sum(dtype="float64")
            np.testing.assert_allclose(found[head]["sum"], [confidence], rtol=1e-5)
