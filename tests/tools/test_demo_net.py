"""The file of the demo's net: the same net in half the bytes."""

import zipfile

import numpy as np

import fcn_keras as fcn
from fcn_keras import keras_files
from tools.demo_net import halve


def test_a_halved_file_is_the_same_net_in_float16(tmp_path):
    channels = (((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 8)
    model = fcn.FCN8s(3, channels=channels)
    model.compile("adam", fcn.PixelCrossentropy())
    model.save(tmp_path / "net.keras")
    halve(tmp_path / "net.keras", tmp_path / "a.keras")
    assert (tmp_path / "a.keras").stat().st_size < (tmp_path / "net.keras").stat().st_size
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
    read = keras_files.load_model(tmp_path / "a.keras")
    assert [weight.path for weight in read.weights] == [weight.path for weight in model.weights]
    for ours, theirs in zip(read.weights, model.weights, strict=True):
        halves = np.asarray(theirs.value, np.float32).astype(np.float16)
        np.testing.assert_array_equal(np.asarray(ours.value), halves.astype(np.float32))
