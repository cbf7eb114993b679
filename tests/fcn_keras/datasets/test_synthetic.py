import ast
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fcn_keras.datasets import synthetic
from fcn_keras.datasets.synthetic import CAMERA_HEIGHT, FAR, GEO, HORIZON, SEM, Synthetic, _border

SKY, GROUND = SEM.index("sky"), SEM.index("ground")


def same(one, other):
    return one.keys() == other.keys() and all(
        same(one[key], other[key]) if isinstance(one[key], dict) else np.array_equal(one[key], other[key])
        for key in one
    )


def test_example_holds_what_the_networks_need():
    scenes = Synthetic(3, seed=0)
    assert len(scenes) == 3
    assert scenes.sizes == [(128, 160)] * 3
    assert len(set(scenes.ids)) == 3
    assert scenes.num_classes == len(scenes.class_names) == 8
    example = scenes[0]
    assert {key: (value.shape, value.dtype) for key, value in example.items()} == {
        "image": ((128, 160, 3), np.uint8),
        "label": ((128, 160), np.uint8),
        "depth": ((128, 160), np.uint16),
        "hha": ((128, 160, 3), np.uint8),
    }
    assert all(value.flags.c_contiguous for value in example.values())


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 1), (33, 47), (61, 200)])
def test_any_size(size):
    scenes = Synthetic(4, seed=3, height=size[0], width=size[1], heads=True)
    for example in scenes:
        assert example["image"].shape == (*size, 3)
        assert example["label"]["sem"].shape == example["label"]["geo"].shape == size
        assert set(np.unique(example["label"]["sem"])) <= {*range(8), 255}


def test_an_example_depends_on_seed_and_index_only():
    once = list(Synthetic(6, seed=5))
    again = Synthetic(9, seed=5)
    assert all(same(once[index], again[index]) for index in (5, 0, 3, 3))
    assert same(again[-1], again[8])
    assert not np.array_equal(once[0]["image"], once[1]["image"])
    assert not np.array_equal(once[0]["image"], Synthetic(1, seed=6)[0]["image"])


def test_reading_in_threads_changes_nothing():
    scenes = Synthetic(12, seed=1, height=48, width=64)
    with ThreadPoolExecutor(4) as pool:
        assert all(same(one, other) for one, other in zip(pool.map(scenes.__getitem__, range(12)), scenes, strict=True))


def test_heads_share_void_and_agree():
    scenes = Synthetic(5, seed=2, heads=True)
    assert scenes.num_classes == {"sem": 8, "geo": 3}
    assert scenes.class_names == {"sem": SEM, "geo": GEO}
    expected = {"sky": "sky", "ground": "horizontal"}
    for example, plain in zip(scenes, Synthetic(5, seed=2), strict=True):
        sem, geo = example["label"]["sem"], example["label"]["geo"]
        assert np.array_equal(sem, plain["label"])
        assert np.array_equal(sem == 255, geo == 255)
        for index, name in enumerate(SEM):
            assert np.all(geo[sem == index] == GEO.index(expected.get(name, "vertical")))


def test_ground_depth_follows_the_camera():
    for example in Synthetic(5, seed=4):
        ground = example["label"] == GROUND
        y, _ = np.nonzero(ground)
        # A ray through row y falls (y + 0.5 - horizon) / focal for each millimetre it goes.
        expected = CAMERA_HEIGHT * 128 / (y + 0.5 - HORIZON * 128)
        assert np.abs(example["depth"][ground] - expected).max() <= 0.5


def test_the_sky_is_a_backdrop_and_nothing_is_behind_it():
    for example in Synthetic(5, seed=4):
        assert np.all(example["depth"][example["label"] == SKY] == FAR)
        assert example["depth"].max() <= FAR
        assert example["depth"].min() > 0


