"""Shift-and-stitch against in-network upsampling: where they are equal, where they differ, and what each costs.

    python benchmarks/dense_prediction.py --output DIR
    python benchmarks/dense_prediction.py --output DIR --model runs/voc_fcn32s --data VOC --images 2

Both make dense scores of one FCN-32s. Upsampling interpolates the scores of stride 32 between the points they are
centred on. Shift-and-stitch runs the net on 32 x 32 shifts of the image and computes a score for every pixel. On the
pixels that the coarse scores are centred on, stitching must give those very scores; and interpolating only those
stitched scores must give the upsampled ones. Both are checked against 1e-4 of the largest score. Elsewhere the two are
different answers, and their labels are compared with each other and with the truth.

Without --model a narrow net is trained on drawn scenes first.

Reference: Long, Shelhamer, Darrell, CVPR 2015, sections 3.2 and 3.3.
"""

import argparse
import itertools
import sys
import time
from pathlib import Path

from results import add_output, table, write

from fcn_keras_console import run, start_tensorflow

STRIDE = 32
TOLERANCE = 1e-4  # of the largest score


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_output(parser)
    parser.add_argument("--model", type=Path, help="an FCN-32s of RGB images: a .keras file or a stage's folder")
    parser.add_argument("--recipe", help="read images as this recipe does (default: the model's; synthetic_fcn32s)")
    parser.add_argument("--data", type=Path, help="folder of the recipe's data set")
    parser.add_argument("--images", type=int, default=3, help="evenly spaced over the validation split; default: 3")
    parser.add_argument("--steps", type=int, default=300, help="to train the narrow net; default: 300")
    return run("dense_prediction", _measure, parser.parse_args(argv))


def _measure(arguments):
    start_tensorflow()
    import keras
    from fcn_keras_training.recipes import catalogue as recipes
    from fcn_keras_training.recipes.overrides import Overrides
    from fcn_keras_training.train.fit import spaced
    from fcn_keras_training.workdir.trained_model import load_model

    from fcn_keras_console.workdir import decisions_beside, find_model

    if arguments.model is None:
        name = arguments.recipe or "synthetic_fcn32s"
        model = _trained(recipes.find(name, Overrides(steps=arguments.steps)), arguments.data)
    else:
        path = find_model(arguments.model)
        name, model = arguments.recipe or decisions_beside(path).get("recipe"), load_model(path)
    if name is None:
        raise ValueError(f"There is no recipe.json beside {arguments.model}: say --recipe NAME.")
    if "upscore" not in {layer.name for layer in model.layers}:
        raise ValueError(
            f"{model.name} has no layer `upscore`. Name an FCN-32s of one head: its scores are of stride 32."
        )
    recipe = recipes.find(name)
    examples = spaced(recipe.data(arguments.data, recipe.splits[1]), arguments.images)
    coarse = keras.Model(model.input, model.get_layer("score_fr").output)
    results = [compare(model, coarse, examples[i]) for i in range(len(examples))]
    report = summarise(results, examples)
    write(arguments.output, "dense_prediction", report, draw(results, examples), tabulate(report))
    worst = max(report["stitched_minus_coarse"], report["interpolated_minus_upsampled"])
    if worst > TOLERANCE:
        raise ValueError(
            f"The scores that must be equal differ by {worst:.1e} of the largest one. Expected {TOLERANCE:g}."
        )


def _trained(recipe, directory):
    import keras
    from fcn_keras_training.train.compiling import compile_model

    import fcn_keras as fcn

    train = recipe.data(directory, recipe.splits[0])
    keras.utils.set_random_seed(recipe.seed)
    model = recipe.model(train.num_classes, **recipe.model_options)
    compile_model(model, recipe, train.num_classes)
    model.jit_compile = False
    stream = fcn.batches(
        train,
        batch_size=recipe.batch_size,
        training=True,
        augment=recipe.augment,
        buckets=recipe.buckets,
        seed=recipe.seed,
    )
    model.fit(stream, steps_per_epoch=recipe.steps, verbose=0, shuffle=False)
    return model


