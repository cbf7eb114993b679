"""How well `fcn-doctor --model` finds planted errors of masks, beside cleanlab's score of images where it is installed.

    python benchmarks/planted_errors.py NET DIR [--ignore-label VOID] [--seeds N] [--first N]

NET is a .keras file, DIR a folder of `images` and `labels` whose masks the net was not trained on. Errors are planted
in a twentieth of the masks, one mask one error, in N draws for each kind of error:

- swapped: one shape (400 to 20,000 pixels) gets another class, drawn at random
- missing: one shape is filled with the classes around it
- shifted: the whole mask is moved by 8 pixels
- dilated: one shape grows by 5 pixels

Printed are, of the images ranked: how many of the planted are among the first as many as were planted, and among the
first tenth of all images; and of the regions ranked: how many of the planted errors hold one of the first 20 of all
images, by half of its pixels at least.
"""

import argparse
from pathlib import Path

import numpy as np
from fcn_keras_training.doctor.contradictions import SURE, contradictions, judge, margins
from fcn_keras_training.workdir.trained_model import load_model
from scipy import ndimage

import fcn_keras as fcn
from fcn_keras.datasets.images import read_image, read_mask

VOID = 255
LEAST, MOST = 400, 20_000
SHIFT, GROWTH = 8, 5
TOP = 20


def shape_of(ids, generator):
    """Return where one shape of the mask lies, drawn among those of middling size; None where there is none."""
    shapes = []
    for c in np.unique(ids[ids != VOID]):
        parts = ndimage.label(ids == c, np.ones((3, 3)))[0]
        sizes = np.bincount(parts.ravel())
        shapes += [(parts, part) for part in range(1, len(sizes)) if LEAST <= sizes[part] <= MOST]
    if not shapes:
        return None
    parts, part = shapes[generator.integers(len(shapes))]
    return parts == part


def swapped(ids, shape, classes, generator):
    others = [c for c in range(classes) if c != ids[shape][0]]
    return np.where(shape, generator.choice(others), ids)


def missing(ids, shape, classes, generator):
    rows, columns = ndimage.distance_transform_edt(shape | (ids == VOID), return_distances=False, return_indices=True)
    return np.where(shape, ids[rows, columns], ids)


def shifted(ids, shape, classes, generator):
    angle = generator.uniform(0, 2 * np.pi)
    down, across = round(SHIFT * np.sin(angle)), round(SHIFT * np.cos(angle))
    padded = np.pad(ids, SHIFT, mode="edge")
    return padded[SHIFT - down :, SHIFT - across :][: ids.shape[0], : ids.shape[1]]


def dilated(ids, shape, classes, generator):
    return np.where(ndimage.binary_dilation(shape, iterations=GROWTH), ids[shape][0], ids)


KINDS = {harm.__name__: harm for harm in (swapped, missing, shifted, dilated)}


def pairs_of(folder):
    """Return the files of images and masks, by stem."""
    labels = {path.stem: path for path in sorted((folder / "labels").iterdir())}
    return [(path, labels[path.stem]) for path in sorted((folder / "images").iterdir()) if path.stem in labels]


def ids_of(path, ignore_label):
    ids = read_mask(path).astype(np.uint8)
    return np.where(ids == ignore_label, VOID, ids)


