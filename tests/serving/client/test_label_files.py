"""Label PNGs: their colours, their names, and that those of others stay."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras_console.files import ManyFiles
from fcn_keras_console.image_files import InputImage
from serving.client.label_files import is_result, require_free, write_labels


def test_bytes_get_vocs_colours_and_wider_ids_none(tmp_path):
    narrow, wide = np.arange(256, dtype=np.uint8)[None], np.array([[0, 300]], np.uint16)
    with ManyFiles() as files:
        paths = write_labels(files, tmp_path, "in/a", {"sem": narrow, "geo": wide})
    assert paths == {"sem": tmp_path / "labels_sem/in/a.png", "geo": tmp_path / "labels_geo/in/a.png"}
    with Image.open(paths["sem"]) as stored:
        assert stored.mode == "P"
        np.testing.assert_array_equal(np.array(stored), narrow)
        colours = np.array(stored.convert("RGB"))[0]
    # PASCAL VOC's own: background, aeroplane, bicycle, bird, train, tv monitor, border.
    known = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0), 19: (128, 192, 0), 20: (0, 64, 128)}
    for index, colour in (known | {255: (224, 224, 192)}).items():
        assert tuple(colours[index]) == colour
    with Image.open(paths["geo"]) as stored:
        assert stored.mode == "I;16"
        np.testing.assert_array_equal(np.array(stored), wide)
    assert all(map(is_result, paths.values()))


def test_bytes_get_the_classes_colours_where_they_are_known(tmp_path):
    labels = np.array([[1, 0, 255]], np.uint8)
    with ManyFiles() as files:
        paths = write_labels(files, tmp_path, "a", labels, {"": np.array([[1, 2, 3], [4, 5, 6]], np.uint8)})
    with Image.open(paths[""]) as stored:
        np.testing.assert_array_equal(np.array(stored), labels)
        assert np.array(stored.convert("RGB"))[0].tolist() == [[4, 5, 6], [1, 2, 3], [224, 224, 192]]  # and void


def test_files_of_others_are_named(tmp_path):
    image = InputImage("a", tmp_path / "photos" / "a.png", "a.png")
    with ManyFiles() as files:
        paths = write_labels(files, tmp_path, "a", np.zeros((2, 2), np.uint8))
    require_free(tmp_path, [image], [""])  # its own
    Image.new("L", (2, 2)).save(paths[""])
    with pytest.raises(
        ValueError, match=r"labels/a\.png exists, and fcn-query did not write it\. Choose another --output"
    ):
        require_free(tmp_path, [image], [""])
    require_free(tmp_path, [image], ["sem"])
