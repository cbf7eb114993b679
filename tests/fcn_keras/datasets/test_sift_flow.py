import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from fcn_keras.datasets.sift_flow import _TEST, GEO, SEM, SiftFlow

PLACES = "spatial_envelope_256x256_static_8outdoorcategories"
IDS = {"trainval": ("street_urb2", "coast_a1"), "test": ("forest_b3",)}


def write_scene(root, key, image, sem, geo):
    """Write one scene; `sem` counts from 1 with 0 void, `geo` from 1 with -1 void."""
    for folder in ("Images", "SemanticLabels", "GeoLabels"):
        (root / folder / PLACES).mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(image, np.uint8)).save(root / "Images" / PLACES / f"{key}.jpg", quality=95)
    names = np.array([*SEM], object)
    savemat(root / "SemanticLabels" / PLACES / f"{key}.mat", {"S": np.asarray(sem, np.uint8), "names": names})
    savemat(
        root / "GeoLabels" / PLACES / f"{key}.mat", {"S": np.asarray(geo, np.int16), "names": np.array([*GEO], object)}
    )


def write_miniature(folder):
    """Write three scenes of 5x7 and the lists of their splits: trainval 2, test 1."""
    root = folder / "SiftFlowDataset"
    for number, key in enumerate([*IDS["trainval"], *IDS["test"]]):
        sem = np.arange(35).reshape(5, 7) % 34
        geo = np.arange(35).reshape(5, 7) % 3 + 1
        geo[number, 0] = -1
        write_scene(root, key, np.full((5, 7, 3), 40 * number), sem, geo)
    for split, ids in IDS.items():
        (root / f"{split}.txt").write_text("".join(f"{key}\n" for key in ids))


@pytest.fixture
def tree(tmp_path):
    write_miniature(tmp_path)
    return tmp_path


def test_an_example_counts_from_zero_with_void_255(tree):
    examples = SiftFlow(tree, "trainval")
    assert examples.ids == IDS["trainval"]
    assert examples.sizes == [(5, 7)] * 2
    assert examples.num_classes == {"sem": 33, "geo": 3}
    assert {head: len(names) for head, names in examples.class_names.items()} == examples.num_classes
    example = examples[1]
    assert np.abs(example["image"].astype(int) - 40).max() <= 2
    sem, geo = example["label"]["sem"], example["label"]["geo"]
    assert sem.dtype == geo.dtype == np.uint8
    assert sem[0].tolist() == [255, 0, 1, 2, 3, 4, 5]
    assert sem[4].tolist() == [27, 28, 29, 30, 31, 32, 255]
    assert geo[:2].tolist() == [[0, 1, 2, 0, 1, 2, 0], [255, 2, 0, 1, 2, 0, 1]]
    assert SEM[sem[4, 0]] == "sky"
    assert SiftFlow(tree / "SiftFlowDataset", "test").ids == IDS["test"]


def test_the_classes_that_count():
    scored = SiftFlow.scored_classes
    assert len(scored["sem"]) == 30
    assert {SEM[index] for index in range(33) if index not in scored["sem"]} == {"cow", "desert", "moon"}
    assert scored["geo"] == (0, 1, 2)


def test_threads_and_verify(tree):
    examples = SiftFlow(tree, "trainval")
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda index: examples[index % 2], range(20)))
    assert all(
        np.array_equal(example["label"]["geo"], examples[i % 2]["label"]["geo"]) for i, example in enumerate(read)
    )
    counts = examples.verify()
    assert counts["sem"].tolist() == [2] * 33
    assert counts["geo"].sum() == 2 * 34
    with pytest.raises(IndexError):
        examples[2]


def test_without_lists_the_split_is_the_published_one(tmp_path):
    folders = [tmp_path / "SiftFlowDataset" / kind / PLACES for kind in ("Images", "SemanticLabels", "GeoLabels")]
    for folder in folders:
        folder.mkdir(parents=True)
    with pytest.raises(ValueError, match=r"Images/.* lacks 200 of 200 files: coast_arnat59.jpg, .*Download http"):
        SiftFlow(tmp_path, "test")
    test = [f"{kind}_{name}" for kind, names in _TEST.items() for name in names.split()]
    others = ["highway_bost181", "street_urb506", *(f"forest_x{number:04d}" for number in range(2486))]
    for key in (*test, *others):
        for folder, ending in zip(folders, ("jpg", "mat", "mat"), strict=True):
            (folder / f"{key}.{ending}").touch()
    # SHA-256 of the sorted data/sift-flow/test.txt of the authors' release.
    digest = hashlib.sha256("\n".join(SiftFlow(tmp_path, "test").ids).encode()).hexdigest()
    assert digest == "772854924eb149c3c9f4c3e7d99a332bf032af5847ac18159ae40f67c4ae5896"
    assert SiftFlow(tmp_path, "trainval").ids == tuple(others[2:])  # the first two have no labels


def test_wrong_trees_are_refused(tmp_path, tree):
    with pytest.raises(ValueError, match=r"`split` must be one of trainval, test. Received: 'train'"):
        SiftFlow(tree, "train")
    with pytest.raises(ValueError, match=r"Images/.* is missing. Download http://.*zip and unpack it into"):
        SiftFlow(tmp_path / "nowhere", "trainval")
    root = tree / "SiftFlowDataset"
    (root / "GeoLabels" / PLACES / "coast_a1.mat").unlink()
    with pytest.raises(ValueError, match=r"GeoLabels/.* lacks 1 of 2 files: coast_a1.mat. Download http"):
        SiftFlow(tree, "trainval")
    (root / "trainval.txt").unlink()
    with pytest.raises(ValueError, match=r"Images/.* holds 3 images of 2688. Download http"):
        SiftFlow(tree, "trainval")
    (root / "test.txt").write_text("\n")
    with pytest.raises(ValueError, match=r"test.txt lists no id. Download http"):
        SiftFlow(tree, "test")


def test_bad_labels_are_refused(tree):
    examples, labels = SiftFlow(tree, "test"), tree / "SiftFlowDataset" / "SemanticLabels" / PLACES / "forest_b3.mat"
    savemat(labels, {"S": np.full((5, 7), 34, np.uint8)})
    with pytest.raises(
        ValueError, match=r"`label` may hold 0..32 or 255 \(void\). Received: \[33\] in .*forest_b3.mat"
    ):
        examples[0]
    savemat(labels, {"S": np.ones((7, 5), np.uint8)})
    with pytest.raises(ValueError, match=r"must have one size. Received: \(5, 7\) in .*jpg, \(7, 5\) in .*mat"):
        examples[0]
    savemat(labels, {"S": "sky"})
    with pytest.raises(ValueError, match=r"forest_b3.mat holds `S` of .*Expected a matrix of ids. Unpack http"):
        examples[0]
    savemat(labels, {"T": np.ones((5, 7), np.uint8)})
    with pytest.raises(ValueError, match=r"forest_b3.mat holds no variable `S`"):
        examples[0]
    labels.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"forest_b3.mat cannot be read as a MATLAB 5 file"):
        examples[0]
