"""Masks that were resized smoothly are told from masks of thin classes; in doubt no pixel changes."""

import csv

import cv2
import numpy as np
import pytest

from benchmarks.drawn_masks import CLEAN, RESIZERS
from tests.training.faulty import codes, found, pixels, write
from training.doctor.command import main
from training.doctor.examination import examination, examine
from training.doctor.fix import fix
from training.doctor.resized import DOUBTFUL, SURE
from training.train.plan import about_images

NAMES = ("sky", "road", "pole", "car", "tree", "sign")


def folder(path, masks, names=NAMES):
    """Write masks, and noise as their photographs."""
    generator = np.random.default_rng(0)
    for index, mask in enumerate(masks):
        write(path / "images" / f"{index}.png", generator.integers(0, 255, (*mask.shape, 3), np.uint8))
        write(path / "labels" / f"{index}.png", mask)
    if names:
        (path / "classes.txt").write_text("".join(f"{name}\n" for name in names))
    return path


def drawn(kind, number=4, size=(96, 72), ids=range(6)):
    generator = np.random.default_rng(7)
    return [CLEAN[kind](generator, *size, np.array(ids)) for _ in range(number)]


def resized(way, number=6, scale=0.7):
    masks = drawn("regions", number, (192, 144))
    return [RESIZERS[way](mask, round(192 * scale), round(144 * scale)) for mask in masks]


@pytest.mark.parametrize("kind", CLEAN)
def test_no_kind_of_clean_masks_is_an_error_and_fix_changes_no_pixel(kind, tmp_path):
    data = folder(tmp_path / "data", drawn(kind), names=None)
    seen = examination(data)
    assert SURE not in codes(seen.report)
    fix(seen, tmp_path / "out")
    assert len(list((tmp_path / "out" / "labels").iterdir())) == 4
    for path in (data / "labels").iterdir():
        assert (tmp_path / "out" / "labels" / path.name).read_bytes() == path.read_bytes()


def test_in_doubt_the_commands_say_so_and_go_on(tmp_path, capsys):
    """A road one pixel high between sky and a car, in two of six masks."""
    masks = [np.repeat(np.array([0, 3], np.uint8), 24)[:, None].repeat(64, axis=1) for _ in range(6)]
    for mask in masks[:2]:
        mask[24] = 1
    data = folder(tmp_path / "data", masks)
    out = tmp_path / "out"
    assert main([str(data), "--fix", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "note   mask-perhaps-resized\n       2 of 6 masks hold ids between" in printed
    assert f"note {DOUBTFUL}: 2 of 6 masks hold ids between" in printed.partition("The copy has no errors")[2]
    assert [row for row in csv.reader((out / "changes.csv").open()) if "labels" in row[0]] == []
    report = examine(data)
    assert report.class_images["all"] == (6, 2, 0, 6, 0, 0)  # they count, with all their classes
    told = [text for what, text in about_images(report, Told(), 6, 0) if what == "in doubt"]
    assert told[0].startswith("2 of 6 masks hold ids between")


class Told:
    splits = held_out = together = None
    validation_images = 6


@pytest.mark.parametrize("way", RESIZERS)
def test_resized_masks_are_an_error(way, tmp_path):
    data = folder(tmp_path / "data", resized(way, scale=0.5))
    finding = found(examine(data), SURE)
    assert finding.count >= 5
    assert "borders between ids 3 or more apart" in finding.message


def test_fix_says_how_many_pixels_became_what(tmp_path):
    data = folder(tmp_path / "data", resized("OpenCV, linear"))
    fix(examination(data), tmp_path / "out")
    rows = {name: ids for name, what, ids in csv.reader((tmp_path / "out" / "changes.csv").open()) if what == SURE}
    assert len(rows) == 6
    for name, told in rows.items():
        before, after = pixels(data / name), pixels(tmp_path / "out" / name)
        changes = dict(part.removesuffix(")").split(" (") for part in told.split("; "))
        assert sum(int(number.split()[0]) for number in changes.values()) == np.count_nonzero(before != after)
        for change, number in changes.items():
            old, new = map(int, change.split(" -> "))
            assert int(number.split()[0]) == np.count_nonzero((before == old) & (after == new))


def test_few_resized_masks_among_many_with_contours_are_not_beyond_doubt(tmp_path):
    masks = [*resized("OpenCV, linear", 3), *drawn("contours of any class", 20)]
    report = examine(folder(tmp_path / "data", masks))
    assert SURE not in codes(report)
    assert found(report, DOUBTFUL).count == 23


def test_clean_masks_with_contours_are_no_error_beside_resized_ones(tmp_path):
    masks = [*resized("OpenCV, linear", 12), *drawn("contours of any class", 4)]
    seen = examination(folder(tmp_path / "data", masks))
    clean = {i for i, pair in enumerate(seen.layout.pairs) if int(pair.key) >= 12}
    assert clean <= set(seen.findings.pairs_with(DOUBTFUL))
    assert len(seen.findings.pairs_with(SURE)) >= 10


def test_many_ids_of_no_class_are_beyond_doubt(tmp_path):
    """Masks of two classes, 0 and 255, drawn with soft edges: one of their edges suffices."""
    masks = []
    for radius in (9, 12, 15):
        mask = np.zeros((48, 48), np.uint8)
        cv2.circle(mask, (24, 24), radius, 255, -1, cv2.LINE_AA)
        masks.append(cv2.blur(mask, (3, 3)))
    data = folder(tmp_path / "data", masks, names=("ground", "disc"))
    assert found(examine(data), SURE).count == 3
    out = tmp_path / "out"
    fix(examination(data), out)
    assert set(np.unique(pixels(out / "labels" / "0.png"))) == {0, 1}
