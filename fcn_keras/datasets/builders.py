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
from . import camvid, nyud_v2, pascal_context, sift_flow, stanford_background, voc_sbd
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


class VocSbd(tfds.core.GeneratorBasedBuilder):
    """PASCAL VOC segmentation with the Semantic Boundaries Dataset: 20 classes and background.

    Splits: `train` and `val` (VOC), `sbd_train` (8498), `seg11valid` (736: VOC 2011 val that SBD does not train on),
    and `test` where it was unpacked by hand, whose labels are all void because VOC keeps them.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    VOC 2012 and SBD are downloaded by themselves. To do it by hand, or for VOC 2011 or the test images, unpack
    {_where(voc_sbd.VOC_URLS[2012])} (or {_where(voc_sbd.VOC_URLS[2011])}),
    {_where(voc_sbd.SBD_URL)} and, for `test`, {_where(voc_sbd.TEST_URL)}
    into manual_dir, so that it holds VOCdevkit/VOC2012 and
    benchmark_RELEASE/dataset; or put the two archives there as they are.
    """

    def _info(self) -> Any:
        return _info(self, voc_sbd.VocSbd, "http://host.robots.ox.ac.uk/pascal/VOC/", _VOC_SBD)

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        manual = _manual(dl_manager)
        if manual is not None and any((manual / folder).is_dir() for folder in ("VOCdevkit", "TrainVal")):
            splits = [split for split in voc_sbd.SPLITS if split != "test" or _has_test(manual)]
            return _splits(self, voc_sbd.VocSbd, manual, splits)
        folders = _fetch(dl_manager, {"voc": voc_sbd.VOC_URLS[2012], "sbd": voc_sbd.SBD_URL}, manual)
        splits = [split for split in voc_sbd.SPLITS if split != "test"]
        return _splits(self, voc_sbd.VocSbd, folders["voc"], splits, year=2012, sbd=folders["sbd"])

    def _generate_examples(self, reader: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        return _examples(reader)


class NyudV2(tfds.core.GeneratorBasedBuilder):
    """NYU Depth v2 with the 40 classes of Gupta et al.: image, depth in millimetres, HHA and label, 425x560.

    The paper's `trainval` is `train+val`.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Put {nyud_v2.URL} (2.8 GB) into manual_dir, so that it holds {nyud_v2.FILE}.
    """

    def _info(self) -> Any:
        return _info(self, nyud_v2.NyudV2, nyud_v2.HOMEPAGE, _NYUD_V2, maps=("depth", "hha"))

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return _splits(self, nyud_v2.NyudV2, dl_manager.manual_dir, ("train", "val", "test"))

    def _generate_examples(self, reader: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        return _examples(reader)


class SiftFlow(tfds.core.GeneratorBasedBuilder):
    """SIFT Flow: outdoor scenes of 256x256 with 33 semantic and 3 geometric classes, `label` being both."""

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Unpack {sift_flow.URL} into manual_dir, so that it holds SiftFlowDataset.
    """

    def _info(self) -> Any:
        return _info(self, sift_flow.SiftFlow, sift_flow.HOMEPAGE, _SIFT_FLOW)

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return _splits(self, sift_flow.SiftFlow, dl_manager.manual_dir, sift_flow.SPLITS)

    def _generate_examples(self, reader: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        return _examples(reader)


class StanfordBackground(tfds.core.GeneratorBasedBuilder):
    """Stanford Background: 715 outdoor scenes with 8 semantic and 3 geometric classes, `label` being both.

    There is no official split; `val` is a fixed fifth of the scenes.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Unpack {stanford_background.URL} into manual_dir, so that it holds iccv09Data.
    """

    def _info(self) -> Any:
        return _info(self, stanford_background.StanfordBackground, stanford_background.HOMEPAGE, _STANFORD_BACKGROUND)

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return _splits(self, stanford_background.StanfordBackground, dl_manager.manual_dir, stanford_background.SPLITS)

    def _generate_examples(self, reader: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        return _examples(reader)


class Camvid(tfds.core.GeneratorBasedBuilder):
    """CamVid: 701 road scenes of 720x960 with SegNet's 11 classes and splits."""

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Unpack {camvid.IMAGES_URL} into manual_dir and {camvid.LABELS_URL} into manual_dir/LabeledApproved_full, so that
    manual_dir holds 701_StillsRaw_full/*.png and LabeledApproved_full/*_L.png.
    """

    def _info(self) -> Any:
        return _info(self, camvid.Camvid, camvid.HOMEPAGE, _CAMVID)

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return _splits(self, camvid.Camvid, dl_manager.manual_dir, ("train", "val", "test"))

    def _generate_examples(self, reader: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        return _examples(reader)


class PascalContext(tfds.core.GeneratorBasedBuilder):
    """PASCAL-Context: VOC 2010's images labelled throughout with 59 classes; everything else is background."""

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Unpack {_where(pascal_context.VOC_URL)} and {_where(pascal_context.LABELS_URL)}
    into manual_dir and put {pascal_context.NAMES_URL} there, so that it holds VOCdevkit/VOC2010, trainval/*.mat and
    labels.txt.
    """

    def _info(self) -> Any:
        return _info(self, pascal_context.PascalContext, pascal_context.HOMEPAGE, _PASCAL_CONTEXT)

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return _splits(self, pascal_context.PascalContext, dl_manager.manual_dir, ("train", "val"))

    def _generate_examples(self, reader: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        return _examples(reader)


def _info(builder: Any, reader: Any, homepage: str, citation: str, *, maps: tuple[str, ...] = ()) -> Any:
    """Describe a reader's examples; `maps` are the keys beside image and label that they have."""
    one = not isinstance(reader.num_classes, dict)
    features = {
        "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
        "label": _ids() if one else {head: _ids() for head in reader.num_classes},
        "depth": _ids(np.uint16),
        "hha": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
    }
    return tfds.core.DatasetInfo(
        builder=builder,
        description=type(builder).__doc__,
        features=tfds.features.FeaturesDict({key: features[key] for key in ("image", "label", *maps)}),
        homepage=homepage,
        citation=citation,
        metadata=tfds.core.MetadataDict(num_classes=reader.num_classes, class_names=reader.class_names),
    )


def _ids(dtype: type[np.integer[Any]] = np.uint8) -> Any:
    return tfds.features.Tensor(shape=(None, None), dtype=dtype, encoding=tfds.features.Encoding.ZLIB)


def _splits(builder: Any, reader: Any, folder: Any, splits: Iterable[str], **options: Any) -> dict[str, Any]:
    """Open every split, so that a wrong tree shows before anything is written."""
    return {split: builder._generate_examples(reader(folder, split, **options)) for split in splits}


def _examples(reader: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield `(id, example)`; where a split has no labels, they are void."""
    for key, example in zip(reader.ids, reader, strict=True):
        void = np.full(example["image"].shape[:2], VOID, np.uint8)
        yield key, {"label": void, **example}


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


_VOC_SBD = """
@article{everingham2015pascal,
  title={The {PASCAL} Visual Object Classes Challenge: A Retrospective},
  author={Everingham, Mark and Eslami, S. M. Ali and Van Gool, Luc and Williams, Christopher K. I. and Winn, John
    and Zisserman, Andrew},
  journal={International Journal of Computer Vision}, volume={111}, number={1}, pages={98--136}, year={2015}
}
@inproceedings{hariharan2011semantic,
  title={Semantic Contours from Inverse Detectors},
  author={Hariharan, Bharath and Arbel{\\'a}ez, Pablo and Bourdev, Lubomir and Maji, Subhransu and Malik, Jitendra},
  booktitle={ICCV}, year={2011}
}
"""
_NYUD_V2 = """
@inproceedings{silberman2012indoor,
  title={Indoor Segmentation and Support Inference from {RGBD} Images},
  author={Silberman, Nathan and Hoiem, Derek and Kohli, Pushmeet and Fergus, Rob},
  booktitle={ECCV}, year={2012}
}
@inproceedings{gupta2013perceptual,
  title={Perceptual Organization and Recognition of Indoor Scenes from {RGB-D} Images},
  author={Gupta, Saurabh and Arbel{\\'a}ez, Pablo and Malik, Jitendra},
  booktitle={CVPR}, year={2013}
}
"""
_SIFT_FLOW = """
@inproceedings{liu2009nonparametric,
  title={Nonparametric Scene Parsing: Label Transfer via Dense Scene Alignment},
  author={Liu, Ce and Yuen, Jenny and Torralba, Antonio},
  booktitle={CVPR}, year={2009}
}
@inproceedings{tighe2010superparsing,
  title={{SuperParsing}: Scalable Nonparametric Image Parsing with Superpixels},
  author={Tighe, Joseph and Lazebnik, Svetlana},
  booktitle={ECCV}, year={2010}
}
"""
_STANFORD_BACKGROUND = """
@inproceedings{gould2009decomposing,
  title={Decomposing a Scene into Geometric and Semantically Consistent Regions},
  author={Gould, Stephen and Fulton, Richard and Koller, Daphne},
  booktitle={ICCV}, year={2009}
}
"""
_CAMVID = """
@article{brostow2009semantic,
  title={Semantic Object Classes in Video: A High-Definition Ground Truth Database},
  author={Brostow, Gabriel J. and Fauqueur, Julien and Cipolla, Roberto},
  journal={Pattern Recognition Letters}, volume={30}, number={2}, pages={88--97}, year={2009}
}
"""
_PASCAL_CONTEXT = """
@inproceedings{mottaghi2014role,
  title={The Role of Context for Object Detection and Semantic Segmentation in the Wild},
  author={Mottaghi, Roozbeh and Chen, Xianjie and Liu, Xiaobai and Cho, Nam-Gyu and Lee, Seong-Whan and
    Fidler, Sanja and Urtasun, Raquel and Yuille, Alan},
  booktitle={CVPR}, year={2014}
}
"""
