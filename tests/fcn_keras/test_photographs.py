import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcn_keras.photographs import FAR, LARGEST_SIDE, Photographs, scale_from_text, scaled_size, size_within

CAMVID = Photographs((360, 480), (360, 480), (360, 480), scales=(0.5, 1.0), crop=(180, 240))


def test_sizes_are_ordered_by_their_pixels():
    of = Photographs.of([(375, 500), (100, 90), (500, 375), (333, 500)])
    assert (of.smallest, of.median, of.largest) == ((100, 90), (333, 500), (500, 375))
    assert Photographs.of([(3, 4)]) == Photographs((3, 4), (3, 4), (3, 4))


def test_the_config_is_json_and_comes_back():
    assert CAMVID.config() == {
        "smallest": [360, 480],
        "median": [360, 480],
        "largest": [360, 480],
        "scales": [0.5, 1.0],
        "crop": [180, 240],
    }
    reduced = Photographs((1, 2), (3, 4), (5, 6), reduced_to=30)
    assert reduced.config()["reduced_to"] == 30
    for known in (CAMVID, reduced, Photographs((1, 2), (3, 4), (5, 6))):
        assert Photographs.from_config(json.loads(json.dumps(known.config()))) == known
    assert set(Photographs((1, 2), (3, 4), (5, 6)).config()) == {"smallest", "median", "largest"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"median": (0, 5)}, r"`median` is \(H, W\), sides from 1 to 1000000. Received: \(0, 5\)"),
        ({"smallest": (True, 5)}, r"`smallest` is \(H, W\)"),
        ({"largest": (5.0, 5)}, r"`largest` is \(H, W\)"),
        ({"largest": (LARGEST_SIDE + 1, 5)}, r"`largest` is \(H, W\)"),
        ({"median": (3, 3, 3)}, r"`median` is \(H, W\)"),
        ({"crop": "55"}, r"`crop` is \(H, W\)"),
        ({"median": (9, 9)}, r"in the order of their pixels. Received: \(2, 2\), \(9, 9\), \(4, 4\)"),
        ({"scales": (0, 1)}, r"`scales` are two factors, 0 < low <= high <= 100. Received: \(0, 1\)"),
        ({"scales": (2.0, 1.0)}, "`scales` are two factors"),
        ({"scales": (1.0, math.inf)}, "`scales` are two factors"),
        ({"scales": (math.nan, 1.0)}, "`scales` are two factors"),
        ({"scales": ("1", 2)}, "`scales` are two factors"),
        ({"reduced_to": 0}, "`reduced_to` is a positive number of pixels. Received: 0"),
    ],
)
def test_what_no_photographs_have(values, message):
    with pytest.raises(ValueError, match=message):
        Photographs(**{"smallest": (2, 2), "median": (3, 3), "largest": (4, 4), **values})


@pytest.mark.parametrize("config", [{}, {"smallest": [1, 1]}, {**CAMVID.config(), "more": 1}, [1, 2]])
def test_a_config_has_these_names(config):
    with pytest.raises(ValueError, match="Photographs are described by"):
        Photographs.from_config(config)
    with pytest.raises(ValueError, match="at least one photograph"):
        Photographs.of([])


def test_a_phone_s_photograph_gets_the_pixels_of_the_training():
    assert scaled_size((3000, 4000), CAMVID) == (360, 480)
    assert scaled_size((4000, 3000), CAMVID) == (480, 360)
    assert scaled_size((2000, 8000), CAMVID) == (208, 831)  # sqrt(172800 / 4) and four times that
    assert scaled_size((1, 10**6), CAMVID) == (1, 415692)  # a strip stays one


def test_what_is_not_far_larger_stays_as_it_is():
    side = math.floor(FAR * 480)
    assert scaled_size((math.floor(FAR * 360), side), CAMVID) == (math.floor(FAR * 360), side)
    assert scaled_size((math.floor(FAR * 360) + 1, side), CAMVID) == (360, 479)
    assert scaled_size((5, 7), CAMVID) == (5, 7)
    mixed = Photographs((50, 50), (100, 100), (400, 400))
    assert scaled_size((500, 500), mixed) == (500, 500)
    assert scaled_size((501, 500), mixed) == (100, 100)


def test_drawn_factors_move_what_is_known():
    def pixels(scales):
        known = Photographs((9, 9), (100, 200), (300, 200), scales=scales)
        return known.most_pixels, known.reduced_pixels

    assert pixels(None) == pixels((0.5, 2.0)) == (93_750, 20_000)  # 1.25**2 * 60,000; the size itself is among them
    assert pixels((0.25, 0.5)) == (23_437, 5_000)  # rounded down
    assert pixels((2, 4)) == (375_000, 80_000)


def test_what_training_reduced_is_reduced_the_same_way():
    known = Photographs.of([(300, 400), (400, 300), (90, 90)], reduced_to=120_000)
    assert (known.most_pixels, known.reduced_pixels) == (120_000, 120_000)
    assert scaled_size((301, 400), known) == (300, 399)  # no image of that scale was shown
    assert scaled_size((300, 400), known) == (300, 400)
    assert scaled_size((3000, 4000), known) == (300, 400)
    assert scaled_size((200, 200), known) == (200, 200)


def test_a_size_within_so_many_pixels():
    assert size_within((375, 500), 46_875) == (188, 250)  # 187.5, half up
    assert size_within((375, 500), 187_500) == (375, 500)
    assert size_within((375, 500), 187_499) == (375, 500)  # rounded
    assert size_within((1, 10_000), 100) == (1, 1000)
    assert size_within((5, 5), 1) == (1, 1)


def test_scales_that_are_given():
    assert scaled_size((3000, 4000), None) == scaled_size((3000, 4000), 1) == (3000, 4000)
    assert scaled_size((3000, 4000), 0.25) == (750, 1000)
    assert scaled_size((3000, 4000), 640) == (480, 640)
    assert scaled_size((30, 40), 640) == (30, 40)
    assert scaled_size((5, 3), 0.5) == (3, 2)  # half up
    assert scaled_size((5, 3), 0.01) == (1, 1)


@given(
    st.integers(1, 70_000),
    st.integers(1, 70_000),
    st.one_of(st.none(), st.floats(1e-6, 1.0), st.integers(2, 10**6), st.just(CAMVID)),
)
def test_nothing_is_enlarged_and_the_shape_is_kept(height, width, scale):
    down, across = scaled_size((height, width), scale)
    assert 1 <= down <= height
    assert 1 <= across <= width
    if down > 1 and across > 1:  # sides are rounded by half a pixel at most
        assert (down - 0.5) / (across + 0.5) <= height / width * (1 + 1e-9)
        assert height / width <= (down + 0.5) / (across - 0.5) * (1 + 1e-9)


def test_the_option_in_words():
    assert scale_from_text("trained") is None
    assert scale_from_text("none") == 1
    assert scale_from_text("0.25") == 0.25
    assert scale_from_text("640") == 640
    for text in ("0", "-1", "1.5", "640.5", "nan", "inf", "big", "", "9999999"):
        with pytest.raises(ValueError, match=f"--scale is trained, none, a factor .* Received: {text}"):
            scale_from_text(text)
