"""README's first picture: what is drawn where, that nothing is shown that was trained on, and what is said of it."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.tiny import NAMES, data_set, saved, stage
from tools.street_scenes import ALPHA, COLORS, GAP, HEAD, LINE, figure, labelled, painted
from training.workdir.trained_model import load_model

STREET = tuple(COLORS)
ROOT = Path(__file__).resolve().parents[2]


def test_photograph_labels_truth_and_the_classes_that_occur():
    photograph = np.full((40, 400, 3), 100, np.uint8)
    labels = np.full((40, 400), STREET.index("road"))
    truth = np.full((40, 400), STREET.index("sky"))
    truth[:, 200:] = 255
    drawn = np.asarray(figure([(photograph, labels, truth)] * 2, STREET))
    assert drawn.shape == (HEAD + 2 * (40 + GAP) + LINE, 3 * 400 + 2 * GAP, 3)
    mixed = {name: np.rint((1 - ALPHA) * 100 + ALPHA * np.array(COLORS[name])).astype(int) for name in STREET}
    for top in (HEAD, HEAD + 40 + GAP):
        row = drawn[top + 20]
        assert (row[:400] == 100).all()
        assert (row[400 + GAP : 800 + GAP] == mixed["road"]).all()
        assert (row[800 + 2 * GAP : 1000 + 2 * GAP] == mixed["sky"]).all()
        assert (row[1000 + 2 * GAP :] == 100).all()  # void keeps the photograph
        assert (row[400 : 400 + GAP] == 255).all()
    legend = drawn[-LINE:]
    shown = {name for name in STREET if (legend == COLORS[name]).all(axis=-1).sum() > 100}
    assert shown == {"sky", "road"}


def test_a_long_legend_takes_two_rows_within_the_picture():
    labels = np.arange(11).repeat(20)[None].repeat(10, axis=0)
    photograph = np.zeros((10, 220, 3), np.uint8)
    drawn = np.asarray(figure([(photograph, labels, labels)], STREET))
    rows = (drawn.shape[0] - HEAD - 10 - GAP) // LINE
    legend = drawn[-rows * LINE :]
    assert rows == 3
    assert all((legend == COLORS[name]).all(axis=-1).sum() > 100 for name in STREET)
    assert (legend[:, :10] == 255).all()
    assert (legend[:, -10:] == 255).all()


def test_only_what_was_held_out_is_shown(tmp_path):
    from fcn_keras.inference import predict
    from fcn_keras.models import FCN32s

    net = saved(FCN32s(4, channels=(((4, 1),) * 5, 4)), tmp_path / "net.keras")
    for split in ("train", "val"):
        data_set(tmp_path / "photos", 4, split=split, sizes=[(40, 33), (32, 64)][: 2 if split == "train" else 1])
    (tmp_path / "photos" / "classes.txt").write_text("\n".join(NAMES))
    run = stage(tmp_path / "run", net, "folder_fcn32s", data=tmp_path / "photos")
    names, [(photograph, labels, truth)] = labelled(run, ["0"])
    assert names == NAMES
    np.testing.assert_array_equal(photograph, Image.open(tmp_path / "photos/val/images/0.png"))
    np.testing.assert_array_equal(truth, Image.open(tmp_path / "photos/val/labels/0.png"))
    np.testing.assert_array_equal(labels, predict(load_model(run / "best.keras"), photograph))
    with pytest.raises(ValueError, match=r"1 was not held out of .*run\. Choose of 0\."):
        labelled(run, ["0", "1"])


def test_colours_are_far_apart_on_the_darkest_and_the_lightest_photograph():
    for grey in (0, 255):
        photograph = np.full((1, 11, 3), grey, np.uint8)
        colors = painted(photograph, np.arange(11)[None], STREET)[0].astype(int)
        apart = [np.linalg.norm(a - b) for i, a in enumerate(colors) for b in colors[:i]]
        assert min(apart) > 40


def test_the_picture_is_small_and_its_source_and_licence_stand_beside_it():
    picture = ROOT / "docs" / "street_scenes.jpg"
    assert picture.stat().st_size < 300_000
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    caption = re.search(r"^!\[.*?\]\(docs/street_scenes\.jpg\)\n\n(.*?)\n\n", readme, re.MULTILINE | re.DOTALL)[1]
    caption = " ".join(caption.split())
    assert "Brostow, Fauqueur and Cipolla" in caption
    assert "https://creativecommons.org/licenses/by-nc/4.0/" in caption
    assert "prune docs" in (ROOT / "MANIFEST.in").read_text().splitlines()  # nor is it part of what is installed
