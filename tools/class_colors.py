"""Choose the colours that classes without colours of their own get, and say how well they are told apart.

    python -m tools.class_colors            # figures of the table in fcn_keras/colors.py, of VOC's map and of tab20
    python -m tools.class_colors --choose   # choose anew, and print the table: a minute

A table is as good as its two most similar colours, so each next colour is the one farthest from all before it, and the
colours of each step in `STEPS` are exchanged one by one while that makes the smallest distance larger. The first `k`
colours are thus good ones for `k` classes. A distance is CIEDE2000, the smallest of how the two look to people with
common vision and, times `BLIND`, without red, green or blue cones (Machado, Oliveira and Fernandes, 2009). Black, greys
and white are void's, what is left over, and most of a photograph: colours keep a distance from them.
"""

import argparse
import sys

import numpy as np

VISIONS = {  # Machado et al., severity 1, of linear RGB
    "all cones": np.eye(3),
    "no red cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
BLIND = np.array([1, 2.0, 2.0, 2.5])[:, None, None]  # what is reached without a kind of cones is about half
LEVELS = np.arange(0, 256, 17)  # of red, green and blue
CHROMA, DARKEST, LIGHTEST = 38, 38, 90  # of CIELAB
VOID, APART = (224, 224, 192), 22
STEPS = (6, 9, 12, 16, 20, 30, 40)
COUNT = 256
SHOWN = (8, 12, 20, 40)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--choose", action="store_true", help="choose anew, and print the table")
    if parser.parse_args(argv).choose:
        table = chosen()
        text = "".join("{:02x}{:02x}{:02x}".format(*color) for color in table)
        print(*(f'    "{text[start : start + 108]}"' for start in range(0, len(text), 108)), sep="\n")
    else:
        from fcn_keras.colors import DISTINCT

        table = DISTINCT
    print(*figures(table), sep="\n")
    return 0


def figures(table):
    """Say for tables of colours how far the two most similar of the first colours are, as a Markdown table."""
    from fcn_keras.visualize import palette

    tables = {"`fcn_keras.colors`": np.asarray(table), "VOC's map": palette()[1:]}  # black is background there
    try:
        from matplotlib import colormaps

        tables["matplotlib's tab20"] = np.rint(255 * np.array(colormaps["tab20"].colors)).astype(int)
    except ImportError:
        pass
    yield "| colours | of | " + " | ".join(VISIONS) + " |"
    yield "|---|---|" + "---|" * len(VISIONS)
    for count in SHOWN:
        for name, colors in tables.items():
            if count <= len(colors):
                nearest = (f"{smallest:.1f}" for smallest in nearest_pairs(colors[:count]))
                yield f"| {count} | {name} | " + " | ".join(nearest) + " |"


def nearest_pairs(colors):
    """Return CIEDE2000 of the two most similar of `(K, 3)` colours for each of `VISIONS`."""
    distances = np.array([ciede2000(seen[:, None], seen) for seen in seen_by_all(colors)])
    return distances[:, ~np.eye(len(colors), dtype=bool)].min(axis=1)


def chosen():
    """Choose `COUNT` colours: `(COUNT, 3)` uint8."""
    grid = np.stack(np.meshgrid(LEVELS, LEVELS, LEVELS, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = seen_by_all(grid)[0]
    vivid = (np.hypot(*lab[:, 1:].T) >= CHROMA) & (lab[:, 0] >= DARKEST) & (lab[:, 0] <= LIGHTEST)
    vivid &= ciede2000(lab, seen_by_all([VOID])[0]) >= APART
    candidates = grid[vivid]
    seen = seen_by_all(candidates)
    apart = np.stack([_from(seen, place) for place in range(len(candidates))])
    starts = [_extended(apart, [first], STEPS[0]) for first in range(0, len(candidates), 7)]
    places = max(starts, key=lambda places: _smallest(apart, places))
    for count in STEPS:
        kept = 0 if count == STEPS[0] else len(places)
        places = _exchanged(apart, _extended(apart, places, count), kept)
        places[kept:] = _extended(apart, places[: kept or 1], count, of=places)[kept:]
    return candidates[_extended(apart, places, COUNT)].astype(np.uint8)


def _from(seen, place):
    return (ciede2000(seen[:, place : place + 1], seen) * BLIND[..., 0]).min(axis=0)


def _extended(apart, places, count, of=None):
    """Add the places that are farthest from those before them, out of `of`, until there are `count`."""
    places = list(places)
    nearest = apart[places].min(axis=0)
    allowed = np.ones(len(apart), bool) if of is None else np.isin(np.arange(len(apart)), of)
    while len(places) < count:
        places.append(int(np.where(allowed, nearest, -1).argmax()))
        nearest = np.minimum(nearest, apart[places[-1]])
    return places


def _smallest(apart, places):
    among = apart[np.ix_(places, places)]
    return among[~np.eye(len(places), dtype=bool)].min()


def _exchanged(apart, places, kept):
    """Exchange the places behind the first `kept`, one by one, as long as the smallest distance grows."""
    places, better = list(places), True
    while better:
        better = False
        for number in range(kept, len(places)):
            others = places[:number] + places[number + 1 :]
            nearest = apart[others].min(axis=0)
            best = int(nearest.argmax())
            if nearest[best] > nearest[places[number]]:
                places[number], better = best, True
    return places


def seen_by_all(colors):
    """Return CIELAB (D65) of `(K, 3)` sRGB colours 0..255 as each of `VISIONS` sees them: `(V, K, 3)`."""
    share = np.asarray(colors, float) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    seen = np.clip([linear @ np.array(matrix).T for matrix in VISIONS.values()], 0, 1)
    xyz = (
        seen
        @ np.array(
            [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
        ).T
    )
    cubed = xyz / [0.95047, 1, 1.08883]
    x, y, z = np.moveaxis(np.where(cubed > (6 / 29) ** 3, np.cbrt(cubed), cubed * (29 / 6) ** 2 / 3 + 4 / 29), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(first, second):
    """Return the distances of CIELAB colours `(..., 3)`.

    Reference: Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula", Color Research and Application, 2005.
    """
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(np.asarray(each, float), -1, 0) for each in (first, second))
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25**7))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180
    turn = np.where(h2 - h1 == 180, 180, turn)
    hue_gap = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    grey = c1 * c2 == 0
    hue = np.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    cosine = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    of_light = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    of_chroma, of_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * cosine
    rotation = (
        -2 * np.sqrt(chroma**7 / (chroma**7 + 25**7)) * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    )
    gaps = (l2 - l1) / of_light, (c2 - c1) / of_chroma, hue_gap / of_hue
    return np.sqrt(gaps[0] ** 2 + gaps[1] ** 2 + gaps[2] ** 2 + rotation * gaps[1] * gaps[2])


if __name__ == "__main__":
    sys.exit(main())
