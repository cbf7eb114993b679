"""Labels as PNG files."""

import numpy as np
from PIL import Image

from training.predict.marks import is_result
from training.predict.png_files import write_ids, write_palette
from training.predict.results import Result


def test_ids_take_two_bytes_above_256_classes(tmp_path):
    labels = np.array([[0, 299], [256, 1]])
    for dtype, path in ((np.uint16, tmp_path / "wide.png"), (np.uint8, tmp_path / "plain.png")):
        given = labels.astype(dtype)
        write_ids(path, Result(None, None, given, None))
        assert is_result(path)
        with Image.open(path) as stored:
            assert stored.mode == ("L" if dtype == np.uint8 else "I;16")
            np.testing.assert_array_equal(np.array(stored), given)
    write_palette(path, Result(None, None, labels.astype(np.uint8), None))
    with Image.open(path) as stored:
        assert stored.mode == "P"
