"""Parts of a stage by tensors, against those by numbers."""

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.inference.stages import cut
from fcn_keras.inference.steps import steps
from fcn_keras.models import FCN8s
from serving.export.saved_model.positions import Axis, axes
from tests.serving.nets import TINY

STAGES = [
    cut(FCN8s(2, channels=TINY)),
    cut(FCN8s(2, padding="caffe", channels=TINY), most=2),
    cut(FCNAlexNet(2, channels=((4, 6, 6, 6, 6), 8))),
]


@pytest.mark.parametrize("stages", STAGES)
def test_parts_cover_every_map_once_and_read_what_numbers_say(stages):
    generator = np.random.default_rng(0)
    for stage in stages.stages:
        for length in (1, 2000, *generator.integers(1, 1500, 4).tolist()):
            lengths = stages.lengths(length)
            axis = Axis(stage, {key: tf.constant(x) for key, x in lengths.items()}, tf.constant(500))
            parts = [axis.part(tf.constant(number)) for number in range(int(axis.count))]
            for place, x in enumerate(stage.outputs):
                ranges = [tuple(map(int, part.keeps[place])) for part in parts]
                assert [ranges[0][0], *(last for _, last in ranges)] == [*(a for a, _ in ranges), lengths[x.key]]
            expected = steps(stage, lengths, int(axis.kept))
            for part, step in zip(parts, expected, strict=True):
                assert [tuple(map(int, x)) for x in part.keeps] == list(step.keeps)
                assert [int(x) for x in part.skips] == list(step.skips)
            for part, step in zip(parts[:-1], expected[:-1], strict=True):
                assert [tuple(map(int, x)) for x in part.reads] == list(step.reads)


def test_parts_are_few_and_no_larger_than_they_may_be():
    stage = STAGES[0].stages[0]
    down, across = ({key: tf.constant(x) for key, x in STAGES[0].lengths(n).items()} for n in (640, 1280))
    rows, columns = axes(stage, down, across, tf.constant(640 * 1280.0, tf.float64))
    assert (int(rows.count), int(columns.count)) == (1, 1)
    rows, columns = axes(stage, down, across, tf.constant(90_000.0, tf.float64))
    assert int(rows.span) * int(columns.span) <= 90_000
    assert int(rows.count) * int(columns.count) <= 12
    rows, columns = axes(stage, down, across, tf.constant(1.0, tf.float64))
    assert int(rows.kept) == int(columns.kept) == stage.phase
