"""TFDS's own builder test over miniatures, and what it does not look at: values, errors, and feeding `batches`."""

import importlib
import os
import shutil
import sys
import tarfile
from unittest import mock

import numpy as np
import pytest

os.environ.setdefault("TFDS_DISABLE_PROGRESS_BAR", "1")
tfds = pytest.importorskip("tensorflow_datasets")
pytest.importorskip("dill", reason="TFDS's test cases need it")

import fcn_keras as fcn  # noqa: E402
from fcn_keras.datasets import builders, voc_sbd  # noqa: E402
from fcn_keras.datasets.originals import addresses  # noqa: E402
from fcn_keras.examples import flatten  # noqa: E402
from tests.fcn_keras.datasets import (  # noqa: E402
    test_camvid,
    test_nyud_v2,
    test_pascal_context,
    test_sift_flow,
    test_stanford_background,
    test_voc_sbd,
)

WRITE = {
    "voc_sbd": test_voc_sbd.write_miniature,
    "nyud_v2": test_nyud_v2.write_miniature,
    "sift_flow": test_sift_flow.write_miniature,
    "stanford_background": test_stanford_background.write_miniature,
    "camvid": test_camvid.write_miniature,
    "pascal_context": test_pascal_context.write_miniature,
}
READERS = {
    "voc_sbd": voc_sbd.VocSbd,
    "nyud_v2": builders.nyud_v2.NyudV2,
    "sift_flow": builders.sift_flow.SiftFlow,
    "stanford_background": builders.stanford_background.StanfordBackground,
    "camvid": builders.camvid.Camvid,
    "pascal_context": builders.pascal_context.PascalContext,
}


@pytest.fixture(scope="session", autouse=True)
def miniatures(tmp_path_factory):
    """Write every miniature once, and tell TFDS's test cases where they are."""
    folders = {}
    for name, write in WRITE.items():
        folders[name] = tmp_path_factory.mktemp(name)
        write(folders[name])
    for case in (TestVocSbd, TestNyudV2, TestSiftFlow, TestStanfordBackground, TestCamvid, TestPascalContext):
        case.EXAMPLE_DIR = folders[case.DATASET_CLASS.name]
    TestVocSbdDownloaded.EXAMPLE_DIR = folder = tmp_path_factory.mktemp("downloads")
    test_voc_sbd.write_voc(folder / "voc/VOCdevkit/VOC2012")
    test_voc_sbd.write_sbd(folder / "sbd/benchmark_RELEASE/dataset")
    test_voc_sbd.write_list(folder / "short.txt", ["2007_000033", "2010_000003"])
    return folders


