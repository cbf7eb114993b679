"""What a legend shows, and that its words fit."""

import numpy as np
from PIL import Image

from training.scoring.legend import below, entries_of, present, strip, write_legend

NAMES, COLORS = ("sky", "road", "car"), [(0, 0, 255), (255, 0, 0), (0, 160, 0)]


def holds(picture, color):
    return int((np.asarray(picture) == color).all(axis=-1).sum())


def test_classes_that_occur():
    maps = [np.uint8([[0, 255]]), np.array([[2, 2]])]
    assert present(maps, NAMES) == [0, 2]
    assert present(maps, NAMES, background=0) == [2]
    assert present([np.uint16([[299, 1]])], tuple(map(str, range(300)))) == [1, 299]


def test_a_strip_holds_its_entries_and_grows_with_the_picture():
    entries = entries_of([0, 2], NAMES, COLORS)
    small, large = strip(entries, 200), strip(entries, 1000)
    assert (small.shape[1], large.shape[1]) == (200, 1000)
    assert len(large) > 1.7 * len(small)
    for drawn in (small, large):
        assert holds(drawn, COLORS[0]) > 50
        assert holds(drawn, COLORS[2]) > 50
        assert not holds(drawn, COLORS[1])
        assert (drawn[[0, -1]] == 255).all()
        assert (drawn[:, [0, -1]] == 255).all()  # no word is cut off
    assert strip([], 200).shape == (0, 200, 3)


def test_what_is_too_wide_goes_to_the_next_line_or_is_shortened():
    entries = [(f"a class of a long name {index}", color) for index, color in enumerate(COLORS)]
    one, three = strip(entries[:1], 400), strip(entries, 400)
    assert len(three) > 1.5 * len(one)
    narrow = strip(entries, 40)
    assert (narrow[:, -1] == 255).all()
    assert all(holds(narrow, color) for color in COLORS)


def test_below_a_picture():
    picture = np.full((20, 100, 3), 7, np.uint8)
    drawn = below(picture, entries_of([1], NAMES, COLORS))
    np.testing.assert_array_equal(drawn[:20], picture)
    assert holds(drawn[20:], COLORS[1])


def test_names_in_letters_that_the_font_lacks():
    names = ("road", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{CJK UNIFIED IDEOGRAPH-9053}")
    assert [name for name, _ in entries_of(range(3), names, COLORS)] == ["road", "cafe", "class 2"]


def test_a_file_holds_all_classes_in_columns(tmp_path):
    names, colors = [f"class of number {index}" for index in range(45)], [(index, 99, 201) for index in range(45)]
    write_legend(tmp_path / "legend.png", names, colors, background=0)
    drawn = np.asarray(Image.open(tmp_path / "legend.png"))
    assert all(holds(drawn, color) > 100 for color in colors)
    lefts = {int((drawn == color).all(axis=-1).any(axis=0).argmax()) for color in colors}
    assert len(lefts) == 3
    assert (drawn[:, -1] == 255).all()
