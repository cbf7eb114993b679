"""Count how often the 95 % interval of mean IU holds the mean IU that it is of.

    python benchmarks/interval_coverage.py labels truth --classes 11 --output coverage

The images are taken for all that there are: their mean IU is the truth. Splits of N are drawn from them, with
replacement, and each gets an interval as fcn-evaluate gives it. Writes interval_coverage.json, .txt and .png.
"""

import argparse

import numpy as np
from matplotlib.figure import Figure
from results import add_output, table, write

SIZES = (5, 10, 20, 50, 100, 200)
HEADS = ("images", "intervals that hold it, %", "width, points", "mean IU of 95 % of the splits, +-")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("predictions", help="folder of label files")
    parser.add_argument("labels", help="folder of the true ones")
    parser.add_argument("--classes", type=int, required=True)
    parser.add_argument("--ignore-label", type=int, default=255)
    parser.add_argument("--splits", type=int, default=1000, help="of each size (default: %(default)s)")
    add_output(parser)
    arguments = parser.parse_args(argv)
    sums = _sums(arguments)
    rows = [_covered(sums, size, arguments.splits) for size in SIZES]
    text = table(
        HEADS,
        [[str(r["images"]), f"{100 * r['covered']:.1f}", f"{r['width']:.2f}", f"{r['spread']:.2f}"] for r in rows],
    )
    write(arguments.output, "interval_coverage", {"images": len(sums), "rows": rows}, _drawn(rows), text)
    return 0


def _sums(arguments):
    from fcn_keras_training.scoring.image_sums import sums_of
    from fcn_keras_training.scoring.label_files import LabelFiles

    options = {"classes": arguments.classes, "ignore_label": arguments.ignore_label}
    files = LabelFiles(arguments.predictions, arguments.labels, **options)
    return np.stack([sums_of(image.matrices[""]) for image in files.labelled()])


def _covered(sums, size, splits):
    from fcn_keras_training.scoring.bootstrap import intervals
    from fcn_keras_training.scoring.image_sums import metrics

    true = float(metrics(sums.sum(axis=0))["mean_iu"])
    covered, widths, found = 0, [], []
    for seed in range(splits):
        drawn = sums[np.random.default_rng(seed).integers(len(sums), size=size)]
        low, high = intervals(drawn, times=1000, seed=seed)["mean_iu"]
        covered += low <= true <= high
        widths.append(high - low)
        found.append(float(metrics(drawn.sum(axis=0))["mean_iu"]))
    spread = 196 * float(np.std(found))  # points
    return {"images": size, "covered": covered / splits, "width": 100 * float(np.mean(widths)), "spread": spread}


def _drawn(rows):
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([row["images"] for row in rows], [100 * row["covered"] for row in rows], "o-", color="#4878a8")
    axes.axhline(95, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks(SIZES, SIZES)
    axes.set_xlabel("images of a split")
    axes.set_ylabel("intervals that hold mean IU, %")
    return figure


if __name__ == "__main__":
    main()
