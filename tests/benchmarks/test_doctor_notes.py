"""What the benchmark harms is harmed, and what it counts is what the doctor names."""

import doctor_notes
import numpy as np
from PIL import Image

from tests.training.faulty import clean


def test_every_harm_is_a_line_for_each_data_set(tmp_path, capsys):
    folder = clean(tmp_path / "data")
    doctor_notes.main([str(folder), f"{folder}:254"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * (1 + 1 + len(doctor_notes.HARMS) + 4)
    assert lines[:2] == [f"{folder}: 10 images", "  as they are: 0 of 10 named "]
    assert "  blurred, radius 4: image-blurred names 10 of 10; 0 others" in lines
    assert "  darkened to 0.1: image-dark names 10 of 10; 0 others" in lines
    assert "  0 % of the pixels another class: 0 of 10 masks" in lines


def test_motion_averages_along_rows():
    pixels = np.zeros((2, 31, 3), np.uint8)
    pixels[0, 15] = 150
    moved = np.asarray(doctor_notes.moved(Image.fromarray(pixels)))
    assert moved[0, :, 0].tolist() == [0] * 8 + [10] * 15 + [0] * 8
    assert not moved[1].any()
