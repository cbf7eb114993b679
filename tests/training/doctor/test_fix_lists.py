"""Lists of a copy: as they are where nothing of them changed, else without what was left out."""

import numpy as np
import pytest

from fcn_keras.datasets.folder import Folder
from tests.training.faulty import write
from training.doctor.examination import examination, examine
from training.doctor.fix import fix


@pytest.fixture
def two_columns(tmp_path):
    data = tmp_path / "data"
    for index in range(6):
        image = np.random.default_rng(index).integers(0, 255, (20, 24, 3), np.uint8)
        write(data / "images" / f"photo {index}.png", image)
        write(data / "labels" / f"{index}_mask.png", np.full((20, 24), index % 2, np.uint8))
    for split, indices in (("train", range(4)), ("val", (4, 5))):
        lines = [f"images/photo {i}.png labels/{i}_mask.png\n" for i in indices]
        (data / f"{split}.txt").write_text("".join(lines))
    (data / "classes.txt").write_text("a\nb\n")
    return data


def test_lists_of_two_columns(two_columns, tmp_path):
    """The mask that becomes a PNG has another name, and so has its line."""
    mask = two_columns / "labels" / "1_mask.png"
    write(mask.with_suffix(".tif"), np.full((10, 12), 1, np.uint8))
    mask.unlink()
    (two_columns / "labels" / "5_mask.png").write_bytes(b"no mask")
    text = (two_columns / "train.txt").read_text().replace("1_mask.png", "1_mask.tif")
    (two_columns / "train.txt").write_text(text)
    fix(examination(two_columns), tmp_path / "out")
    assert (tmp_path / "out" / "train.txt").read_text() == text.replace(".tif", ".png")
    assert (tmp_path / "out" / "val.txt").read_text() == "images/photo 4.png labels/4_mask.png\n"
    assert examine(tmp_path / "out").errors == ()
    assert Folder(tmp_path / "out", "train").ids == tuple(f"photo {i}" for i in range(4))


def test_untouched_lists_are_copied(two_columns, tmp_path):
    write(two_columns / "labels" / "1_mask.png", np.full((10, 12), 1, np.uint8))
    fix(examination(two_columns), tmp_path / "out")
    for name in ("train.txt", "val.txt"):
        assert (tmp_path / "out" / name).read_bytes() == (two_columns / name).read_bytes()
