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
from serving.export.saved_model.keeping import confidence_kept, confidence_map_kept, labels_kept, scores_kept
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
    compare(net, network, [(1, 1), (200, 200), (31, 900), *generator.integers(1, 420, (4, 2)).tolist()])


@pytest.mark.parametrize("name", [*NETS, "32s in three stages"])
def test_blocks_give_the_scores_of_one_pass(name, monkeypatch):
    """One stage inside the next, even where that is fc6, whose parts read zeros beyond their map."""
    maps = 2
    if name not in NETS:
        name, maps = name[:3], 0.1
    monkeypatch.setattr(limits, "PART", 20_000)
    monkeypatch.setattr(frozen_network, "MAPS", maps)
    keras.utils.set_random_seed(2)
    net = randomize(NETS[name]())
    network, _ = frozen_network.freeze(net)
    network.way.block = 30_000 * network.way.in_blocks
    assert (network.way.stages[1].exact is not None) == (maps < 1)
    compare(net, network, [(1, 1), (40, 900), (700, 90), (413, 395)])


@pytest.mark.parametrize(
    ("name", "maps", "strides"), [("8s", 16, [2]), ("8s", 1, [8]), ("16s", 0.1, [32]), ("8s", 0.1, None)]
)
def test_the_first_stage_is_nested_whose_maps_only_the_next_one_reads(name, maps, strides, monkeypatch):
    """By the architecture: an FCN-16s reads pool4 for two scores. Joined to pool5, it is not that; score_fr is."""
    monkeypatch.setattr(frozen_network, "MAPS", maps)
    way = frozen_network.freeze(NETS[name]())[0].way
    nested = None if way.nested is None else [x.stride for x in way.stages[way.nested].outputs]
    assert nested == strides


def compare(net, network, sizes):
    for number, (height, width) in enumerate(sizes):
        images = {key: drawn(count, height, width, number) for key, count in network.channels.items()}
        pixels = images.get("image", images)
        expected = heads_of(inference.predict(net, pixels, output="scores", memory=float("inf")))
        dtype = tf.uint16 if network.is_rgbd else tf.uint8
        begun = network.begin([tf.constant(x[None], dtype) for x in images.values()])
        found = network.finish(
            begun, {"scores": scores_kept, "labels": labels_kept, "sum": confidence_kept, "map": confidence_map_kept}
        )
        for head, scores in expected.items():
            largest = np.abs(scores).max()
            np.testing.assert_allclose(found[head]["scores"][0], scores, rtol=0, atol=1e-5 * largest)
            np.testing.assert_array_equal(found[head]["labels"], found[head]["scores"].numpy().argmax(-1))
            second, best = np.moveaxis(np.partition(scores, -2)[..., -2:], -1, 0)
            clear = best - second > 2e-5 * largest  # nearer ones, rounding decides
            np.testing.assert_array_equal(found[head]["labels"][0][clear], scores.argmax(-1)[clear])
            assert clear.mean() > 0.99
            confidence = keras.ops.softmax(scores).numpy().max(-1)
            np.testing.assert_allclose(found[head]["sum"], [confidence.sum(dtype="float64")], rtol=1e-5)
            assert np.abs(found[head]["map"].numpy()[0] - 255 * confidence).max() < 0.6