class TestVocSbd(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.VocSbd
    SPLITS = {"train": 2, "sbd_train": 2, "seg11valid": 2, "val": 3, "test": 1}  # noqa: RUF012
    OVERLAPPING_SPLITS = ["seg11valid"]  # noqa: RUF012  part of val
    MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False  # the readers read local files


class TestNyudV2(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.NyudV2
    SPLITS = {"train": 2, "val": 1, "test": 2}  # noqa: RUF012
    MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False


class TestSiftFlow(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.SiftFlow
    SPLITS = {"trainval": 2, "test": 1}  # noqa: RUF012
    MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False


class TestStanfordBackground(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.StanfordBackground
    SPLITS = {"train": 6, "val": 1}  # noqa: RUF012
    MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False


class TestCamvid(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.Camvid
    SPLITS = {"train": 367, "val": 101, "test": 233}  # noqa: RUF012
    OVERLAPPING_SPLITS = ["train", "val", "test"]  # noqa: RUF012  the miniature repeats one frame
    MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False


class TestPascalContext(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.PascalContext
    SPLITS = {"train": 2, "val": 1}  # noqa: RUF012
    MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False


class TestVocSbdDownloaded(tfds.testing.DatasetBuilderTestCase):
    """What is downloaded lies in two folders, VOC 2012 is the year, and its val list is not 2011's."""

    DATASET_CLASS = builders.VocSbd
    SPLITS = {"train": 2, "sbd_train": 2, "seg11valid": 2, "val": 3}  # noqa: RUF012
    OVERLAPPING_SPLITS = ["seg11valid"]  # noqa: RUF012
    DL_EXTRACT_RESULT = {"voc": "voc", "sbd": "sbd"}  # noqa: RUF012
    MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False

    def setUp(self):
        super().setUp()
        patch = mock.patch.object(voc_sbd, "_SEG11VALID", self.dummy_data / "short.txt")
        patch.start()
        self.patchers.append(patch)


def load(name, folder, data_dir, split):
    """Load a split as a user does, with the files put by hand into `folder`."""
    config = tfds.download.DownloadConfig(manual_dir=folder)
    return tfds.load(name, split=split, data_dir=data_dir, download_and_prepare_kwargs={"download_config": config})


@pytest.fixture(scope="session")
def built(miniatures, tmp_path_factory):
    """Load a split of a miniature, which is built once."""
    data_dir = tmp_path_factory.mktemp("built")
    return lambda name, split: load(name, miniatures[name], data_dir, split)


def test_names_are_registered():
    assert set(WRITE) <= set(tfds.list_builders())


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("voc_sbd", "val"),
        ("voc_sbd", "sbd_train"),
        ("nyud_v2", "train"),
        ("sift_flow", "trainval"),
        ("stanford_background", "train"),
        ("camvid", "val"),
        ("pascal_context", "train"),
    ],
)
def test_examples_are_the_reader_s(miniatures, built, name, split):
    def contents(example):
        return tuple((key, a.shape, a.dtype.name, a.tobytes()) for key, a in sorted(flatten(example).items()))

    reader = READERS[name](miniatures[name], split)
    examples = built(name, split).as_numpy_iterator()
    assert sorted(map(contents, examples)) == sorted(map(contents, reader))


def test_void_survives_and_test_labels_are_void(built):
    labels = [e["label"] for e in built("voc_sbd", "train").as_numpy_iterator()]
    by_class = {int(label[0, 0]): label.tolist() for label in labels}
    assert by_class[18] == [[18, 18, 18, 18, 18], [0, 0, 255, 0, 0], [0, 0, 0, 0, 0]]
    (example,) = built("voc_sbd", "test").as_numpy_iterator()
    assert (example["label"] == 255).all()
    assert example["label"].shape == (3, 5)


def test_info_holds_the_classes(miniatures, tmp_path):
    load("pascal_context", miniatures["pascal_context"], tmp_path, "val")
    info = tfds.builder("pascal_context", data_dir=tmp_path).info  # read back from disk
    assert info.metadata["num_classes"] == 60
    assert info.metadata["class_names"][:2] == ["background", "aeroplane"]
    assert "59 classes" in info.description
    assert "Mottaghi" in info.citation


@pytest.mark.parametrize("name", ["voc_sbd", "pascal_context"])
def test_batches_take_them(built, name):
    examples = built(name, "train")
    pairs = list(fcn.batches(examples, batch_size=2, buckets=[(5, 7)]).as_numpy_iterator())
    assert [(image.shape, label.shape) for image, label in pairs] == [((2, 5, 7, 3), (2, 5, 7))]
    assert (pairs[0][1][:, 4] == 255).all()  # the bucket's padding
    assert pairs[0][1].dtype == np.uint8


def test_batches_take_two_heads(built):
    (image, label), *rest = fcn.batches(built("sift_flow", "trainval")).as_numpy_iterator()
    assert image.shape == (1, 5, 7, 3)
    assert {head: ids.shape for head, ids in label.items()} == {"sem": (1, 5, 7), "geo": (1, 5, 7)}
    assert len(rest) == 1


@pytest.mark.parametrize(("modality", "channels"), [("rgbd", 4), ("hha", 3)])
def test_batches_take_depth_and_hha(built, modality, channels):
    examples = built("nyud_v2", "train+val")
    (image, label), *rest = fcn.batches(examples, modality=modality).as_numpy_iterator()
    assert image.shape == (1, 7, 13, channels)
    assert label.shape == (1, 7, 13)
    assert len(rest) == 2


def test_without_files_tfds_says_what_to_put_where(tmp_path):
    with pytest.raises(
        AssertionError, match=r"(?s)Manual directory .*manual does not exist.*701_StillsRaw_full/\*\.png"
    ):
        tfds.load("camvid", data_dir=tmp_path)


def test_a_wrong_tree_says_what_to_download(miniatures, tmp_path):
    with pytest.raises(ValueError, match=r"VOC2010/ImageSets/Main/train\.txt is missing\. Download http.*2010\.tar"):
        load("pascal_context", miniatures["camvid"], tmp_path, "train")
    shutil.copytree(miniatures["voc_sbd"] / "VOCdevkit", tmp_path / "manual/VOCdevkit")
    with pytest.raises(ValueError, match=r"dataset/train\.txt is missing\. Download .*benchmark\.tgz"):
        load("voc_sbd", tmp_path / "manual", tmp_path, "train")


def test_without_network_voc_says_which_files_to_put_where(tmp_path):
    def refuse(self, urls):
        raise OSError(f"no route to {urls}")

    with (
        mock.patch("tensorflow_datasets.core.download.DownloadManager.download_and_extract", refuse),
        pytest.raises(
            ValueError,
            match=r"no route to http.*\. Put VOCtrainval_11-May-2012\.tar \(http.* or .*benchmark\.tgz .*manual",
        ),
    ):
        tfds.load("voc_sbd", data_dir=tmp_path)


def test_a_mirror_is_asked_where_the_owner_s_host_is_silent():
    asked = []

    class Manager:
        def download_and_extract(self, urls):
            if isinstance(urls, dict) or "robots.ox" in urls:
                raise OSError("no route to host")
            asked.append(urls)
            return urls

    folders = builders._fetch(Manager(), {"voc": voc_sbd.VOC_URLS[2012], "sbd": voc_sbd.SBD_URL}, None)
    assert list(folders.values()) == asked
    assert "brainchip" in folders["voc"]
    assert folders["sbd"] == voc_sbd.SBD_URL


def test_voc_s_archives_may_lie_in_the_folder_as_they_are(miniatures, tmp_path, monkeypatch):
    unpacked, manual = TestVocSbdDownloaded.EXAMPLE_DIR, tmp_path / "manual"
    manual.mkdir()
    for part, name in (("voc", "VOCtrainval_11-May-2012.tar"), ("sbd", "benchmark.tgz")):
        with tarfile.open(manual / name, "w:gz" if name.endswith("tgz") else "w") as archive:
            archive.add(unpacked / part, arcname=".")
    monkeypatch.setattr(voc_sbd, "_SEG11VALID", unpacked / "short.txt")
    with pytest.raises(Exception, match=r"Artifact .*, downloaded to .*, has wrong checksum"):
        load("voc_sbd", manual, tmp_path, "val")
    infos = {
        url: tfds.core.download.checksums.compute_url_info(manual / info.filename)
        for url, info in builders.VocSbd.url_infos.items()
        if (manual / info.filename).is_file()
    }
    monkeypatch.setattr(builders.VocSbd, "url_infos", infos)
    assert len(list(load("voc_sbd", manual, tmp_path, "sbd_train"))) == 2


def test_tfds_holds_every_mirror_against_the_checksum_of_the_owner_s_file():
    infos = builders.VocSbd.url_infos
    for url in (voc_sbd.VOC_URLS[2012], voc_sbd.SBD_URL):
        assert {mirror for mirror, info in infos.items() if info == infos[url]} == set(addresses(url))
        assert len(infos[url].checksum) == 64
        assert infos[url].size > 1e9


def test_without_tfds_the_command_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "fcn_keras.datasets.builders")
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ImportError, match=r'pip install "fcn_keras\[datasets\]"'):
        importlib.import_module("fcn_keras.datasets.builders")
