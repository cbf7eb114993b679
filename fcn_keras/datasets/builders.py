"""TensorFlow Datasets builders over the readers: `import fcn_keras.datasets.builders`, then `tfds.load("voc_sbd")`.

Most of these data sets may not be fetched by a program, or publish no checksum to hold a download against: put them
into a folder by hand and say where it is:

    config = tfds.download.DownloadConfig(manual_dir="/data/camvid")
    tfds.load("camvid", split="train", download_and_prepare_kwargs={"download_config": config})

The examples go into `fcn_keras.batches` as they are. `info.metadata` holds `num_classes` and `class_names`.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..examples import VOID
from . import camvid, citations, nyud_v2, pascal_context, sift_flow, stanford_background, voc_sbd
from .originals import addresses

try:
    import importlib_resources  # noqa: F401  TFDS 4.9.10 needs it but does not say so
    import tensorflow_datasets as tfds
except ImportError as error:
    raise ImportError(
        'The TFDS builders need TensorFlow Datasets: pip install "fcn_keras[datasets]". The readers do without.'
    ) from error


_UNREACHABLE = (OSError, tfds.download.DownloadError)


def _where(url: str) -> str:
    return " or ".join(addresses(url))


class _Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]  # it has no types
    """What the builders share: each names its reader and what is known of it."""

    VERSION = tfds.core.Version("1.0.0")
    reader: Any
    homepage = ""
    citation = ""
    own_splits: Iterable[str] = ()
    maps: tuple[str, ...] = ()  # keys of the examples beside image and label

    def _info(self) -> Any:
        one = not isinstance(self.reader.num_classes, dict)
        features = {
            "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
            "label": _ids() if one else {head: _ids() for head in self.reader.num_classes},
            "depth": _ids(np.uint16),
            "hha": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict({key: features[key] for key in ("image", "label", *self.maps)}),
            homepage=self.homepage,
            citation=self.citation,
            metadata=tfds.core.MetadataDict(num_classes=self.reader.num_classes, class_names=self.reader.class_names),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return self._open(dl_manager.manual_dir, self.own_splits)

    def _open(self, folder: Any, splits: Iterable[str], **options: Any) -> dict[str, Any]:
        """Open every split, so that a wrong tree shows before anything is written."""
        return {split: self._generate_examples(self.reader(folder, split, **options)) for split in splits}

    def _generate_examples(self, reader: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield `(id, example)`; where a split has no labels, they are void."""
        for key, example in zip(reader.ids, reader, strict=True):
            void = np.full(example["image"].shape[:2], VOID, np.uint8)
            yield key, {"label": void, **example}


class VocSbd(_Builder):
    """PASCAL VOC segmentation with the Semantic Boundaries Dataset: 20 classes and background.

    Splits: `train` and `val` (VOC), `sbd_train` (8498), `seg11valid` (736: VOC 2011 val that SBD does not train on),
    and `test` where it was unpacked by hand, whose labels are all void because VOC keeps them.
    """

    reader = voc_sbd.VocSbd
    homepage = "http://host.robots.ox.ac.uk/pascal/VOC/"
    citation = citations.VOC_SBD
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    VOC 2012 and SBD are downloaded by themselves. To do it by hand, or for VOC 2011 or the test images, unpack
    {_where(voc_sbd.VOC_URLS[2012])} (or {_where(voc_sbd.VOC_URLS[2011])}),
    {_where(voc_sbd.SBD_URL)} and, for `test`, {_where(voc_sbd.TEST_URL)}
    into manual_dir, so that it holds VOCdevkit/VOC2012 and
    benchmark_RELEASE/dataset; or put the two archives there as they are.
    """

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        manual = _manual(dl_manager)
        if manual is not None and any((manual / folder).is_dir() for folder in ("VOCdevkit", "TrainVal")):
            splits = [split for split in voc_sbd.SPLITS if split != "test" or _has_test(manual)]
            return self._open(manual, splits)
        folders = _fetch(dl_manager, {"voc": voc_sbd.VOC_URLS[2012], "sbd": voc_sbd.SBD_URL}, manual)
        splits = [split for split in voc_sbd.SPLITS if split != "test"]
        return self._open(folders["voc"], splits, year=2012, sbd=folders["sbd"])


class NyudV2(_Builder):
    """NYU Depth v2 with the 40 classes of Gupta et al.: image, depth in millimetres, HHA and label, 425x560.

    The paper's `trainval` is `train+val`.
    """

    reader = nyud_v2.NyudV2
    homepage = nyud_v2.HOMEPAGE
    citation = citations.NYUD_V2
    own_splits = ("train", "val", "test")
    maps = ("depth", "hha")
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Put {nyud_v2.URL} (2.8 GB) into manual_dir, so that it holds {nyud_v2.FILE}.
    """


