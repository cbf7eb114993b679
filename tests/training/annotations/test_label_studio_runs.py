"""Label Studio's run lengths: its own encoder and decoder written anew, regions of all kinds, damage."""

import contextlib

import numpy as np
import pytest

from training.annotations.label_studio_runs import decode_brush, encode_brush
from training.annotations.shape_tally import ShapeFault


def by_bits(values):
    """Decode as the application's own loop does, bit by bit."""
    bits = "".join(f"{value:08b}" for value in values)
    at = 0

    def take(number):
        nonlocal at
        at += number
        return int(bits[at - number : at], 2)

    number, word = take(32), take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    out = []
    while len(out) < number:
        repeated = take(1)
        length = take(sizes[take(2)]) + 1
        out += [take(word)] * length if repeated else [take(word) for _ in range(length)]
    return np.array(out, np.uint8)


def literal(values, block):
    """Encode values one after the other, `block` at a time, as the application does where nothing repeats."""
    text = f"{len(values):032b}{7:05b}" + "".join(f"{bits - 1:04b}" for bits in (3, 4, 8, 16))
    for start in range(0, len(values), block):
        part = values[start : start + block]
        text += f"011{len(part) - 1:016b}" + "".join(f"{value:08b}" for value in part)
    text += "0" * (-len(text) % 8)
    return [int(text[at : at + 8], 2) for at in range(0, len(text), 8)]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (40, 33), (300, 250)])
@pytest.mark.parametrize("share", [0, 0.03, 0.5, 1])
def test_round_trip(size, share):
    mask = np.random.default_rng(size[0]).random(size) < share
    values = encode_brush(mask)
    assert all(0 <= value <= 255 for value in values)
    np.testing.assert_array_equal(decode_brush(values, size).mask, mask)
    np.testing.assert_array_equal(by_bits(values).reshape(*size, 4)[..., 3], mask * 255)


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_values_that_do_not_repeat(block):
    rgba = np.random.default_rng(block).integers(0, 3, (6, 11, 4)).astype(np.uint8) * 100
    np.testing.assert_array_equal(decode_brush(literal(rgba.ravel().tolist(), block), (6, 11)).mask, rgba[..., 3] > 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values[:-1], "run lengths are damaged"),
        (lambda values: values[:6], "without run lengths"),
        (lambda values: [], "without run lengths"),
        (lambda values: None, "without run lengths"),
        (lambda values: [300, *values], "no bytes"),
        (lambda values: ["a", *values], "no bytes"),
        (lambda values: [255, 255, 255, 255, *values[4:]], "of another size than the image"),
        (lambda values: [*values[:4], 0, *values[5:]], "of another size than the image"),
    ],
)
def test_damaged_ones(change, message):
    values = encode_brush(np.eye(9, dtype=bool))
    with pytest.raises(ShapeFault, match=message):
        decode_brush(change(values), (9, 9))


def test_any_flipped_byte_is_told_or_harmless():
    values = encode_brush(np.eye(9, dtype=bool))
    for place in range(len(values)):
        for flip in (1, 128, 255):
            changed = [*values]
            changed[place] ^= flip
            with contextlib.suppress(ShapeFault):
                assert decode_brush(changed, (9, 9)).mask.shape == (9, 9)
