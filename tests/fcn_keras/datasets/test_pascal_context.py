import shutil

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from fcn_keras.datasets.pascal_context import CLASSES, PascalContext

TRAIN, VAL = ["2008_000002", "2008_000007"], ["2008_000003"]
OWN = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}
# As in the data set's labels.txt: sorted names from 1 on, of which 59 are used. Three are written with a space.
NAMES = ["accordion", "aeroplane", "air conditioner", *sorted(OWN.get(name, name) for name in CLASSES[2:])]
NAMES = [{"pottedplant": "potted plant"}.get(name, name) for name in [*NAMES, "zebra"]]


def number(name):
    return NAMES.index(name) + 1


LABELS = {
    "2008_000002": [[number("aeroplane"), number("table"), 0], [number("accordion"), number("potted plant"), 400]],
    "2008_000007": [[number("bedclothes"), number("cloth"), number("wood")], [number("zebra"), 1, 65535]],
    "2008_000003": [[number("bag"), number("person"), number("window")], [3, 2, 1]],
}


def write_miniature(folder):
    """Write VOC 2010 with 2 + 1 images of 2x3 pixels, and their annotations."""
    voc = folder / "VOCdevkit/VOC2010"
    for part in ("ImageSets/Main", "JPEGImages"):
        (voc / part).mkdir(parents=True)
    (folder / "trainval").mkdir()
    for split, ids in (("train", TRAIN), ("val", VAL), ("trainval", [*TRAIN, *VAL])):
        (voc / f"ImageSets/Main/{split}.txt").write_text("\n".join(ids) + "\n")
    for shade, (key, label) in enumerate(LABELS.items()):
        Image.fromarray(np.full((2, 3, 3), 60 * shade, np.uint8)).save(voc / f"JPEGImages/{key}.jpg")
        savemat(folder / f"trainval/{key}.mat", {"LabelMap": np.array(label, np.uint16)}, do_compression=True)
    (folder / "labels.txt").write_text("".join(f"{index}: {name}\n" for index, name in enumerate(NAMES, 1)))


@pytest.fixture
def tree(tmp_path):
    write_miniature(tmp_path)
    return tmp_path


def test_labels_become_59_classes_by_name(tree):
    data = PascalContext(tree, "train")
    assert data[0]["label"].tolist() == [[1, 11, 0], [0, 16, 0]]
    assert data[1]["label"].tolist() == [[52, 28, 59], [0, 0, 0]]
    assert data[1]["label"].dtype == np.uint8
    assert (data[1]["image"] == 60).all()


def test_splits(tree):
    assert PascalContext(tree, "train").ids == tuple(TRAIN)
    assert PascalContext(tree, "val").ids == tuple(VAL)
    assert PascalContext(tree, "trainval").ids == (*TRAIN, *VAL)
    assert PascalContext(tree, "val").sizes == [(2, 3)]


def test_nothing_is_void(tree):
    counts = PascalContext(tree, "trainval").verify()
    assert counts.sum() == 3 * 6
    assert counts[0] == 2 + 1 + 3 + 2  # accordion twice, zebra, nothing, out of the list, air conditioner
    assert np.flatnonzero(counts).tolist() == [0, 1, 11, 15, 16, 21, 28, 52, 58, 59]


def test_names(tree):
    data = PascalContext(tree, "val")
    assert data.num_classes == len(data.class_names) == len(set(data.class_names)) == 60
    assert [data.class_names[index] for index in (0, 11, 28, 52, 59)] == [
        *("background", "diningtable", "clothes", "bedcloth", "wood")
    ]


def test_labels_txt_may_lie_beside_the_annotations(tree):
    shutil.move(tree / "labels.txt", tree / "trainval/labels.txt")
    assert PascalContext(tree, "train")[0]["label"][0, 0] == 1


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("VOCdevkit", r"VOC2010/ImageSets/Main/val\.txt is missing\. Download .*VOCtrainval_03-May-2010\.tar"),
        ("VOCdevkit/VOC2010/JPEGImages/2008_000003.jpg", r"JPEGImages lacks 1 of 1 files: 2008_000003\.jpg.*2010\.tar"),
        ("trainval", r"trainval is missing\. Download https.*pascal-context/trainval\.tar\.gz.*, and unpack it into /"),
        ("trainval/2008_000003.mat", r"trainval lacks 1 of 1 files: 2008_000003\.mat\. Download https.*tar\.gz"),
        ("labels.txt", r"labels\.txt is missing\. Download https.*pascal-context/labels\.txt"),
    ],
)
def test_an_incomplete_tree_says_what_to_download(tree, missing, message):
    path = tree / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ValueError, match=message):
        PascalContext(tree, "val")


def test_labels_txt_must_name_the_classes(tree):
    text = (tree / "labels.txt").read_text()
    (tree / "labels.txt").write_text(text.replace(": table\n", ": diningtable\n").replace(": wood", " wood"))
    with pytest.raises(ValueError, match=r"labels\.txt lacks 2 of 59 classes: table, wood\. Expected lines such as"):
        PascalContext(tree, "val")


def test_bad_annotations_name_the_file(tree):
    path, data = tree / "trainval/2008_000003.mat", PascalContext(tree, "val")
    savemat(path, {"LabelMap": np.zeros((3, 2), np.uint16)})
    with pytest.raises(ValueError, match=r"one size\. Received: \(2, 3\) in .*003\.jpg, \(3, 2\) in .*003\.mat"):
        data[0]
    savemat(path, {"LabelMap": np.zeros((2, 3), np.float64)})
    with pytest.raises(ValueError, match=r"`LabelMap` must be \(H, W\) of numbers from 0 on\. Received: float64"):
        data[0]
    savemat(path, {"labels": np.zeros((2, 3), np.uint16)})
    with pytest.raises(ValueError, match=r"003\.mat holds no variable `LabelMap`"):
        data[0]


def test_an_unknown_split_is_refused(tree):
    with pytest.raises(ValueError, match=r"one of train, val, trainval\. Received: 'test'"):
        PascalContext(tree, "test")
