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
    """Let no file grow beyond 6000 bytes, as on a full disk: what fits of a block is written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_is_named_and_leaves_no_half(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    source = InputImage("a", tmp_path / "a.png", "a.png")
    for name, count in (("overlay", 2), ("ids", 256)):  # the legend of 256 classes is too large by itself
        results = Results(tmp_path / "out", [name], {"": Classes.named(None, count)})
        with pytest.raises(OSError, match="too large") as caught, results:
            results.write(source, "", image, image[..., 0] % np.uint16(count))
        assert Path(caught.value.filename).stem == "a"
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["legend.png"]


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


def test_one_legend_a_head_lies_beside_the_labels(tmp_path):
    image, labels = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)
    source = InputImage("a", tmp_path / "a.png", "a.png")
    classes = {"sem": Classes.named(("sky", "road"), 2), "geo": Classes.named(("flat", "high"), 2)}
    for formats, expected in ((["ids"], []), (["palette"], ["legend_geo.png", "legend_sem.png"])):
        with Results(tmp_path / "out", formats, classes) as results:
            for head in classes:
                results.write(source, head, image, labels)
            results.finish()
        assert sorted(path.name for path in (tmp_path / "out").glob("legend*")) == expected
        assert {path.name for path in results.present()} >= set(expected)
    (tmp_path / "out" / "legend_geo.png").write_bytes(b"a map's legend")
    with pytest.raises(ValueError, match=r"legend_geo\.png exists, and fcn-predict did not write it"):
        Results(tmp_path / "out", ["overlay"], classes).require_free([source])


def test_colors_by_name():
    assert Classes.named(("sky", "road"), 2).colors_of(["road"]) == {"road": "#ffdd00"}