def compare(model, coarse, example):
    """Score one image both ways.

    Returns:
        dict: `upsampled` and `stitched` labels (H, W), `equal` bool (H, W) where they agree, `centred` bool (H, W)
        of the pixels that a coarse score is centred on, differences of scores that must be none, seconds.
    """
    import numpy as np

    import fcn_keras as fcn

    image = example["image"]
    scores = fcn.predict(coarse, image, output="scores")
    fcn.predict(model, image, output="scores")  # compiles
    started = time.perf_counter()
    upsampled = fcn.predict(model, image, output="scores")
    middle = time.perf_counter()
    stitched = fcn.shift_and_stitch(coarse, image, stride=STRIDE)
    ended = time.perf_counter()
    start, first = _centres(coarse)
    at_centres = stitched[start::STRIDE, start::STRIDE]
    wanted = scores[first:, first:][: at_centres.shape[0], : at_centres.shape[1]]
    between = _interpolated(at_centres)
    inner = tuple(slice(start + 1, start + 1 + length) for length in between.shape[:2])
    largest = np.abs(scores).max()
    centred = np.zeros(image.shape[:2], bool)
    centred[start::STRIDE, start::STRIDE] = True
    labels = upsampled.argmax(-1), stitched.argmax(-1)
    return {
        "upsampled": labels[0].astype(np.uint8),
        "stitched": labels[1].astype(np.uint8),
        "equal": labels[0] == labels[1],
        "centred": centred,
        "stitched_minus_coarse": float(np.abs(at_centres - wanted).max() / largest),
        "interpolated_minus_upsampled": float(np.abs(between - upsampled[inner]).max(initial=0) / largest),
        "upsampling_seconds": middle - started,
        "stitching_seconds": ended - middle,
    }


def _centres(coarse):
    """Return the first pixel that a coarse score is put on, and which score that is."""
    import math

    from fcn_keras.receptive_field import receptive_field

    start = math.floor(receptive_field(coarse).grid.start)
    return start % STRIDE, -(start // STRIDE)


def _interpolated(points):
    """Interpolate between the points of a lattice of `STRIDE`, which lie half a pixel after the pixel they are put on.

    Returns:
        Scores of the pixels from half a pixel after the first point to half a pixel before the last.
    """
    import numpy as np

    for axis in (0, 1):
        points = np.moveaxis(points, axis, 0)
        share = ((np.arange(STRIDE) + 0.5) / STRIDE).reshape(-1, *[1] * (points.ndim - 1)).astype("float32")
        pieces = [before * (1 - share) + after * share for before, after in itertools.pairwise(points)]
        points = np.moveaxis(np.concatenate(pieces) if pieces else points[:0], 0, axis)
    return points


def summarise(results, examples):
    """Gather the images' results as JSON's types."""
    import numpy as np

    from fcn_keras.confusion import confusion
    from fcn_keras.metrics import scores

    report = {"images": len(results), "size": list(results[0]["equal"].shape)}
    for name in ("stitched_minus_coarse", "interpolated_minus_upsampled"):
        report[name] = max(result[name] for result in results)
    for place, value in (("centred", True), ("elsewhere", False)):
        pixels = np.concatenate([result["equal"][result["centred"] == value] for result in results])
        report[f"argmax_agreement_{place}"] = float(pixels.mean()) if pixels.size else None
    for way in ("upsampl", "stitch"):
        report[f"{way}ing_seconds"] = float(np.median([result[f"{way}ing_seconds"] for result in results]))
        matrix = 0
        for index, result in enumerate(results):
            matrix = matrix + confusion(
                examples[index]["label"], result[f"{way}ed"], len(examples.class_names), f"{index}"
            )
        found = scores(matrix)
        report[f"{way}ed"] = {name: float(found[name]) for name in ("pixel_accuracy", "mean_iu")}
    report["cost_ratio"] = report["stitching_seconds"] / report["upsampling_seconds"]
    return report


def tabulate(report):
    rows = [
        (name, f"{report[key]['pixel_accuracy']:.1%}", f"{report[key]['mean_iu']:.1%}", f"{1000 * report[seconds]:.1f}")
        for name, key, seconds in (
            ("in-network upsampling", "upsampled", "upsampling_seconds"),
            ("shift-and-stitch", "stitched", "stitching_seconds"),
        )
    ]
    shares = [report[f"argmax_agreement_{place}"] for place in ("centred", "elsewhere")]
    told = ["-" if share is None else f"{share:.1%}" for share in shares]
    height, width = report["size"]
    lines = [
        table((f"{report['images']} images of {height}x{width}", "pixel accuracy", "mean IU", "ms an image"), rows),
        "",
        f"cost ratio: {report['cost_ratio']:.0f} (by the number of passes: {STRIDE**2})",
        f"stitched against coarse scores, where they are centred: {report['stitched_minus_coarse']:.1e} of the largest",
        f"interpolated stitched against upsampled scores: {report['interpolated_minus_upsampled']:.1e} of the largest",
        f"same label: {told[0]} of the pixels that coarse scores are centred on, {told[1]} of the others",
    ]
    return "\n".join(lines)


def draw(results, examples):
    """Draw image, both labellings and the truth."""
    from fcn_keras.charts import comparison

    rows = []
    for index, result in enumerate(results):
        example = examples[index]
        rows.append([example["image"], result["upsampled"], result["stitched"], example["label"]])
    titles = ("Image", "Upsampled", "Shift-and-stitch", "Ground truth")
    return comparison(rows, titles=titles, class_names=examples.class_names)


if __name__ == "__main__":
    sys.exit(main())
