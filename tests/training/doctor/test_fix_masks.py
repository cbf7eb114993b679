"""Masks whose ids are colours, corrected for another fault: the ids must not be read anew in another way."""

import re

import numpy as np
import pytest
from PIL import Image

from benchmarks.drawn_masks import wires
from fcn_keras.datasets.classes import ClassTable
from tests.training.faulty import found, pixels, write
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


COLORS = {"sky": (128, 128, 128), "road": (128, 64, 128), "car": (64, 0, 128), "sign": (0, 0, 220)}


def colored(path, *, without=(), ids=None, size=(96, 72), **options):
    """Write three masks of wires in colours, and a class file without some of them; return the true ids."""
    generator = np.random.default_rng(3)
    masks = [wires(generator, *size, np.arange(4)) for _ in range(3)] if ids is None else ids
    suffix = ".jpg" if options else ".png"
    for index, mask in enumerate(masks):
        write(
            path / "images" / f"{index}.png", np.random.default_rng(index).integers(0, 255, (*mask.shape, 3), np.uint8)
        )
        write(path / "labels" / f"{index}{suffix}", np.array([*COLORS.values()], np.uint8)[mask], **options)
    lines = [f"{name} {r} {g} {b}\n" for name, (r, g, b) in COLORS.items() if name not in without]
    (path / "classes.txt").write_text("".join(lines))
    return masks


@pytest.mark.parametrize("drawn", ["regions", "a wire"])
def test_a_class_that_the_class_file_lacks_is_not_painted_over(tmp_path, drawn):
    ids = np.zeros((3, 60, 80), int)
    ids[:, 30:] = 1
    if drawn == "regions":
        ids[:2, 5:15, 10:30] = 3
    else:
        ids[:2, :, 40] = 3
    colored(tmp_path / "data", without=("sign",), ids=[*ids])
    seen = examination(tmp_path / "data")
    assert found(seen.report, "mask-colors-unknown").count == 2
    result = fix(seen, tmp_path / "out")
    reason = "a colour that may be of a class which the class file lacks, such as (0, 0, 220)"
    assert result.left_out == {reason: ["0", "1"]}
    assert [path.name for path in (tmp_path / "out" / "labels").iterdir()] == ["2.png"]


@pytest.mark.parametrize("options", [{"quality": 90}, {"quality": 75}])
def test_colours_that_jpeg_changed_become_the_nearest_and_are_counted(tmp_path, options):
    truth = colored(tmp_path / "data", size=(192, 144), **options)
    result = fix(examination(tmp_path / "data"), tmp_path / "out")
    assert result.left_out == {}
    for index, mask in enumerate(truth):
        written = pixels(tmp_path / "out" / "labels" / f"{index}.png")
        assert (written != mask).mean() < 0.05
        table = ClassTable(tmp_path / "data" / "classes.txt")
        _, known = table.lookup(pixels(tmp_path / "data" / "labels" / f"{index}.jpg"))
        [told] = [ids for name, _, ids in result.changes if name == f"labels/{index}.jpg"]
        numbers = [int(part.replace(",", "")) for part in re.findall(r"\(([\d,]+) pixels?\)", told)]
        more = re.search(r"and ([\d,]+) more", told)
        assert np.count_nonzero(~known) == sum(numbers) or (more and sum(numbers) < np.count_nonzero(~known))
        assert re.match(r"\(\d+, \d+, \d+\) -> [0-3] \(\d", told)
