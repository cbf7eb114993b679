from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.nyud_v2 import CLASSES, NyudFolder, NyudV2
from fcn_keras.hha import NYUD_CAMERA, NYUD_CAMERA_CROPPED, hha

FILE = "nyu_depth_v2_labeled.mat"
HEIGHT, WIDTH = 62, 93  # 7x13 are kept: all but 45 rows above, 10 below, and 40 columns on either side


def arrays(count=5, height=HEIGHT, width=WIDTH):
    """What the file holds, height before width."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 895, (count, height, width)).astype(np.uint16)
    labels[:, 45, 40:44] = [0, 21, 11, 894]  # void, wall, floor, and one that is none of the 40
    return {
        "images": rng.integers(0, 256, (count, height, width, 3)).astype(np.uint8),
        "depths": rng.uniform(0.7, 10, (count, height, width)).astype(np.float32),
        "rawDepths": (rng.uniform(0, 3, (count, height, width)) * (rng.random((count, height, width)) < 0.7)).astype(
            "f4"
        ),
        "labels": labels,
    }


def write_mat(folder, fields):
    """Write them as MATLAB does: the axes turned around, the images' number first."""
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / FILE, "w", userblock_size=512) as file:
        for name, values in fields.items():
            turned = np.moveaxis(values, (1, 2), (-1, -2))  # (N, 3, W, H) or (N, W, H)
            file.create_dataset(name, data=turned, chunks=(1, *turned.shape[1:]), compression="gzip")
    with open(folder / FILE, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


def write_miniature(folder):
    """Write five images and the lists of their splits: train 2, val 1, test 2."""
    write_mat(folder, arrays())
    for split, ids in (("train", "5002\n5001\n"), ("val", "5003\n"), ("test", "5004\n5005\n")):
        (folder / f"{split}.txt").write_text(ids)


@pytest.fixture
def tree(tmp_path):
    write_miniature(tmp_path)
    return tmp_path


def test_an_example_is_the_inner_part_of_each_array(tree):
    examples, fields = NyudV2(tree, "train"), arrays()
    assert examples.ids == ("5002", "5001")
    assert len(examples) == 2
    assert examples.sizes == [(7, 13)] * 2
    assert examples.num_classes == len(examples.class_names) == 40
    for example, number in zip(examples, (1, 0), strict=True):
        inner = number, slice(45, 52), slice(40, 53)
        assert {key: (value.shape, value.dtype.name) for key, value in example.items()} == {
            "image": ((7, 13, 3), "uint8"),
            "label": ((7, 13), "uint8"),
            "depth": ((7, 13), "uint16"),
            "hha": ((7, 13, 3), "uint8"),
        }
        assert all(value.flags.c_contiguous for value in example.values())
        assert np.array_equal(example["image"], fields["images"][inner])
        assert np.abs(example["depth"] / 1_000 - fields["depths"][inner]).max() <= 0.0005001
        assert example["label"][0, :4].tolist() == [255, 0, 1, 39]
        expected = hha(example["depth"], NYUD_CAMERA_CROPPED, measured=fields["rawDepths"][inner] > 0)
        assert np.array_equal(example["hha"], expected)
    assert "hha" not in NyudV2(tree, "train", hha=False)[0]


def test_the_splits_are_those_of_gupta(tmp_path):
    with h5py.File(tmp_path / FILE, "w") as file:  # of the full size, never written: all zero
        file.create_dataset("images", (1449, 3, 640, 480), np.uint8)
        file.create_dataset("depths", (1449, 640, 480), np.float32)
        file.create_dataset("labels", (1449, 640, 480), np.uint16)
    splits = {split: NyudV2(tmp_path, split, hha=False) for split in ("train", "val", "trainval", "test")}
    assert {split: len(examples) for split, examples in splits.items()} == {
        "train": 381,
        "val": 414,
        "trainval": 795,
        "test": 654,
    }
    ids = {split: examples.ids for split, examples in splits.items()}
    assert sorted(ids["train"] + ids["val"]) == list(ids["trainval"])
    assert sorted(ids["trainval"] + ids["test"]) == [str(5000 + number) for number in range(1, 1450)]
    # Some ids of each list of the release, and what a slip in any other would change.
    squares = {split: sum(int(key) ** 2 for key in ids[split]) for split in ("train", "val")}
    assert squares == {"train": 12479183305, "val": 13430754808}
    assert {"5003", "5449", "6140", "6420"} <= set(ids["train"])
    assert {"5010", "5027", "5130", "6440"} <= set(ids["val"])
    assert ids["test"][:5] == ("5001", "5002", "5009", "5014", "5015")
    assert {"5133", "6002", "6449", "5618"} <= set(ids["test"])
    assert splits["test"].sizes == [(425, 560)] * 654
    example = splits["val"][413]
    assert example["image"].shape == (425, 560, 3)
    assert np.all(example["label"] == 255)


def test_trainval_is_both_lists(tree):
    assert NyudV2(tree, "trainval").ids == ("5002", "5001", "5003")
    (tree / "trainval.txt").write_text("5005\n")
    assert NyudV2(tree, "trainval").ids == ("5005",)


def test_reading_in_threads_changes_nothing(tree):
    (tree / "train.txt").write_text("\n".join(str(5001 + index) for index in range(5)))
    examples = NyudV2(tree, "train", hha=False)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda index: examples[index % 5], range(40)))
    assert all(np.array_equal(example["image"], examples[index % 5]["image"]) for index, example in enumerate(read))
    done = []
    counts = examples.verify(lambda *progress: done.append(progress))
    assert done[-1] == (5, 5)
    expected = np.bincount(np.concatenate([example["label"].ravel() for example in examples]), minlength=256)
    assert counts.tolist() == expected[:40].tolist()
    with pytest.raises(IndexError):
        examples[5]