def test_hha_of_known_pixels():
    example = Synthetic(1, seed=4)[0]
    label, depth, hha = example["label"], example["depth"] / 10, example["hha"].astype(int)  # depth in cm
    solid = label != 255
    assert np.abs(hha[..., 0] - 31_000 / np.maximum(depth, 100)).max() <= 1.1
    assert np.all(hha[..., 1][label == GROUND] == 0)
    assert np.all(hha[..., 2][label == GROUND] == 38)
    assert np.all(hha[..., 2][solid & (label != GROUND)] == 128)
    upright = solid & (label != GROUND)
    rows = np.broadcast_to(np.arange(128)[:, None] + 0.5 - HORIZON * 128, label.shape)
    height = np.clip(CAMERA_HEIGHT / 10 - rows * depth / 128, 0, 255)
    assert np.abs(hha[..., 1] - height)[upright].max() <= 1.1


def test_objects_stand_on_the_ground_before_what_they_cover():
    for example in Synthetic(10, seed=7):
        label, depth = example["label"], example["depth"].astype(int)
        crates = label == SEM.index("crate")
        # The ground below an object's foot is nearer than the object.
        y, x = np.nonzero(crates[:-2] & (label[1:-1] == 255) & (label[2:] == GROUND))
        assert np.all(depth[y + 2, x] <= depth[y, x])
        assert example["hha"][..., 1][crates].max(initial=0) <= 95  # crates are at most 950 mm tall


def test_border_is_one_pixel_on_the_farther_side():
    instance = np.array(
        [
            [0, 0, 0, 0, 0],
            [0, 1, 1, 2, 2],
            [0, 1, 1, 2, 2],
        ],
        np.uint8,
    )
    expected = np.array(
        [
            [0, 1, 1, 1, 1],
            [1, 0, 1, 0, 0],
            [1, 0, 1, 0, 0],
        ],
        bool,
    )
    assert np.array_equal(_border(instance), expected)


def test_every_class_appears_and_void_stays_thin():
    pixels = sum(np.bincount(example["label"].ravel(), minlength=256) for example in Synthetic(40, seed=8))
    share = pixels / pixels.sum()
    assert np.all(share[:8] > 0.008)
    assert 0.01 < share[255] < 0.06
    assert np.all(share[8:255] == 0)


def test_coarse_strides_cannot_draw_these_scenes():
    ious = []
    for stride in (32, 16, 8):
        matrix = np.zeros((8, 8), int)
        for example in Synthetic(30, seed=9):
            label = example["label"]
            votes = (label[..., None] == np.arange(8)).reshape(128 // stride, stride, 160 // stride, stride, 8)
            coarse = votes.sum(axis=(1, 3)).argmax(-1).repeat(stride, 0).repeat(stride, 1)
            known = label != 255
            np.add.at(matrix, (label[known], coarse[known]), 1)
        hits = np.diag(matrix)
        ious.append((hits / (matrix.sum(0) + matrix.sum(1) - hits)).mean())
    assert ious[0] < 0.5 < ious[1] + 0.05 < 0.65 < ious[2] < 0.88


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"`count` must be at least 0. Received: -1"):
        Synthetic(-1, seed=0)
    with pytest.raises(ValueError, match=r"`seed` must be at least 0. Received: -3"):
        Synthetic(1, seed=-3)
    with pytest.raises(ValueError, match=r"`height` must be at least 1. Received: 0"):
        Synthetic(1, seed=0, height=0)
    with pytest.raises(ValueError, match=r"`width` must be at least 1. Received: 0"):
        Synthetic(1, seed=0, width=0)
    with pytest.raises(IndexError):
        Synthetic(1, seed=0)[1]


def test_module_needs_numpy_and_pillow_only():
    folder = Path(synthetic.__file__).parent
    for name in ("synthetic.py", "scenery.py", "folder.py", "classes.py", "images.py"):
        tree = ast.parse((folder / name).read_text())
        froms = [
            node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level
        ]
        plain = [
            alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        ]
        assert {*froms, *plain} - sys.stdlib_module_names <= {"numpy", "PIL", "pillow_heif"}  # the last for HEIC alone
