"""Which images of a user's int8 is calibrated on, and which folders are refused."""

import shutil

import numpy as np
import pytest

from fcn_keras.datasets.images import read_image
from fcn_keras.models import FCN32s, LateFusion
from serving.export.accuracy.calibration import read_calibration
from tests.serving.calibrating import scenes, write

TINY = (((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 8)


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
    found = read_calibration(folder, net)
    assert (len(found), len(found.held_out)) == (128, 20)
    assert not {*found.paths} & {*found.held_out.paths}
    assert read_calibration(folder, net).paths == found.paths
    np.testing.assert_array_equal(found[5], read_image(found.paths[5]))
    assert [image.shape for image in found] == [(32, 48, 3)] * 128


@pytest.mark.parametrize(("count", "calibrated", "held_out"), [(100, 100, 0), (107, 100, 7), (125, 105, 20)])
def test_a_hundred_are_calibrated_on_before_any_is_held_out(pictures, net, tmp_path, count, calibrated, held_out):
    found = read_calibration(write(tmp_path, pictures[:count]), net)
    assert (len(found), len(found.held_out)) == (calibrated, held_out)


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


def grey(image):
    return np.repeat(image[..., :1], 3, axis=2)


def mask(image):
    return np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]], np.uint8)[image[..., 0] // 64]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (grey, r"110 of 110 are grey, the network's are not"),
        (mask, r"110 of 110 hold fewer than 48 colours, as masks do"),
        (lambda image: image // 8, r"their mean colour is \d+ \d+ \d+, the network subtracts 123 117 104"),
        (lambda image: np.full_like(image, image[0, 0] // 2) + image % 2, r"110 of 110 are of a single colour"),
        (lambda image: image[:20], r"their median size is 20x48; 32 pixels a side are the least"),
    ],
)
def test_images_unlike_the_training_s_are_refused(pictures, net, tmp_path, change, message):
    write(tmp_path, [change(image) for image in pictures[:110]])
    with pytest.raises(ValueError, match=rf"unlike those of the training: {message}.*--any-images"):
        read_calibration(tmp_path, net)
    assert len(read_calibration(tmp_path, net, any_images=True)) == 100


def test_a_few_odd_images_are_let_through(pictures, net, tmp_path):
    write(tmp_path, [mask(image) if index < 10 else image for index, image in enumerate(pictures[:110])])
    assert len(read_calibration(tmp_path, net)) == 100


def test_sizes_are_compared_with_the_training_s(folder, net):
    assert len(read_calibration(folder, net, sizes=[(128, 192), (128, 192)])) == 128  # four times as high and wide
    with pytest.raises(ValueError, match=r"median size is 32x48, the training's sizes are 160x224"):
        read_calibration(folder, net, sizes=[(160, 224)])


def test_what_a_network_was_trained_on_decides(pictures, tmp_path):
    write(tmp_path, [grey(image) for image in pictures[:110]])
    assert len(read_calibration(tmp_path, FCN32s(3, channels=TINY, mean=(117, 117, 117)))) == 100
    assert len(read_calibration(tmp_path, FCN32s(3, channels=TINY, modality="hha"))) == 100


def test_networks_of_two_files_a_scene_are_refused(folder):
    for net, kind in [
        (FCN32s(3, channels=TINY, modality="rgbd"), "RGB-D"),
        (LateFusion(3, channels=TINY), "late fusion"),
    ]:
        with pytest.raises(
            ValueError, match=rf"one image file a scene. Received: a network of {kind}, which takes two"
        ):
            read_calibration(folder, net)
