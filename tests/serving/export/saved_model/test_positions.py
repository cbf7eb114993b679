"""Parts of a stage by tensors, against those by numbers."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.inference.stages import cut
from fcn_keras.inference.steps import steps
from fcn_keras.models import FCN8s
from serving.export.saved_model.positions import Axis, Part, axes, table
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


def numbers(ranges):
    return [tuple(map(int, x)) for x in ranges]


@pytest.mark.parametrize("stages", STAGES)
def test_parts_of_a_block_keep_what_is_wanted_once_and_read_all_that_it_sees(stages):
    """Of a block that a stage reads, and of what it keeps of that block."""
    generator = np.random.default_rng(1)
    pairs = [(a, b) for a, b in itertools.pairwise(stages.stages) if set(a.outputs) <= set(b.inputs)]
    assert len(pairs) > 2
    for inner, stage in pairs:
        for length in (1, 900, *generator.integers(1, 1500, 2).tolist()):
            lengths = {key: tf.constant(x) for key, x in stages.lengths(length).items()}
            axis = Axis(stage, lengths, tf.constant(600))
            for number in {0, int(axis.count) // 2, int(axis.count) - 1}:
                block = axis.part(tf.constant(number))
                read = dict(zip([x.key for x in stage.inputs], numbers(block.reads), strict=True))
                wanted = [np.clip(read[x.key], 0, int(lengths[x.key])).tolist() for x in inner.outputs]
                for of_block, given in ((wanted, inner), (numbers(block.keeps), stage)):
                    smaller = Axis(given, lengths, tf.constant(200), tf.constant(of_block))
                    parts = [smaller.part(tf.constant(place)) for place in range(int(smaller.count))]
                    for place, wanted in enumerate(of_block):
                        ranges = [tuple(map(int, part.keeps[place])) for part in parts]
                        assert [first for first, _ in ranges] == [wanted[0], *(last for _, last in ranges[:-1])]
                        assert ranges[-1][1] == wanted[1]
                    for part in parts:
                        seen_is_read(given, numbers(part.keeps), numbers(part.reads), stages.lengths(length))
                        if given is stage and stage.exact is None:
                            pairs_read = zip(numbers(part.reads), numbers(block.reads), strict=True)
                            assert all(a >= first and b <= last for (a, b), (first, last) in pairs_read)


def test_a_table_says_what_parts_read_and_write():
    """By hand: of a map, an array holds the pixels from 2 to 6."""
    parts = Part(tf.constant([[[-3, 4]], [[5, 12]], [[8, 9]]]), tf.constant([[[6, 8]]] * 3), tf.constant([[1]] * 3))
    rows = table(parts, tf.constant([[2, 5]]))
    np.testing.assert_array_equal(rows[:, :4], [[0, 2, 5, 0], [3, 5, 0, 5], [5, 5, 0, 1]])
    np.testing.assert_array_equal(rows[:, 4:], [[6, 8, 1, 3]] * 3)


def seen_is_read(stage, keeps, reads, lengths):
    """Compare by the centres of pixels and how far they see, in image pixels."""
    for x, radius, (first, last) in zip(stage.outputs, stage.radii, keeps, strict=True):
        low, high = x.start + x.stride * first - radius, x.start + x.stride * (last - 1) + radius
        for given, alone, (begin, end) in zip(stage.inputs, stage.size_alone, reads, strict=True):
            centres = given.start + given.stride * np.arange(lengths[given.key])
            (seen,) = np.nonzero((centres >= low) & (centres <= high))
            if last > first and len(seen) and not alone:
                assert begin <= seen[0]
                assert seen[-1] < end


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