def test_wrong_trees_are_refused(tmp_path, tree):
    with pytest.raises(ValueError, match=r"`split` must be one of train, val, trainval, test. Received: 'all'"):
        NyudV2(tree, "all")
    with pytest.raises(ValueError, match=r"nyu_depth_v2_labeled.mat is missing. Download http://.* and put it into"):
        NyudV2(tmp_path / "nowhere", "train")
    (tree / "val.txt").write_text("5006\n")
    with pytest.raises(ValueError, match=r"holds 5 images of 1449, and 5006 is not among them. Download"):
        NyudV2(tree, "val")
    (tree / "val.txt").write_text("12\n")
    with pytest.raises(ValueError, match=r"Ids of NYUDv2 are 5001..6449. Received: '12' from a list beside"):
        NyudV2(tree, "val")
    (tree / "val.txt").unlink()
    with pytest.raises(ValueError, match=r"holds 5 images of 1449, and 5010 is not among them"):
        NyudV2(tree, "val")
    whole = (tree / FILE).read_bytes()
    (tree / FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"is cut short, or another file: .*Download http"):
        NyudV2(tree, "train")
    fields = arrays()
    write_mat(tree, {name: fields[name] for name in ("images", "depths", "labels")})
    with pytest.raises(ValueError, match=r"is cut short, or another file: .*rawDepths.*Download http"):
        NyudV2(tree, "train")
    assert len(NyudV2(tree, "train", hha=False)) == 2
    write_mat(tree, fields | {"labels": fields["labels"][:, :50]})
    with pytest.raises(ValueError, match=r"holds arrays of the shapes .*Expected .*Download http"):
        NyudV2(tree, "train")


def test_a_file_that_changes_while_it_is_read(tree):
    examples = NyudV2(tree, "train")
    fields = arrays()
    write_mat(tree, fields | {"labels": fields["labels"] + 200})
    with pytest.raises(ValueError, match=r"holds the label 1\d+. Expected 0..894: download it again"):
        examples[0]
    (tree / FILE).write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"cannot be read: .*Download http"):
        examples[0]


