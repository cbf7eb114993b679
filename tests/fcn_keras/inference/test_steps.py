"""Parts of a stage: they keep every pixel once, read what its windows see, and fit into the budget."""

import keras
import pytest

from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.inference.stages import cut
from fcn_keras.inference.steps import plan, steps
from fcn_keras.layers import CropLike
from fcn_keras.models import FCN8s, FCN32s
from tests.fcn_keras.inference.small_nets import NARROW

TINY = ((4, 6, 6, 6, 6), 8)


def seen_by(stage, keeps, lengths):
    """Find what a stage's kept pixels see of its inputs, layer by layer from the definition of each."""
    layers = keras.layers
    wanted = {x.key: (a, b - 1) for x, (a, b) in zip(stage.outputs, keeps, strict=True) if b > a}
    for layer in reversed(stage.layers):
        if id(layer.output) not in wanted:
            continue
        first, last = wanted[id(layer.output)]
        if isinstance(layer, layers.Conv2DTranspose):
            kernel, stride = layer.kernel_size[0], layer.strides[0]
            pad = (kernel - stride) // 2 if layer.padding == "same" else 0
            first, last = -(-(first + pad - kernel + 1) // stride), (last + pad) // stride
        elif isinstance(layer, (layers.Conv2D, layers.MaxPooling2D)):
            kernel, stride = (
                (layer.pool_size if hasattr(layer, "pool_size") else layer.kernel_size)[0],
                layer.strides[0],
            )
            pad = (kernel - 1) // 2 if layer.padding == "same" and stride == 1 else 0
            first, last = first * stride - pad, last * stride - pad + kernel - 1
        elif isinstance(layer, CropLike):
            first, last = first + layer.offset, last + layer.offset
        sources = keras.tree.flatten(layer.input)
        for x in sources[:1] if isinstance(layer, CropLike) else sources:
            a, b = wanted.get(id(x), (first, last))
            wanted[id(x)] = min(a, first), max(b, last)
    return [
        (max(wanted[x.key][0], 0), min(wanted[x.key][1] + 1, lengths[x.key])) if x.key in wanted else None
        for x in stage.inputs
    ]


NETS = {
    "same": lambda: FCN8s(2, channels=NARROW),
    "caffe": lambda: FCN8s(2, padding="caffe", channels=NARROW),
    "alexnet": lambda: FCNAlexNet(2, channels=TINY),
}


@pytest.mark.parametrize("name", NETS)
def test_every_pixel_is_kept_once_and_sees_all_that_it_sees(name):
    found = cut(NETS[name]())
    for length in (1, 97, 640):
        lengths = found.lengths(length)
        for stage in found.stages:
            for kept in (1, 100, 10**6):
                parts = steps(stage, lengths, kept)
                for place, x in enumerate(stage.outputs):
                    edges = [step.keeps[place] for step in parts]
                    assert [a for a, _ in edges] == [0, *(b for _, b in edges[:-1])]
                    assert edges[-1][1] == lengths[x.key]
                for step in parts:
                    for (first, last), needed in zip(step.reads, seen_by(stage, step.keeps, lengths), strict=True):
                        assert needed is None or first <= needed[0] < needed[1] <= last
                assert len(parts) == 1 or kept < 10**6


def test_parts_by_hand():
    stages = cut(FCN32s(2, channels=NARROW))
    lengths = stages.lengths(100)  # padded to 128
    # pool1's pixel i sees pixels 2 i - 2 to 2 i + 3: 2 more above and below. All parts read 28.
    first, *others = steps(stages.stages[0], lengths, 26)
    assert (first.reads, first.keeps, first.skips) == (((0, 30),), ((0, 14),), (0,))
    assert [step.reads[0] for step in others] == [(26, 56), (52, 82), (78, 108), (98, 128)]
    assert [step.skips[0] for step in others] == [1, 1, 1, 4]
    # fc6 sees 3 pixels of pool5 to each side, and zeros around all four.
    one, two = steps(stages.stages[5], lengths, 64)
    assert (one.reads, two.reads) == (((-3, 5),), ((-1, 7),))


@pytest.mark.parametrize("name", NETS)
def test_a_smaller_budget_takes_less_and_all_parts_have_few_sizes(name):
    found = cut(NETS[name]())
    memories = [2**30, 2**24, 2**22, 2**21]
    plans = [plan(found, 1000, 1400, memory, "labels") for memory in memories]
    assert [p.memory <= m for p, m in zip(plans, memories, strict=True)] == [True] * len(plans)
    assert all(len(rows) == 1 for rows in plans[0].rows)
    for each in plans:
        for axis in (each.rows, each.columns):
            for parts in axis:
                assert len({tuple(b - a for a, b in step.reads) for step in parts}) <= 3  # two at the end
    assert plan(found, 1000, 1400, 1, "labels").memory > 1  # the smallest parts
