"""What may be asked for, by the memory that it takes."""

import logging

import keras
import pytest

from fcn_keras.models import FCN8s, FCN32s, LateFusion
from serving.export.saved_model.frozen_network import freeze
from serving.export.saved_model.limits import MAX_DECODED, WHOLE, Limits, limits_of
from tests.serving.nets import TINY

MIB = 2**20


def network_of(net, memory):
    return freeze(net, memory)[0]


def test_a_vgg16_of_full_width_answers_a_phone_s_photographs_in_two_gibibytes():
    """By hand: pool4, pool5 and scores of pool3 and pool4, 512 / 256 + 512 / 1024 + 21 / 64 + 21 / 256 floats a pixel.

    pool3 exists in blocks of as many bytes as a part takes.
    """
    channels = (((64, 1), (128, 1), (256, 1), (512, 1), (512, 1)), 8)
    network = network_of(FCN8s(21, channels=channels), 2048 * MIB)
    assert network.way.waiting == 4 * (512 / 256 + 512 / 1024 + 21 / 64 + 21 / 256)
    assert network.way.in_blocks == 4 * 256 / 64
    assert limits_of(network, memory=2048 * MIB, max_pixels=None).scored == MAX_DECODED == 64_000_000
    assert limits_of(network, memory=1500 * MIB, max_pixels=None).scored < MAX_DECODED
    less = limits_of(network, memory=1024 * MIB, max_pixels=None)
    assert less.scored == int((1024 * MIB - network.way.memory * 7 / 3) / (2 * 3 + 1 + 3 + network.way.waiting))
    assert less.scored > 12_000_000
    assert less.reduced < less.scored  # for whose labels scores of every pixel are kept, 84 bytes
    assert limits_of(network, memory=1024 * MIB, max_pixels=5000) == Limits(5000, 5000, less.decoded)


def test_without_memory_the_operator_s_pixels_are_the_limit():
    network = network_of(FCN32s(3, channels=TINY), None)
    assert limits_of(network, memory=None, max_pixels=70_000_000) == Limits(70_000_000, 70_000_000, 70_000_000)
    assert limits_of(network, memory=None, max_pixels=9) == Limits(9, 9, MAX_DECODED)


def test_two_photographs_and_two_heads_take_more():
    one = limits_of(network_of(FCN32s(3, channels=TINY), 64 * MIB), memory=64 * MIB, max_pixels=None)
    late = limits_of(network_of(LateFusion(3, channels=TINY), 64 * MIB), memory=64 * MIB, max_pixels=None)
    heads = network_of(FCN32s({"a": 3, "b": 300}, channels=TINY), 64 * MIB)
    assert late.scored < one.scored
    two = limits_of(heads, memory=64 * MIB, max_pixels=None)
    assert two.scored < one.scored
    mapped = limits_of(heads, memory=64 * MIB, max_pixels=None, maps=2)
    assert mapped.scored < two.scored
    assert mapped.decoded < two.decoded


@keras.saving.register_keras_serializable("tests")
class Unknown(keras.layers.Layer):
    """A layer whose geometry nobody knows."""

    def call(self, x):
        return x + 0


def test_a_network_that_cannot_be_cut_runs_on_whole_images_and_says_so(tmp_path, caplog):
    from serving.export.saved_model.contents import _limits

    net = FCN32s(3, channels=TINY)
    net = keras.Model(net.input, Unknown()(net.output))
    network = network_of(net, 2048 * MIB)
    assert network.reason.startswith("The receptive field of Unknown layers is not known.")
    assert limits_of(network, memory=2048 * MIB, max_pixels=None).scored == WHOLE
    with caplog.at_level(logging.WARNING, "fcn-export"):
        assert _limits(network, 2048 * MIB, 9_000_000, []).scored == 9_000_000
    assert "at most 9000000 pixels are scored. The receptive field of Unknown" in caplog.text
    with pytest.raises(
        ValueError, match=r"`sizes` are at most 480000 pixels, which the memory allows\. Received: 900x"
    ):
        _limits(network, None, None, [(900, 900)])
