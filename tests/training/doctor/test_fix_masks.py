"""Masks whose ids are colours, corrected for another fault: the ids must not be read anew in another way."""

import numpy as np
from PIL import Image

from tests.training.faulty import pixels, write
from training.doctor.examination import examination
from training.doctor.fix import fix


def scene(low, high, size=(20, 24)):
    values = np.full(size, low, np.uint8)
    values[size[0] // 2 :] = high
    return values


def test_greys_of_classes_and_palettes_with_void(tmp_path):
    data = tmp_path / "data"
    for index in range(4):
        write(data / "images" / f"{index}.png", np.random.default_rng(index).integers(0, 255, (20, 24, 3), np.uint8))
    write(data / "labels" / "0.png", scene(128, 64, (10, 12)))
    write(data / "labels" / "1.png", scene(128, 0))
    for index, size in ((2, (10, 12)), (3, (20, 24))):
        image = Image.frombytes("P", size[::-1], scene(1, 255, size).tobytes())
        image.putpalette(bytes([64, 64, 64, 128, 128, 128, *[9] * 57]))
        image.save(data / "labels" / f"{index}.png")
    (data / "classes.txt").write_text("sky 128 128 128\nroad 64 64 64\nUnlabelled 0 0 0\n")
    result = fix(examination(data), tmp_path / "out")
    assert result.written == {"size-mismatch": 2}
    assert np.array_equal(pixels(tmp_path / "out" / "labels" / "0.png"), scene(0, 1))
    assert np.array_equal(pixels(tmp_path / "out" / "labels" / "2.png"), scene(0, 255))
    assert (tmp_path / "out" / "labels" / "1.png").read_bytes() == (data / "labels" / "1.png").read_bytes()
    assert result.changes[0] == ("labels/0.png", "size-mismatch", "10 x 12 -> 20 x 24 pixels (height x width)")
