"""A planted error is the first suspect, whatever the net was trained on; pairs with errors are not asked about."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fcn_keras.datasets.images import read_image
from tests.training.doctor.test_contradictions import sure_of
from tests.training.faulty import change, masks, pixels
from training.doctor.examination import examination
from training.doctor.suspects import TOO_FEW, find_suspects
from training.doctor.suspects_report import panels_of, section, text


class KnowingNet:
    """Knows the true mask of each image of a folder by its pixels, at half the size; tells what it was trained on."""

    path = Path("net.keras")

    def __init__(self, folder, trained=lambda file: False):
        self._known = {}
        for path in sorted(folder.glob("*/images/*")):
            ids = pixels(path.parent.parent / "labels" / path.name)
            self._known[read_image(path).tobytes()] = np.where(ids == 255, 0, ids)
        self._trained = trained

    def fold(self, index):
        return 0

    def __call__(self, image, index):
        return sure_of(self._known[image.tobytes()][1::2, 1::2], 8)

    def trained_on(self, files):
        return [self._trained(Path(file)) for file in files]

    def notes(self, trained):
        return [f"{sum(trained)} known"]


@pytest.fixture(scope="module")
def asked(origin, tmp_path_factory):
    from tests.training.faulty import copy_tree

    data = copy_tree(origin, tmp_path_factory.mktemp("asked") / "data")
    net = KnowingNet(data, lambda file: "train" in file.parts)

    def swap(ids):
        ids[20:40, 30:50] = np.where(ids[20:40, 30:50] == 255, 255, (ids[20:40, 30:50] + 1) % 8)
        return ids

    change(masks(data, "val")[1:2], swap)
    change(masks(data, "train")[:1], lambda ids: np.full_like(ids, 77))
    result = examination(data)
    return SimpleNamespace(result=result, net=net, suspects=find_suspects(result, net))


def test_the_planted_error_is_the_first_suspect(asked):
    suspects = asked.suspects
    assert (suspects.asked, suspects.left_out) == (9, 1)
    assert suspects.notes == ("5 known", TOO_FEW.format(9, "9 images", 19))
    assert [each.file for each in suspects.images] == ["val/labels/1.png"]
    assert suspects.images[0].trained_on is False
    assert suspects.images[0].regions[0] == suspects.regions[0]
    for region in suspects.regions:  # in the image's pixels, though the net saw it smaller
        top, left, bottom, right = region.box
        assert 20 <= top < bottom <= 40
        assert 30 <= left < right <= 50
        assert region.labelled == (region.predicted + 1) % 8
    assert sum(pair.pixels for pair in suspects.class_pairs) <= 100


def test_it_is_told_and_drawn(asked):
    names = asked.result.report.class_names
    told = text(asked.suspects, names)
    assert "9 images asked about; 1 pair with errors left out." in told
    assert "no errors" in told
    region = asked.suspects.regions[0]
    assert f"of {names[region.labelled]!r}, to the net {names[region.predicted]!r}, at " in told
    pair = asked.suspects.class_pairs[0]
    assert f" %  {names[pair.labelled]!r}, to the net {names[pair.predicted]!r}\n" in f"{told}\n"
    assert "9 of the 9 images asked about are held against fewer than 19 others." in told
    photograph, mask, labels, marked = panels_of(asked.result, asked.suspects.images[0], asked.net)
    assert photograph.shape == mask.shape == labels.shape == marked.shape == (60, 84, 3)
    differ = (mask != labels).any(axis=-1)
    assert differ[22:38, 32:48].mean() > 0.8
    drawn = section(asked.result, asked.suspects, asked.net)
    assert len(list(drawn.iter("img"))) == 4


def test_a_net_that_agrees_names_nothing(origin):
    result = examination(origin)
    suspects = find_suspects(result, KnowingNet(origin))
    assert suspects.images == suspects.regions == suspects.class_pairs == ()
    assert "It surely contradicts none." in text(suspects, result.report.class_names)
