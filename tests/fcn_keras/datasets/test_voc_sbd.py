import shutil

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from fcn_keras.datasets import voc_sbd
from fcn_keras.datasets.voc_sbd import VocSbd

TRAIN = ["2007_000032", "2008_000008"]
VAL = ["2007_000033", "2008_000002", "2010_000003"]
SBD = ["2008_000002", "2008_000015"]
TEST = ["2008_000006"]
ID = {key: index for index, key in enumerate(sorted({*TRAIN, *VAL, *SBD, *TEST}))}


def gray(key):
    """JPEG keeps a plain surface, so every id has its own exact value."""
    return 10 + 20 * ID[key]


def write_image(path, key, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), gray(key), np.uint8)).save(path)


def write_palette(path, label):
    """Write ids as VOC does: palette indices, whose colours in luma are other numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(label, np.uint8))
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, *[7] * 756, 224, 224, 192])
    image.save(path)


def write_list(path, ids):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key}\n" for key in ids))


def write_segmentation(path, label):
    """Write what an SBD file holds: a struct with boundaries, present categories and the segmentation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    label = np.asarray(label, np.uint8)
    fields = {"Boundaries": np.zeros((20, 1)), "Segmentation": label, "CategoriesPresent": np.unique(label[label > 0])}
    savemat(path, {"GTcls": fields}, do_compression=True)


def write_voc(root):
    for split, ids in (("train", TRAIN), ("val", VAL), ("test", TEST)):
        write_list(root / f"ImageSets/Segmentation/{split}.txt", ids)
        for key in ids:
            write_image(root / f"JPEGImages/{key}.jpg", key, (3, 5))
            if split != "test":
                label = np.zeros((3, 5), int)
                label[0], label[1, 2] = ID[key] + 14, 255
                write_palette(root / f"SegmentationClass/{key}.png", label)


def write_sbd(root):
    write_list(root / "train.txt", SBD)
    write_list(root / "val.txt", ["2008_000003"])
    for key in SBD:
        write_image(root / f"img/{key}.jpg", key, (4, 3))
        write_segmentation(root / f"cls/{key}.mat", np.arange(12).reshape(4, 3) + 9)


def write_miniature(folder):
    """Write VOC 2011 with 2 + 3 + 1 images, and SBD with 2, one of which is in VOC's val."""
    write_voc(folder / "VOCdevkit/VOC2011")
    write_sbd(folder / "benchmark_RELEASE/dataset")


@pytest.fixture
def tree(tmp_path):
    write_miniature(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("split", "ids"), [("train", TRAIN), ("val", VAL), ("sbd_train", SBD), ("test", TEST)])
def test_splits_are_the_lists(tree, split, ids):
    data = VocSbd(tree, split)
    assert data.ids == tuple(ids)
    assert len(data) == len(ids)
    for index, key in enumerate(ids):
        assert (data[index]["image"] == gray(key)).all()


def test_masks_are_palette_indices(tree):
    example = VocSbd(tree, "train")[1]
    np.testing.assert_array_equal(example["label"], [[18, 18, 18, 18, 18], [0, 0, 255, 0, 0], [0, 0, 0, 0, 0]])
    assert example["label"].dtype == example["image"].dtype == np.uint8
    assert example["image"].shape == (3, 5, 3)


def test_sbd_labels_are_read_from_matlab_files(tree):
    data = VocSbd(tree, "sbd_train")
    assert data[0]["label"].tolist() == [[9, 10, 11], [12, 13, 14], [15, 16, 17], [18, 19, 20]]
    assert data[0]["label"].dtype == np.uint8
    assert data.sizes == [(4, 3), (4, 3)]


def test_seg11valid_is_val_without_what_sbd_trains_on(tree):
    assert VocSbd(tree, "seg11valid").ids == ("2007_000033", "2010_000003")


def test_the_carried_seg11valid_has_736_ids_and_serves_voc_2012(tmp_path, monkeypatch):
    carried = voc_sbd._SEG11VALID.read_text().split()
    assert len(carried) == len(set(carried)) == 736
    assert carried == sorted(carried)
    assert (carried[0], carried[-1]) == ("2007_000033", "2011_003271")

    write_voc(tmp_path / "VOCdevkit/VOC2012")
    with pytest.raises(
        ValueError, match=r"JPEGImages lacks 734 of 736 files: 2007_000042\.jpg.*VOCtrainval_11-May-2012"
    ):
        VocSbd(tmp_path, "seg11valid")
    write_list(tmp_path / "short.txt", ["2010_000003"])
    monkeypatch.setattr(voc_sbd, "_SEG11VALID", tmp_path / "short.txt")
    assert VocSbd(tmp_path, "seg11valid").ids == ("2010_000003",)


def test_the_carried_seg11valid_is_apart_from_voc_s_train(shared):
    assert not set(VocSbd(shared / "data" / "voc", "train").ids) & set(voc_sbd._SEG11VALID.read_text().split())


def test_real_masks_hold_ids(shared):
    counts = VocSbd(shared / "data" / "voc", "val").verify()
    assert counts.shape == (21,)
    assert counts[0] > counts[1:].max() > 0


def test_test_has_no_labels(tree):
    data = VocSbd(tree, "test")
    assert set(data[0]) == {"image"}
    assert data.num_classes == 21
    seen = []
    assert data.verify(lambda *done: seen.append(done)).tolist() == [0] * 21
    assert seen == [(1, 1)]


def test_verify_counts_pixels(tree):
    counts = VocSbd(tree, "train").verify()
    assert counts[[0, 14, 18]].tolist() == [18, 5, 5]
    assert counts.sum() == 28  # 30 pixels, 2 of them void


