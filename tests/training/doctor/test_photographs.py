"""Blurred, dark, bright, long and small photographs are named; what all of a data set are is not."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests.training.faulty import change, codes, found
from training.doctor.examination import examine
from training.doctor.findings import Files, Findings
from training.doctor.photographs import FEWEST, Look, check_photographs, far_off
from training.doctor.photographs import look as look_at

PLAIN = Look(0.3, 220, 30, 0.01)


def look(grey):
    return look_at(Image.fromarray(grey).convert("RGB"))


def notes_of(looks, sizes=None):
    """Return the files of every finding, by code."""
    sizes = sizes or [(60, 80)] * len(looks)
    findings = Findings()
    names = [str(number) for number in range(len(looks))]
    pictures = {i: SimpleNamespace(size=size, look=own) for i, (size, own) in enumerate(zip(sizes, looks, strict=True))}
    check_photographs(pictures, Files({"all": list(pictures)}, names, "images", findings))
    assert all(finding.severity == "note" for finding in findings.all)
    return {finding.code: finding.files for finding in findings.all}


def test_sharpness_by_hand():
    # Steps of 8 pixels along rows: one pixel in 8 differs from the next, and 4 in 8 from the one 4 further.
    steps = np.tile(np.repeat([0, 100], 8), 4)
    stripes = np.tile(steps.astype(np.uint8), (64, 1))
    near, far = (np.mean((steps[n:] - steps[:-n]) ** 2.0) for n in (1, 4))
    assert look(stripes).sharpness == pytest.approx(near / far)  # along columns nothing changes, which says nothing
    ramp = np.tile(np.arange(0, 192, 3, dtype=np.uint8), (64, 1))
    assert look(ramp).sharpness == pytest.approx(1 / 16)
    noise = np.random.default_rng(0).integers(0, 256, (300, 300)).astype(np.uint8)
    assert look(noise).sharpness == pytest.approx(1, abs=0.05)


def test_a_large_photograph_is_judged_at_the_size_that_a_network_sees():
    """What is soft pixel by pixel, as an enlarged photograph, is sharp there; what is blurred there is not."""
    sharp = Image.fromarray(np.random.default_rng(0).integers(0, 256, (375, 500, 3)).astype(np.uint8))
    enlarged = [x.resize((2000, 1500), Image.Resampling.BICUBIC) for x in (sharp, sharp.filter(ImageFilter.BoxBlur(3)))]
    assert [look_at(x).sharpness > 0.3 for x in enlarged] == [True, False]


def test_light_and_dark_are_what_a_twentieth_of_the_pixels_reach():
    grey = np.repeat(np.arange(100, dtype=np.uint8), 100).reshape(100, 100)[:, :64].T.copy()  # (64, 100): 0..99 a row
    assert look(grey)[1:] == (94, 4, 0.0)
    assert look(np.where(grey < 25, 255, grey))[3] == 0.25


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (200, 1), (3, 5)])
def test_small_images_are_looked_at_too(shape):
    assert look(np.full(shape, 7, np.uint8)) == (1.0, 7, 7, 0.0)


def test_each_finding_names_the_worst_first():
    looks = [PLAIN] * 20
    looks[3:5] = PLAIN._replace(sharpness=0.09), PLAIN._replace(sharpness=0.07)
    looks[6] = PLAIN._replace(light=60)
    looks[8:10] = PLAIN._replace(white=0.6), PLAIN._replace(dark=200)
    assert notes_of(looks) == {"image-blurred": ("4", "3"), "image-dark": ("6",), "image-bright": ("8", "9")}


def test_what_all_are_is_no_fault():
    assert notes_of([Look(0.07, 50, 2, 0.0)] * 20) == {}  # a night, out of focus
    assert notes_of([Look(0.3, 255, 210, 0.7)] * 20) == {}  # goods before a white wall
    assert notes_of([PLAIN._replace(sharpness=0.07)] + [PLAIN._replace(sharpness=0.12)] * 19) == {}  # not half as sharp


def test_too_few_images_are_no_rest_to_compare_with():
    dark = PLAIN._replace(light=9)
    assert notes_of([dark] + [PLAIN] * (FEWEST - 2)) == {}
    assert notes_of([dark] + [PLAIN] * (FEWEST - 1)) == {"image-dark": ("0",)}


def test_shapes_far_from_the_rest():
    sizes = [(60, 80)] * 30 + [(80, 60)] * 10 + [(60, 170), (20, 30), (300, 400)]
    assert notes_of([PLAIN] * 43, sizes) == {"image-odd-aspect": ("40",), "image-odd-size": ("42", "41")}


def test_far_is_more_than_twice_and_rare():
    values = np.zeros(100)
    values[:4] = 1.01, -1.01, 1.0, 3
    assert np.flatnonzero(far_off(values)).tolist() == [0, 1, 3]
    values[:6] = 3  # 6 of 100 are no exceptions
    assert not far_off(values).any()
    spread = np.linspace(-3, 3, 101)  # a robust standard deviation of 2.2
    assert not far_off(np.append(spread, 9)).any()
    assert far_off(np.append(spread, 20)).sum() == 1


def test_planted_in_files(data):
    photographs = sorted((data / "train" / "images").glob("*"))

    def blurred(pixels):
        return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(3)))

    change(photographs[:1], blurred)
    change(photographs[1:2], lambda pixels: pixels // 5)
    change(photographs[2:3], lambda pixels: 255 - (255 - pixels) // 5)
    report = examine(data)
    assert {code: found(report, code).files for code in codes(report, "note")} == {
        "image-blurred": ("train/images/0.png",),
        "image-dark": ("train/images/1.png",),
        "image-bright": ("train/images/2.png",),
    }
    assert report.errors == ()