def draws(number, seeds):
    """Say which images get an error: `{(kind, seed): indices}`."""
    chosen = {}
    for kind in KINDS:
        for seed in seeds:
            chosen[kind, seed] = set(np.random.default_rng(seed).permutation(number)[: max(1, number // 20)].tolist())
    return chosen


def harmed(ids, kind, seed, index, classes):
    """Plant an error; None where the mask holds no shape of middling size."""
    generator = np.random.default_rng((seed, index))
    shape = shape_of(ids, generator)
    return None if shape is None else KINDS[kind](ids, shape, classes, generator).astype(np.uint8)


def softmin():
    """Return cleanlab's score of an image by probabilities and ids, the higher the worse; None where it is missing."""
    try:
        from cleanlab.segmentation.rank import get_label_quality_scores
    except ImportError:
        return None

    def score(probabilities, ids):
        # It knows no void: such pixels get the network's own label, which is the kindest.
        ids = np.where(ids == VOID, probabilities.argmax(axis=-1), ids)
        return 1 - get_label_quality_scores(ids[None], probabilities.transpose(2, 0, 1)[None], verbose=False)[0][0]

    return score


def measured(pairs, net, ignore_label, chosen, rival):
    """Ask the net about each image once, and return what it contradicts of the masks as they are, and with errors."""
    clean, planted = [], {}
    for index, (image, mask) in enumerate(pairs):
        probabilities = fcn.predict(net, read_image(image), output="probabilities")
        ids = ids_of(mask, ignore_label)

        def facts(ids, probabilities=probabilities):
            return contradictions(probabilities, ids), rival(probabilities, ids) if rival else 0.0

        clean.append(facts(ids))
        for (kind, seed), indices in chosen.items():
            wrong = harmed(ids, kind, seed, index, probabilities.shape[-1]) if index in indices else None
            if wrong is not None:
                found, score = facts(wrong)
                planted[kind, seed, index] = found, score, hits(found, probabilities, wrong, wrong != ids)
    return clean, planted


def hits(found, probabilities, ids, differ):
    """Say of each region whether at least half of its pixels are where the error was planted."""
    labels, margin = margins(probabilities, ids)
    told = []
    for region in found.regions:
        box = slice(region["top"], region["bottom"]), slice(region["left"], region["right"])
        pixels = (ids[box] == region["labelled"]) & (labels[box] == region["predicted"]) & (margin[box] > SURE)
        told.append((differ[box] & pixels).sum() >= 0.5 * pixels.sum())
    return told


def found_in(ranked, wanted):
    """Return the share of the wanted among the first as many, and among the first tenth."""
    tenth = max(len(wanted), len(ranked) // 10)
    return [len(wanted & set(ranked[:first].tolist())) / len(wanted) for first in (len(wanted), tenth)]


def regions_found(judged, told):
    """Return the share of planted errors that one of the first regions of all images lies in.

    Args:
        judged: of all images.
        told: what `hits` says, by image with an error.
    """
    ranked = sorted((-value, i, j) for i, row in enumerate(judged.regions) for j, value in enumerate(row))[:TOP]
    return len({i for _, i, j in ranked if i in told and told[i][j]}) / len(told)


def table(clean, planted, chosen, rival):
    print(f"{'error':<9} {'ranked by':<12} first as many   first tenth   first {TOP} regions")
    for kind in KINDS:
        rows = {"fcn-doctor": [], "mean margin": []} | ({"cleanlab": []} if rival else {})
        for seed in {seed for _, seed in chosen}:
            mine = {i: planted[kind, seed, i] for i in chosen[kind, seed] if (kind, seed, i) in planted}
            found = [mine[i][0] if i in mine else facts[0] for i, facts in enumerate(clean)]
            judged = judge(found)
            values = {
                "fcn-doctor": judged.images,
                "mean margin": np.array([each.weights.sum() for each in found]),
                "cleanlab": np.array([mine[i][1] if i in mine else facts[1] for i, facts in enumerate(clean)]),
            }
            in_regions = regions_found(judged, {i: facts[2] for i, facts in mine.items()})
            for name, row in rows.items():
                ranked = np.argsort(-values[name], kind="stable")
                row.append([*found_in(ranked, set(mine)), in_regions])
        for name, row in rows.items():
            first, tenth, regions = (f"{100 * value:.0f} %" for value in np.mean(row, axis=0))
            print(f"{kind:<9} {name:<12} {first:>13} {tenth:>13} {regions if name == 'fcn-doctor' else '':>18}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("net", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ignore-label", type=int, default=VOID)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    net, pairs = load_model(arguments.net), pairs_of(arguments.folder)
    rival = softmin()
    chosen = draws(len(pairs), range(arguments.first, arguments.first + arguments.seeds))
    table(*measured(pairs, net, arguments.ignore_label, chosen, rival), chosen, rival)


if __name__ == "__main__":
    main()
