"""Numbers and lists for people."""

import pytest

from fcn_keras_console.words import counted, duration, percent, rate, rough, rough_sentence, some


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0.5, "50.00"), (1, "100.00"), (0.72634, "72.63")])
def test_percent(value, text):
    assert percent(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (4.21, "4.2 s"), (119, "119 s"), (121, "2 min"), (3599, "1 h 00 min"), (11_100, "3 h 05 min")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (374.2, "374"), (4.256, "4.26"), (0.01234, "0.0123")])
def test_rate(value, text):
    assert rate(value) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 images"), (1, "1 image"), (1012, "1,012 images")])
def test_counted(number, text):
    assert counted(number, "image") == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c"], "a, b, c"),
        (list("abcde"), "a, b, c and 2 more"),
        ([1] * 2003, "1, 1, 1 and 2,000 more"),
    ],
)
def test_some(names, text):
    assert some(names, 3) == text


def test_few_images_are_rough():
    assert rough(1) == "mean IU on 1 image is rough: +-11 or more with others"
    assert rough_sentence(16) == "Mean IU on 16 images is rough: +-3 or more with others."
    assert [rough(0), rough(20), rough_sentence(20)] == ["", "", ""]
