"""HHA images beside the images: what is missing, damaged or of another size."""

import numpy as np

from tests.training.faulty import HEIGHT, WIDTH, codes, found, write
from training.doctor.examination import examination, examine
from training.doctor.fix import fix


def add(data, split, number, size=(HEIGHT, WIDTH)):
    for index in range(number):
        write(data / split / "hha" / f"{index}.png", np.full((*size, 3), index, np.uint8))


def test_whole_hha_images_are_right(data):
    add(data, "train", 6)
    add(data, "val", 4)
    report = examine(data)
    assert report.findings == ()
    assert report.left_alone == {}


def test_what_is_wrong_with_hha_images(data, tmp_path):
    add(data, "train", 4)
    write(data / "train" / "hha" / "1.png", np.zeros((HEIGHT, WIDTH - 1, 3), np.uint8))
    (data / "train" / "hha" / "2.png").write_bytes(b"%PDF")
    report = examine(data)
    assert codes(report) == {"hha-missing", "hha-unreadable", "hha-size-mismatch"}
    assert found(report, "hha-missing").files == ("train/images/4.png", "train/images/5.png")
    assert found(report, "hha-size-mismatch").files == ("train/images/1.png",)
    assert "train/hha/2.png cannot be read as an image: it is a PDF file" in found(report, "hha-unreadable").message
    assert "none for val" in found(report, "hha-some-splits").message
    done = fix(examination(data), tmp_path / "out")
    assert done.left_out == {
        "HHA image of another size": ["1"],
        "HHA image unreadable": ["2"],
        "no HHA image": ["4", "5"],
    }
    assert examine(tmp_path / "out").errors == ()
