"""Which images of a user's int8 is calibrated on."""

import shutil

import numpy as np
import pytest

from fcn_keras.datasets.images import read_image
from fcn_keras.models import FCN32s, LateFusion
from serving.export.accuracy.calibration import read_calibration
from tests.serving.calibrating import scenes, write
from tests.serving.nets import TINY


@pytest.fixture(scope="module")
def net():
    return FCN32s(3, channels=TINY)


@pytest.fixture(scope="module")
def pictures():
    return scenes(150)


@pytest.fixture(scope="module")
def folder(pictures, tmp_path_factory):
    return write(tmp_path_factory.mktemp("images"), pictures)


def test_images_are_chosen_once_and_some_held_out(folder, net):
    calibration = read_calibration(folder, net)
    assert (len(calibration), len(calibration.held_out)) == (128, 20)
    assert not {*calibration.paths} & {*calibration.held_out.paths}
    assert read_calibration(folder, net).paths == calibration.paths
    np.testing.assert_array_equal(calibration[5], read_image(calibration.paths[5]))
    assert [image.shape for image in calibration] == [(32, 48, 3)] * 128


@pytest.mark.parametrize(("count", "calibrated", "held_out"), [(100, 100, 0), (107, 100, 7), (125, 105, 20)])
def test_a_hundred_are_calibrated_on_before_any_is_held_out(pictures, net, tmp_path, count, calibrated, held_out):
    calibration = read_calibration(write(tmp_path, pictures[:count]), net)
    assert (len(calibration), len(calibration.held_out)) == (calibrated, held_out)


def test_too_few_and_copies(pictures, folder, net, tmp_path):
    with pytest.raises(ValueError, match=r"at least 100 different images. Received: 99 in .*few. Add images"):
        read_calibration(write(tmp_path / "few", pictures[:99]), net)
    copies = write(tmp_path / "copies", pictures[:60])
    for path in list(copies.iterdir()):
        shutil.copy(path, copies / f"again_{path.name}")
    with pytest.raises(ValueError, match=r"Received: 120 in .*copies, 60 of them copies"):
        read_calibration(copies, net)
    with pytest.raises(ValueError, match=r"Calibration needs a folder of image files. Received: .*none"):
        read_calibration(tmp_path / "none", net)


def test_hidden_and_other_files_do_not_count_and_damaged_ones_are_named(pictures, net, tmp_path):
    write(tmp_path, pictures[:110])
    (tmp_path / "notes.txt").write_text("no image")
    write(tmp_path / ".trash", pictures[110:])
    assert {path.parent for path in read_calibration(tmp_path, net).paths} == {tmp_path}
    (tmp_path / "000.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"000.png cannot be read as an image"):
        read_calibration(tmp_path, net)


def test_networks_of_two_files_a_scene_are_refused(folder):
    for net, kind in [
        (FCN32s(3, channels=TINY, modality="rgbd"), "RGB-D"),
        (LateFusion(3, channels=TINY), "late fusion"),
    ]:
        with pytest.raises(
            ValueError, match=rf"one image file a scene. Received: a network of {kind}, which takes two"
        ):
            read_calibration(folder, net)


def test_every_image_that_is_asked_for_is_reported(folder, net):
    calibration, reported = read_calibration(folder, net), []
    calibration.watch(reported.append)
    list(calibration)
    assert calibration.held_out[0].shape == (32, 48, 3)
    assert reported == [*calibration.paths, calibration.held_out.paths[0]]


def test_the_network_and_its_training_decide_what_is_alike(pictures, folder, net, tmp_path):
    with pytest.raises(ValueError, match=r"median size is 32x48, the training's sizes are 160x224"):
        read_calibration(folder, net, sizes=[(160, 224)])
    write(tmp_path / "dark", [image // 8 for image in pictures[:110]])
    with pytest.raises(ValueError, match=r"dark look unlike .*the network subtracts 123 117 104; .*--any-images"):
        read_calibration(tmp_path / "dark", net)
    assert len(read_calibration(tmp_path / "dark", net, any_images=True)) == 100
    grey = write(tmp_path / "grey", [np.repeat(image[..., :1], 3, axis=2) for image in pictures[:110]])
    with pytest.raises(ValueError, match="110 of 110 are grey, the network's are not"):
        read_calibration(grey, net)
    assert len(read_calibration(grey, FCN32s(3, channels=TINY, mean=(117, 117, 117)))) == 100
    assert len(read_calibration(grey, FCN32s(3, channels=TINY, modality="hha"))) == 100
