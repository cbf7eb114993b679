"""Where networks are cut, against what the paper's figures and the layers' sizes say by hand."""

import keras
import pytest

from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.inference.stages import cut
from fcn_keras.models import FCN8s, FCN32s, LateFusion
from tests.fcn_keras.inference.small_nets import HEADS, NARROW


def windows(stage):
    names = [layer.name for layer in stage.layers]
    return [name for name in names if name.startswith(("conv", "pool", "fc6", "upscore", "skip"))]


def test_stages_meet_where_the_stride_changes():
    stages = cut(FCN8s(2, channels=NARROW)).stages
    assert [set(windows(stage)) for stage in stages] == [
        {"conv1_1", "conv1_2", "pool1"},
        {"conv2_1", "conv2_2", "pool2"},
        {"conv3_1", "conv3_2", "conv3_3", "pool3"},
        {"conv4_1", "conv4_2", "conv4_3", "pool4"},
        {"conv5_1", "conv5_2", "conv5_3", "pool5"},
        {"fc6"},
        {"upscore2"},
        {"upscore_pool4"},
        {"upscore8"},
    ]
    # Three 3x3 convolutions and a 2x2 pooling at strides 8 and 16: 3 * 8 + 4, 3 * 16 + 8 pixels to each side.
    assert [max(stage.radii) for stage in stages[:5]] == [2.5, 5, 14, 28, 56]
    assert [stage.phase for stage in stages] == [2, 4, 8, 16, 32, 32, 32, 16, 8]
    assert [stage.exact.name if stage.exact else None for stage in stages] == [None] * 5 + ["fc6"] + [None] * 3


def test_stages_of_large_maps_are_joined_with_the_next():
    net = FCN8s(2, channels=(((64, 1), (128, 1), (256, 1), (512, 1), (512, 1)), 8))
    stages = cut(net, most=16).stages
    # pool1 and pool2 take 64 and 32 bytes an image pixel, pool3 16.
    assert windows(stages[0]) == ["conv1_1", "pool1", "conv2_1", "pool2", "conv3_1", "pool3"]
    assert [(x.stride, x.bytes) for x in stages[0].outputs] == [(8, 16)]
    assert (stages[0].phase, stages[0].radii) == (8, ((3 - 1) / 2 * (1 + 2 + 4) + (1 + 2 + 4) / 2,))
    assert [stage.layers for stage in stages[1:]] == [stage.layers for stage in cut(net).stages[3:]]
    assert len(cut(net, most=0).stages) == 1  # the scores themselves may be as large as they are


def test_maps_are_handed_on_once_and_only_where_they_are_needed():
    stages = cut(FCN8s(HEADS, channels=NARROW)).stages
    given = [[(x.stride, x.channels) for x in stage.outputs] for stage in stages]
    # pool3 goes to conv4, whose stage also scores it for both heads; score_fr is the first of three.
    assert sorted(given[2]) == [(8, 16)]
    assert sorted(given[3]) == [(8, 3), (8, 7), (16, 20)]
    assert sorted(given[5]) == [(32, 3), (32, 7)]
    assert sorted(given[-1]) == [(1, 3), (1, 7)]
    taken = {x.key for stage in stages for x in stage.inputs}
    assert all(x.key in taken for stage in stages[:-1] for x in stage.outputs)


def test_two_backbones_share_their_stages():
    found = cut(LateFusion(2, padding="caffe", channels=NARROW))
    assert [(canvas.before, canvas.map.start, canvas.map.more) for canvas in found.canvases] == [(100, -100, 200)] * 2
    assert {canvas.place for canvas in found.canvases} == {0, 1}
    assert [len(stage.outputs) for stage in found.stages] == [2, 2, 2, 2, 2, 1, 1]


def test_windows_of_a_stride_of_their_own_end_a_stage():
    stages = cut(FCNAlexNet(2, channels=((4, 6, 6, 6, 6), 8))).stages
    assert [windows(stage) for stage in stages[:4]] == [
        ["conv1"],
        ["pool1"],
        ["conv2", "pool2"],
        ["conv3", "conv4", "conv5", "pool5"],
    ]
    assert all(stage.exact is None for stage in stages)  # fc6 pads nothing as it is


def test_memory_by_hand():
    layers = keras.layers
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, padding="same")(image)
    x = layers.Dropout(0.5)(x)
    found = cut(keras.Model(image, layers.Conv2D(16, 3, padding="same")(x)))
    # The second convolution: 8 channels of its input, and its output with the copies that labels take. 4 bytes each.
    assert found.whole == found.stages[0].working == 4 * 8 + 3 * 4 * 16
    fc6 = cut(FCN32s(2, channels=NARROW)).stages[5]
    # 20 channels of pool5, twice 49 patches of them, 32 of fc6, at stride 32.
    assert fc6.working == 4 * (2 * 20 + 2 * 49 * 20 + 32) / 32**2


def of_two_outputs():
    net = FCN32s(2, channels=NARROW)
    return keras.Model(net.input, [net.get_layer("pool3").output, net.output])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: FCN32s(2, channels=NARROW), None),
        (of_two_outputs, "among the maps that its stages hand on"),
        (lambda: sequence(keras.layers.UpSampling2D(2)), "receptive field of UpSampling2D layers is not known"),
        (lambda: sequence(keras.layers.Conv2D(2, 3), size=32), "takes images of one size"),
        (lambda: sequence(keras.layers.ReLU()), "among the maps that its stages hand on"),
    ],
)
def test_models_that_cannot_be_cut_are_named(build, message):
    if message is None:
        assert cut(build()).stages
        return
    with pytest.raises(ValueError, match=message):
        cut(build())


def sequence(layer, size=None):
    image = keras.Input((size, size, 3))
    return keras.Model(image, layer(image))
