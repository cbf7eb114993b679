"""Two files of one id: a question where they differ. What else is wrong with names is in test_folder_layout.py."""

from tests.training.faulty import found, pixels, write
from training.doctor.examination import examine


def test_two_files_of_one_id_that_differ(data):
    same = pixels(data / "val" / "images" / "2.png")
    write(data / "val" / "images" / "2.bmp", same)
    assert found(examine(data), "two-files-one-id").readings == {}
    write(data / "val" / "images" / "2.bmp", 255 - same)
    finding = found(examine(data), "two-files-one-id")
    assert list(finding.readings) == ["first-file"]
    assert "--read-as first-file" in finding.advice
