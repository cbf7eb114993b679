"""How often fcn-doctor is right that masks were resized smoothly: drawn masks and real ones, as they are and resized.

    python benchmarks/resized_masks.py [--sets N] [DIR[:VOID] ...]

Draws N data sets of 10 masks of every kind of `drawn_masks.CLEAN`, and N for every way to resize of `RESIZERS`, by 0.3
to 3 (the box filter by 0.3 to 0.6: otherwise it mixes few borders, or none), and takes as many of each DIR's masks. It
prints how many masks got no finding, the note and the error. Then it says of masks in unknown colours how many
`--fix` corrects, and how many it leaves out.
"""

import argparse
import io
import sys
from collections import Counter

import numpy as np
from drawn_masks import CLEAN, RESIZERS, VOID, class_ids, regions, wires
from fcn_keras_training.annotations.class_colors import ids_without_doubt
from fcn_keras_training.annotations.masks import describe_mask
from fcn_keras_training.doctor.findings import Files, Findings
from fcn_keras_training.doctor.folder_layout import find_layout
from fcn_keras_training.doctor.resized import DOUBTFUL, SURE, settle_resized
from PIL import Image

from fcn_keras.datasets.classes import ClassTable
from fcn_keras.datasets.images import read_mask
from fcn_keras.visualize import palette

SIZE = 10  # masks of a data set
NARROW = {"Pillow, box": (0.3, 0.6)}
HEAD = "| masks | sets | masks | no finding | note | error | sets with an error |\n|---|---|---|---|---|---|---|"


def named(masks, ignore_label=VOID):
    """Return how many of a data set's masks got no finding, the note and the error."""
    findings = Findings()
    described = {i: describe_mask(mask, ignore_label=ignore_label) for i, mask in enumerate(masks)}
    settle_resized(described, Files({"all": list(described)}, [str(i) for i in described], "masks", findings))
    doubtful, sure = (len(findings.pairs_with(code)) for code in (DOUBTFUL, SURE))
    return len(masks) - doubtful - sure, doubtful, sure


def drawn(kind, seed):
    generator = np.random.default_rng(seed)
    width, height = generator.integers(48, 200, 2).tolist()
    ids = class_ids(generator)
    return [CLEAN[kind](generator, width, height, ids) for _ in range(SIZE)]


def drawn_and_resized(way, seed, base=None):
    """Draw a data set and resize it; return its masks, and whether it has ids 3 or more apart.

    Args:
        base: masks to resize; default: drawn ones.
    """
    generator = np.random.default_rng(seed)
    scale = generator.uniform(*NARROW.get(way, (0.3, 3)))
    if base is None:
        ids, draw = class_ids(generator), (regions, wires)[seed % 2]
        width, height = (max(int(length), int(30 / scale)) for length in generator.integers(64, 200, 2))
        base = [draw(generator, width, height, ids) for _ in range(SIZE)]
    apart = any(np.ptp(mask) >= 3 for mask in base)
    sizes = [[max(8, round(length * scale)) for length in mask.shape] for mask in base]
    return [RESIZERS[way](mask, width, height) for mask, (height, width) in zip(base, sizes, strict=True)], apart


def row(name, sets):
    """Format the results of data sets as a line of the table."""
    if not sets:
        return None
    masks = sum(map(sum, sets))
    told = " | ".join(f"{sum(column):,}" for column in zip(*sets, strict=True))
    return f"| {name} | {len(sets)} | {masks:,} | {told} | {sum(errors > 0 for *_, errors in sets)} |"


def all_of(rows):
    return [each for sets in rows for each in sets]


def on_drawn(number):
    clean = {kind: [named(drawn(kind, seed)) for seed in range(number)] for kind in CLEAN}
    for kind, sets in [*clean.items(), ("all that were not resized", all_of(clean.values()))]:
        print(row(kind, sets), flush=True)
    resized, near = {}, []
    for way in RESIZERS:
        results = [drawn_and_resized(way, seed) for seed in range(number)]
        resized[way] = [named(masks) for masks, apart in results if apart]
        near += [named(masks) for masks, apart in results if not apart]
    for way, sets in [*resized.items(), ("all with ids 3 or more apart", all_of(resized.values())), ("others", near)]:
        print(row(way, sets) or f"| {way} | 0 |", flush=True)


def on_folder(folder, number):
    folder, _, ignore_label = folder.partition(":")
    ignore_label = int(ignore_label or VOID)
    masks = [read_mask(pair.label) for pair in find_layout(folder).pairs if pair.label][: number * SIZE]
    sets = [masks[start : start + SIZE] for start in range(0, len(masks), SIZE)]
    print(row(f"{folder}, as they are", [named(each, ignore_label) for each in sets]), flush=True)
    for way in RESIZERS:
        resized = [drawn_and_resized(way, seed, base)[0] for seed, base in enumerate(sets)]
        print(row(f"{folder}, {way}", [named(each, ignore_label) for each in resized]), flush=True)


def in_colors(what, seed):
    """Return what becomes of a mask of wires in colours: `corrected` or `left out`; None if all colours are known."""
    generator = np.random.default_rng(seed)
    number = int(generator.integers(3, 15))
    colors = palette(number).astype(np.uint8) if seed % 2 else generator.integers(0, 256, (number, 3)).astype(np.uint8)
    ids = wires(generator, 160, 120, np.arange(number))
    missing = int(np.bincount(ids.ravel(), minlength=number).argsort()[-2]) if "lacking" in what else None
    classes = [(str(i), tuple(color)) for i, color in enumerate(colors.tolist()) if i != missing]
    table, picture = ClassTable.of_colors(classes), Image.fromarray(colors[ids])
    if "JPEG" in what:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=75)
        picture = Image.open(file)
    elif "bilinear" in what:
        scale = generator.uniform(0.4, 2.5)
        picture = picture.resize((int(160 * scale), int(120 * scale)), Image.Resampling.BILINEAR)
    pixels = np.array(picture)
    known = table.lookup(pixels)[1]
    if known.all():
        return None
    found, _ = ids_without_doubt(pixels, table, known, lossy="JPEG" in what)
    return "left out" if found is None else "corrected"


def on_colors(number):
    for what in ("a class lacking", "JPEG, a class lacking", "JPEG, quality 75", "bilinear"):
        told = Counter(in_colors(what, seed) for seed in range(number))
        print(f"in colours, {what}: {told['corrected']} corrected, {told['left out']} left out")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", type=int, default=30, help="data sets of each kind (default: 30)")
    parser.add_argument("folders", nargs="*", metavar="DIR[:VOID]")
    options = parser.parse_args(argv)
    print(HEAD)
    on_drawn(options.sets)
    on_colors(options.sets * SIZE)
    for folder in options.folders:
        on_folder(folder, options.sets)
    return 0


if __name__ == "__main__":
    sys.exit(main())
