"""What the converter is given, and what it leaves out."""

import pytest

from fcn_keras.models import FCN32s
from serving.export.litert import graph
from serving.export.litert.convert import convert
from tests.serving.nets import TINY, randomize


@pytest.mark.parametrize(("precision", "bytes_a_weight"), [("fp32", 4), ("fp16", 2)])
def test_large_kernels_are_left_out(precision, bytes_a_weight, monkeypatch):
    net = randomize(FCN32s(2, channels=TINY))
    whole, kernels = convert(net, labels=True, precision=precision)
    assert not kernels
    monkeypatch.setattr(graph, "LARGEST_CONSTANT", 7 * 7 * 8 * 8 - 1)
    rest, kernels = convert(net, labels=True, precision=precision)
    assert kernels == {"fc6": net.get_layer("fc6").kernel}
    assert len(whole) - len(rest) == pytest.approx(bytes_a_weight * 7 * 7 * 8 * 8, rel=0.1)