def write_folder(folder, ids=("a", "b", "c"), size=(9, 14)):
    rng = np.random.default_rng(1)
    for name in ("images", "depths", "labels40"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for key in ids:
        Image.fromarray(rng.integers(0, 256, (*size, 3)).astype(np.uint8)).save(folder / f"images/{key}.png")
        Image.fromarray(rng.integers(500, 9_000, size).astype(np.uint16)).save(folder / f"depths/{key}.png")
        labels = rng.integers(0, 40, size).astype(np.uint8)
        labels[0, 0] = 255
        Image.fromarray(labels).save(folder / f"labels40/{key}.png")
    (folder / "train.txt").write_text("b\na\n")
    (folder / "val.txt").write_text("c\n")
    return folder


def test_a_folder_of_files(tmp_path):
    write_folder(tmp_path)
    examples = NyudFolder(tmp_path, "train", camera=NYUD_CAMERA)
    assert examples.ids == ("b", "a")
    assert examples.sizes == [(9, 14)] * 2
    assert NyudFolder(tmp_path, "trainval").ids == ("b", "a", "c")
    example = examples[0]
    assert np.array_equal(example["image"], np.array(Image.open(tmp_path / "images/b.png")))
    assert np.array_equal(example["depth"], np.array(Image.open(tmp_path / "depths/b.png")))
    assert np.array_equal(example["label"], np.array(Image.open(tmp_path / "labels40/b.png")))
    assert example["depth"].dtype == np.uint16
    assert np.array_equal(example["hha"], hha(example["depth"], NYUD_CAMERA))
    assert "hha" not in NyudFolder(tmp_path, "train", hha=False)[1]
    assert examples.verify().sum() == 2 * (9 * 14 - 1)
    (tmp_path / "hha").mkdir()
    for key in "abc":
        Image.fromarray(np.full((9, 14, 3), (155, 30, 128), np.uint8)).save(tmp_path / f"hha/{key}.png")
    assert np.all(NyudFolder(tmp_path, "train")[0]["hha"] == (155, 30, 128))


def test_the_step_of_the_depth_files(tmp_path):
    write_folder(tmp_path, size=(1, 4))
    Image.fromarray(np.array([[0, 51, 102, 255]], np.uint8)).save(tmp_path / "depths/c.png")
    examples = NyudFolder(tmp_path, "val", depth_scale=1_000 / 25.5, hha=False)
    assert examples[-1]["depth"].tolist() == [[0, 2_000, 4_000, 10_000]]
    far = NyudFolder(tmp_path, "val", depth_scale=1_000, hha=False)
    assert far[0]["depth"].tolist() == [[0, 51_000, 65_535, 65_535]]


def test_wrong_folders_are_refused(tmp_path):
    write_folder(tmp_path)
    with pytest.raises(ValueError, match=r"test.txt is missing. Unpack NYUDv2 into images/, depths/ and labels40/"):
        NyudFolder(tmp_path, "test")
    with pytest.raises(ValueError, match=r"`depth_scale` must be positive. Received: 0"):
        NyudFolder(tmp_path, "train", depth_scale=0)
    with pytest.raises(ValueError, match=r"HHA needs the camera of \(9, 14\) pixels.*Pass its matrix as `camera`"):
        NyudFolder(tmp_path, "train")[0]
    examples = NyudFolder(tmp_path, "train", hha=False)
    Image.fromarray(np.zeros((9, 13), np.uint16)).save(tmp_path / "depths/b.png")
    with pytest.raises(ValueError, match=r"must have one size. Received: \(9, 14\) in .*b.png, \(9, 13\) in .*b.png"):
        examples[0]
    Image.fromarray(np.zeros((9, 14, 3), np.uint8)).save(tmp_path / "depths/b.png")
    with pytest.raises(ValueError, match=r"b.png holds colours. Expected a grey PNG"):
        examples[0]
    Image.fromarray(np.full((9, 14), 40, np.uint8)).save(tmp_path / "labels40/a.png")
    with pytest.raises(ValueError, match=r"`label` may hold 0..39 or 255 \(void\). Received: \[40\] in .*a.png"):
        examples[1]
    (tmp_path / "labels40/a.png").unlink()
    with pytest.raises(ValueError, match=r"labels40 lacks 1 of 2 files, the first is a. Unpack"):
        NyudFolder(tmp_path, "train")


def test_the_subset_beside_the_checkout(shared):
    examples = NyudFolder(shared / "data" / "nyudv2", "val", depth_scale=1_000 / 25.5)
    assert len(examples) == 50
    example = examples[0]
    assert example["hha"].shape == example["image"].shape == (480, 640, 3)
    assert example["depth"].min() > 500
    assert example["depth"].max() <= 10_000
    # The mean of the whole data set's HHA as FCN publishes it; the floor lies below the walls.
    assert np.abs(example["hha"].mean((0, 1)) - (132.4, 94.1, 118.5)).max() < 60
    floor, wall = (example["hha"][example["label"] == CLASSES.index(name)] for name in ("floor", "wall"))
    assert np.median(floor[:, 1]) < 20 < np.median(wall[:, 1])
    assert np.median(floor[:, 2]) < 70 < 120 < np.median(wall[:, 2]) < 136