class SiftFlow(_Builder):
    """SIFT Flow: outdoor scenes of 256x256 with 33 semantic and 3 geometric classes, `label` being both."""

    reader = sift_flow.SiftFlow
    homepage = sift_flow.HOMEPAGE
    citation = citations.SIFT_FLOW
    own_splits = sift_flow.SPLITS
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Unpack {sift_flow.URL} into manual_dir, so that it holds SiftFlowDataset.
    """


class StanfordBackground(_Builder):
    """Stanford Background: 715 outdoor scenes with 8 semantic and 3 geometric classes, `label` being both.

    There is no official split; `val` is a fixed fifth of the scenes.
    """

    reader = stanford_background.StanfordBackground
    homepage = stanford_background.HOMEPAGE
    citation = citations.STANFORD_BACKGROUND
    own_splits = stanford_background.SPLITS
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Unpack {stanford_background.URL} into manual_dir, so that it holds iccv09Data.
    """


class Camvid(_Builder):
    """CamVid: 701 road scenes of 720x960 with SegNet's 11 classes and splits."""

    reader = camvid.Camvid
    homepage = camvid.HOMEPAGE
    citation = citations.CAMVID
    own_splits = ("train", "val", "test")
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Unpack {camvid.IMAGES_URL} into manual_dir and {camvid.LABELS_URL} into manual_dir/LabeledApproved_full, so that
    manual_dir holds 701_StillsRaw_full/*.png and LabeledApproved_full/*_L.png.
    """


class PascalContext(_Builder):
    """PASCAL-Context: VOC 2010's images labelled throughout with 59 classes; everything else is background."""

    reader = pascal_context.PascalContext
    homepage = pascal_context.HOMEPAGE
    citation = citations.PASCAL_CONTEXT
    own_splits = ("train", "val")
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Unpack {_where(pascal_context.VOC_URL)} and {_where(pascal_context.LABELS_URL)}
    into manual_dir and put {pascal_context.NAMES_URL} there, so that it holds VOCdevkit/VOC2010, trainval/*.mat and
    labels.txt.
    """


def _ids(dtype: type[np.integer[Any]] = np.uint8) -> Any:
    return tfds.features.Tensor(shape=(None, None), dtype=dtype, encoding=tfds.features.Encoding.ZLIB)


def _fetch(dl_manager: Any, urls: dict[str, str], manual: Path | None) -> Any:
    """Download and unpack archives, each from the first of its addresses that answers; TFDS compares their SHA-256.

    Raises:
        ValueError: if none answers for one of them: with what the last one answered, and what to put where by hand.
    """
    with contextlib.suppress(*_UNREACHABLE):
        return dl_manager.download_and_extract(urls)
    try:  # TFDS keeps what has come: only what has not is asked for again
        return {name: _fetch_one(dl_manager, addresses(url)) for name, url in urls.items()}
    except _UNREACHABLE as error:
        archives = " and ".join(f"{url.rpartition('/')[2]} ({_where(url)})" for url in urls.values())
        raise ValueError(
            f"VOC and SBD cannot be downloaded: {error}. Put {archives} into {manual or 'manual_dir'} as they are."
        ) from error


def _fetch_one(dl_manager: Any, mirrors: Sequence[str]) -> Any:
    *others, last = mirrors
    for address in others:
        with contextlib.suppress(*_UNREACHABLE):
            return dl_manager.download_and_extract(address)
    return dl_manager.download_and_extract(last)


def _manual(dl_manager: Any) -> Path | None:
    """Return the folder of files put there by hand, or None if there is none."""
    try:
        return Path(dl_manager.manual_dir)
    except AssertionError:  # TFDS's way to say that it is missing or empty
        return None


def _has_test(folder: Path) -> bool:
    return any(folder.glob("**/VOC201[12]/ImageSets/Segmentation/test.txt"))
