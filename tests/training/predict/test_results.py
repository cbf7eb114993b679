"""The formats of labels: what is painted or decoded from them is the label map again."""

import resource
import sys
from pathlib import Path

import numpy as np
import pytest

from fcn_keras_console.image_files import InputImage
from tests.training.label_maps import NAMES
from training.predict.results import Classes, Results


@pytest.fixture
def small_files():
    """Let no file grow beyond 2000 bytes, as on a full disk: what fits of a block is written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_is_named_and_leaves_no_half(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    source = InputImage("a", tmp_path / "a.png", "a.png")
    for name in ("overlay", "ids"):
        results = Results(tmp_path / "out", [name], {"": Classes.named(None, 256)})
        with pytest.raises(OSError, match="too large") as caught, results:
            results.write(source, "", image, image[..., 0])
        assert Path(caught.value.filename).stem == "a"
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_coco_without_pycocotools(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(ImportError, match=r'COCO files need pycocotools: pip install "fcn_keras\[coco\]"'):
        Results(tmp_path, ["coco"], {"": Classes.named(None, 4)})


def test_a_palette_holds_256_classes(tmp_path):
    classes = {"": Classes.named(None, 257)}
    with pytest.raises(ValueError, match=r"A palette PNG holds 256 classes. This model has 257: say --format ids"):
        Results(tmp_path, ["overlay"], classes)
    assert Results(tmp_path, ["ids", "labelme"], classes).formats == ["ids", "labelme"]


def test_pixels_are_counted_in_bands():
    labels = np.random.default_rng(0).integers(0, 3, (600, 7)).astype(np.uint8)
    counts = Classes.named(NAMES, 4).counts(labels)
    assert counts.dtype == np.int64
    assert counts.tolist() == [int((labels == index).sum()) for index in range(4)]


def test_shares_are_ordered():
    shares = Classes.named(NAMES, 4).shares([1, 0, 3, 4])
    assert shares == {"tree": 0.5, "car": 0.375, "sky": 0.125}
    assert list(shares) == ["tree", "car", "sky"]
    assert Classes.named(None, 2) == Classes(("class 0", "class 1"), 0)
    assert Classes.named(("background", "cat"), 2).background == 0
    assert Classes.named(NAMES, 4).background is None
