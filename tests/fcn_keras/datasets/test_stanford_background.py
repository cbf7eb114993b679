import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.stanford_background import GEO, SEM, StanfordBackground

IDS = tuple(f"{number:07d}" for number in (47, 51, 59, 72, 87, 176, 382))
REGIONS = np.array([[0, 1, 2, 3, 4], [5, 6, 7, -1, 0]])
SURFACES = np.array([[0, 2, 1, 1, 1], [2, 2, 1, -1, -1]])  # labelled by hand: its void is not that of the regions


def write_matrix(path, matrix):
    path.write_text("\n".join(" ".join(str(value) for value in row) for row in matrix) + "\n")


def write_miniature(folder):
    """Write seven scenes of 2x5 as distributed: 6 for training, 1 for validation."""
    root = folder / "iccv09Data"
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    for number, key in enumerate(IDS):
        Image.fromarray(np.full((2, 5, 3), 30 * number, np.uint8)).save(root / f"images/{key}.jpg")
        write_matrix(root / f"labels/{key}.regions.txt", np.roll(REGIONS, number, 1))
        write_matrix(root / f"labels/{key}.surfaces.txt", np.roll(SURFACES, number, 1))
        write_matrix(root / f"labels/{key}.layers.txt", np.ones((2, 5), int))


def write_png(folder):
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for key in IDS:
        Image.fromarray(np.full((2, 5, 3), 9, np.uint8)).save(folder / f"images/{key}.jpg")
        Image.fromarray((REGIONS % 256).astype(np.uint8)).save(folder / f"labels/{key}.png")


@pytest.fixture
def tree(tmp_path):
    write_miniature(tmp_path)
    return tmp_path


def test_an_example_of_the_original(tree):
    examples = StanfordBackground(tree, "train")
    assert len(examples) == 6
    assert examples.sizes == [(2, 5)] * 6
    assert examples.num_classes == {"sem": 8, "geo": 3}
    assert examples.class_names == {"sem": SEM, "geo": GEO}
    for key, example in zip(examples.ids, examples, strict=True):
        number = IDS.index(key)
        assert np.abs(example["image"].astype(int) - 30 * number).max() <= 2
        sem, geo = example["label"]["sem"], example["label"]["geo"]
        assert sem.dtype == geo.dtype == np.uint8
        assert np.roll(sem, -number, 1).tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 255, 0]]
        assert np.roll(geo, -number, 1).tolist() == [[0, 2, 1, 1, 1], [2, 2, 1, 255, 255]]
    assert StanfordBackground(tree / "iccv09Data", "train").ids == examples.ids


def test_geometry_is_derived_where_only_masks_are(tmp_path):
    write_png(tmp_path)
    label = StanfordBackground(tmp_path, "val")[0]["label"]
    assert label["sem"].tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 255, 0]]
    expected = dict.fromkeys(SEM, "vertical") | {"sky": "sky"}
    expected |= dict.fromkeys(("road", "grass", "water"), "horizontal")
    for index, name in enumerate(SEM):
        assert np.all(label["geo"][label["sem"] == index] == GEO.index(expected[name]))
    assert np.array_equal(label["geo"] == 255, label["sem"] == 255)


def test_one_head(tree):
    examples = StanfordBackground(tree, "val", heads=False)
    assert examples.num_classes == 8
    assert examples.class_names == SEM
    assert examples[0]["label"].shape == (2, 5)
    for path in (tree / "iccv09Data/labels").glob("*.surfaces.txt"):
        path.unlink()
    assert StanfordBackground(tree, "train", heads=False).verify().sum() == 6 * 9


def test_the_division_is_by_hash(tree):
    lowest = min(IDS, key=lambda key: hashlib.sha256(key.encode()).hexdigest())
    assert StanfordBackground(tree, "val").ids == (lowest,)
    assert StanfordBackground(tree, "train").ids == tuple(key for key in IDS if key != lowest)
    (tree / "iccv09Data/val.txt").write_text(f"{IDS[3]}\n{IDS[1]}\n")
    assert StanfordBackground(tree, "val").ids == (IDS[3], IDS[1])


def test_threads_and_verify(tree):
    examples = StanfordBackground(tree, "train")
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda index: examples[index % 6], range(24)))
    assert all(
        np.array_equal(example["label"]["sem"], examples[i % 6]["label"]["sem"]) for i, example in enumerate(read)
    )
    counts = examples.verify()
    assert counts["sem"].tolist() == [12, 6, 6, 6, 6, 6, 6, 6]
    assert counts["geo"].tolist() == [6, 24, 18]
    with pytest.raises(IndexError):
        examples[6]


def test_wrong_trees_are_refused(tmp_path, tree):
    with pytest.raises(ValueError, match=r"`split` must be one of train, val. Received: 'test'"):
        StanfordBackground(tree, "test")
    with pytest.raises(ValueError, match=r"images is missing. Download http://.*tar.gz and unpack it into .*nowhere"):
        StanfordBackground(tmp_path / "nowhere", "train")
    labels = tree / "iccv09Data" / "labels"
    (labels / f"{IDS[2]}.surfaces.txt").unlink()
    with pytest.raises(ValueError, match=r"labels lacks 1 of . files: 0000059.surfaces.txt. Download http"):
        [StanfordBackground(tree, split) for split in ("train", "val")]
    for key in IDS[2:]:
        (tree / f"iccv09Data/images/{key}.jpg").unlink()
    with pytest.raises(ValueError, match=r"images holds 2 images. Download http"):
        StanfordBackground(tree, "train")


def test_bad_labels_are_refused(tree):
    examples = StanfordBackground(tree, "train")
    regions = tree / f"iccv09Data/labels/{examples.ids[0]}.regions.txt"
    surfaces = tree / f"iccv09Data/labels/{examples.ids[0]}.surfaces.txt"
    write_matrix(surfaces, np.where(SURFACES == 2, 3, SURFACES))
    with pytest.raises(ValueError, match=r"`label` may hold 0..2 or 255 \(void\). Received: \[3\] in .*surfaces.txt"):
        examples[0]
    write_matrix(regions, REGIONS[:, :4])
    with pytest.raises(ValueError, match=r"must have one size. Received: \(2, 5\) in .*jpg, \(2, 4\) in .*regions.txt"):
        examples[0]
    regions.write_text("0 1 2\n0 1\n")
    with pytest.raises(ValueError, match=r"regions.txt is no matrix of integers: .*Unpack http"):
        examples[0]
    regions.unlink()
    with pytest.raises(ValueError, match=r"regions.txt is no matrix of integers: .*not found.*Unpack http"):
        examples[0]


def test_the_scenes_beside_the_checkout(shared):
    folder = shared / "data" / "stanford_background"
    train, val = (StanfordBackground(folder, split) for split in ("train", "val"))
    assert (len(train), len(val)) == (572, 143)
    assert not set(train.ids) & set(val.ids)
    assert val.ids[:3] == ("0000087", "0000794", "0000952")
    counts = np.zeros(3, int)
    for index in range(0, 143, 7):
        example = val[index]
        assert example["image"].shape[:2] == example["label"]["sem"].shape == example["label"]["geo"].shape
        counts += np.bincount(example["label"]["geo"].ravel(), minlength=256)[:3]
    assert np.all(counts / counts.sum() > 0.1)
