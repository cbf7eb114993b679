"""Images that are unlike those of a training, and what says so."""

import numpy as np
import pytest

from serving.export.accuracy.calibration_checks import require_alike
from tests.serving.calibrating import scenes

MEAN = (123, 117, 104)


@pytest.fixture(scope="module")
def pictures():
    return scenes(60)


def require(images, *, mean=MEAN, modality="rgb", sizes=()):
    require_alike(images, "photos", mean=np.array(mean), modality=modality, sizes=sizes)


def grey(image):
    return np.repeat(image[..., :1], 3, axis=2)


def mask(image):
    return np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]], np.uint8)[image[..., 0] // 64]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (grey, r"60 of 60 are grey, the network's are not"),
        (mask, r"60 of 60 hold fewer than 48 colours, as masks do"),
        (lambda image: image // 8, r"their mean colour is \d+ \d+ \d+, the network subtracts 123 117 104"),
        (lambda image: np.full_like(image, image[0, 0] // 2) + image % 2, r"60 of 60 are of a single colour"),
        (lambda image: image[:20], r"their median size is 20x48; 32 pixels a side are the least"),
    ],
)
def test_images_unlike_the_training_s_are_refused(pictures, change, message):
    require(pictures)
    with pytest.raises(
        ValueError, match=rf"The images in photos look unlike those of the training: {message}.*--any-im"
    ):
        require([change(image) for image in pictures])


def test_a_few_odd_images_are_let_through(pictures):
    require([mask(image) if index < 6 else image for index, image in enumerate(pictures)])
    with pytest.raises(ValueError, match="7 of 60 hold fewer than 48 colours"):
        require([mask(image) if index < 7 else image for index, image in enumerate(pictures)])


def test_sizes_are_compared_with_the_training_s(pictures):
    require(pictures, sizes=[(128, 192), (128, 192)])  # four times as high and wide
    with pytest.raises(ValueError, match=r"median size is 32x48, the training's sizes are 160x224"):
        require(pictures, sizes=[(160, 224)])


def test_what_a_network_was_trained_on_decides(pictures):
    images = [grey(image) for image in pictures]
    require(images, mean=(117, 117, 117))
    require(images, modality="hha")