def test_names_are_voc_s():
    assert [VocSbd.class_names[index] for index in (0, 1, 2, 15, 20)] == [
        *("background", "aeroplane", "bicycle", "person", "tvmonitor")
    ]
    assert len(VocSbd.class_names) == VocSbd.num_classes == 21


def test_the_year_can_be_chosen(tree):
    write_voc(tree / "VOCdevkit/VOC2012")
    write_list(tree / "VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt", VAL[:1])
    assert len(VocSbd(tree, "val")) == len(VocSbd(tree, "val", year=2011)) == 3
    assert len(VocSbd(tree, "val", year=2012)) == 1
    with pytest.raises(ValueError, match=r"`year` must be 2011 or 2012\. Received: 2010\."):
        VocSbd(tree, "val", year=2010)


@pytest.mark.parametrize("devkit", ["TrainVal/VOCdevkit", "."])
def test_other_unpackings_are_found(tree, devkit):
    (tree / "unpacked" / devkit).mkdir(parents=True)
    shutil.move(tree / "VOCdevkit/VOC2011", tree / "unpacked" / devkit)
    shutil.move(tree / "benchmark_RELEASE/dataset", tree / "SBD")
    assert VocSbd(tree / "unpacked", "seg11valid", sbd=tree / "SBD").ids == ("2007_000033", "2010_000003")
    assert len(VocSbd(tree / "unpacked", "sbd_train", sbd=tree / "SBD")) == 2


@pytest.mark.parametrize(
    ("split", "missing", "message"),
    [
        ("train", "VOCdevkit", r"VOC2012/ImageSets/Segmentation/train\.txt is missing.*voc2012/VOCtrainval_11-May"),
        (
            "val",
            "VOCdevkit/VOC2011/ImageSets",
            r"VOC2011/.*val\.txt is missing.*VOCtrainval_25-May-2011\.tar \(SHA-256 0a7f5f5d",
        ),
        ("val", "VOCdevkit/VOC2011/JPEGImages", r"VOC2011/JPEGImages is missing\. Download http.*2011\.tar.* into /"),
        ("val", "VOCdevkit/VOC2011/SegmentationClass", r"VOC2011/SegmentationClass is missing\. Download"),
        ("test", "VOCdevkit/VOC2011/ImageSets", r"test\.txt is missing.*VOC2012test\.tar"),
        (
            "sbd_train",
            "benchmark_RELEASE",
            r"dataset/train\.txt is missing.*benchmark\.tgz \(SHA-256 6a5a2918.*unpack it",
        ),
        ("sbd_train", "benchmark_RELEASE/dataset/cls", r"dataset/cls is missing.*benchmark\.tgz"),
    ],
)
def test_an_incomplete_tree_says_what_to_download(tree, split, missing, message):
    shutil.rmtree(tree / missing)
    with pytest.raises(ValueError, match=message):
        VocSbd(tree, split)


def test_missing_files_are_counted(tree):
    (tree / "VOCdevkit/VOC2011/JPEGImages/2008_000002.jpg").unlink()
    with pytest.raises(ValueError, match=r"JPEGImages lacks 1 of 3 files: 2008_000002\.jpg\. Download"):
        VocSbd(tree, "val")


@pytest.mark.parametrize(
    ("text", "message"),
    [(b"\n", "lists no id"), (b"a\nb\na\n", "lists 'a' twice"), (b"\xff\xfe\x00", "is not UTF-8 text")],
)
def test_a_bad_list_is_refused(tree, text, message):
    (tree / "VOCdevkit/VOC2011/ImageSets/Segmentation/val.txt").write_bytes(text)
    with pytest.raises(ValueError, match=rf"val\.txt {message}"):
        VocSbd(tree, "val")


def test_an_unknown_split_is_refused(tree):
    with pytest.raises(ValueError, match=r"one of train, sbd_train, seg11valid, val, test\. Received: 'valid'"):
        VocSbd(tree, "valid")


def test_bad_masks_name_the_file(tree):
    path = tree / "VOCdevkit/VOC2011/SegmentationClass/2007_000032.png"
    data = VocSbd(tree, "train")
    write_palette(path, np.full((3, 5), 21))
    with pytest.raises(ValueError, match=r"0\.\.20 or 255 \(void\)\. Received: \[21\] in .*2007_000032\.png"):
        data[0]
    write_palette(path, np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"one size\. Received: \(3, 5\) in .*\.jpg, \(5, 3\) in .*\.png"):
        data[0]
    Image.new("RGB", (5, 3)).save(path)
    with pytest.raises(ValueError, match=r"2007_000032\.png holds colours\. Expected the archive's palette PNG"):
        data[0]
    with pytest.raises(ValueError, match=r"1 of 2 examples are bad"):
        data.verify()


def test_bad_matlab_files_are_refused(tree):
    path = tree / "benchmark_RELEASE/dataset/cls/2008_000002.mat"
    data = VocSbd(tree, "sbd_train")
    savemat(path, {"GTinst": np.zeros(3)})
    with pytest.raises(ValueError, match=r"2008_000002\.mat holds no variable `GTcls`"):
        data[0]
    savemat(path, {"GTcls": np.zeros(3)})
    with pytest.raises(ValueError, match=r"2008_000002\.mat holds no `GTcls\.Segmentation`"):
        data[0]
    path.write_bytes(b"MATLAB 7.3 MAT-file")
    with pytest.raises(ValueError, match=r"2008_000002\.mat cannot be read as a MATLAB 5 file"):
        data[0]
    path.unlink()
    with pytest.raises(ValueError, match=r"2008_000002\.mat is missing"):
        data[0]
