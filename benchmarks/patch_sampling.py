"""Figure 5 of the paper: training on sampled patches against whole images.

    python benchmarks/patch_sampling.py --output DIR
    python benchmarks/patch_sampling.py --output DIR --recipe voc_paper_fcn32s --data VOC --iterations 1500

The same net is trained three times from the same weights: with the loss of every pixel, of a random half, and of a
random quarter, on 1, 2 and 4 times as many images a step, so that as many pixels count in each step (in expectation).
The curves are the whole, unsampled loss of each step's batch before the step, once by iteration and once by the images
processed, which is what time is spent on.

The paper drops "each final layer cell" with some probability; here every pixel of the image is dropped by itself, not
a cell of 32x32. The drawn scenes and Adam stand in for VOC and the paper's SGD unless a recipe says otherwise.

Reference: Long, Shelhamer, Darrell, CVPR 2015, sections 3.4 and 4.3.
"""

import argparse
import sys
import time
from pathlib import Path

from results import add_output, table, write

import fcn_keras_console as console

KEEP = (1.0, 0.5, 0.25)
COLORS = ("#c44e52", "#4878a8", "#55a868")
WINDOW = 20  # iterations that a point of a curve is the mean of, as the released solvers' display


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_output(parser)
    parser.add_argument(
        "--recipe", default="synthetic_fcn32s", help="net, data and optimizer; its rate stays as it starts"
    )
    parser.add_argument("--data", type=Path, help="folder of the recipe's data set")
    parser.add_argument("--weights", type=Path, help="VGG16 weights, for a recipe that starts from them")
    parser.add_argument("--width", type=float, help="factor on all channels of the net, from scratch")
    parser.add_argument(
        "--images", type=int, default=20, help="images a step of the whole loss; default: 20, as the paper"
    )
    parser.add_argument("--iterations", type=int, default=120, help="default: 120; the paper: about 1500")
    parser.add_argument("--seed", type=int, default=1337)
    return console.run("patch_sampling", _measure, parser.parse_args(argv))


def _measure(arguments):
    console.start_tensorflow()
    from fcn_keras_training.recipes import catalogue as recipes
    from fcn_keras_training.recipes.overrides import Overrides

    for name in ("images", "iterations"):
        if getattr(arguments, name) < 1:
            raise ValueError(f"--{name} is at least 1. Received: {getattr(arguments, name)}.")
    recipe = recipes.find(arguments.recipe, Overrides(seed=arguments.seed, width=arguments.width))
    examples = recipe.data(arguments.data, recipe.splits[0])
    runs = {}
    for keep in KEEP:
        started = time.monotonic()
        losses = train(recipe, examples, keep, round(arguments.images / keep), arguments.iterations, arguments.weights)
        runs[keep] = {
            "images_per_step": round(arguments.images / keep),
            "seconds": round(time.monotonic() - started, 1),
            "loss": [round(loss, 5) for loss in losses],
        }
        print(f"{keep:.0%} trained in {runs[keep]['seconds']} s", flush=True)
    report = {
        "recipe": arguments.recipe,
        "masked": "pixels",
        "iterations": arguments.iterations,
        "runs": {f"{keep:g}": run for keep, run in runs.items()},
    }
    write(arguments.output, "patch_sampling", report, draw(runs), tabulate(runs))


def train(recipe, examples, keep, images, iterations, weights=None):
    """Train a recipe's net with patch sampling.

    Returns:
        The whole loss (mean over the batch's pixels) of each step's batch, before the step.
    """
    import keras

    import fcn_keras as fcn

    keras.utils.set_random_seed(recipe.seed)
    model = recipe.model(examples.num_classes, **recipe.model_options)
    if recipe.imagenet:
        fcn.load_imagenet(model, weights)
    whole = fcn.PixelCrossentropy()

    def whole_loss(labels, scores):
        return whole(labels, scores)

    sampled = fcn.PixelCrossentropy(reduction=recipe.reduction, keep=keep, seed=recipe.seed)
    model.compile(recipe.optimizer(recipe.learning_rate), sampled, metrics=[whole_loss], jit_compile=False)
    stream = fcn.batches(
        examples, batch_size=images, training=True, augment=recipe.augment, buckets=recipe.buckets, seed=recipe.seed
    )
    losses = []
    for inputs, labels in stream.take(iterations):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(inputs, labels, return_dict=True)["whole_loss"]))
    return losses


def smooth(losses):
    """Return the mean of every loss and those up to `WINDOW - 1` before it."""
    import numpy as np

    sums = np.cumsum([0.0, *losses])
    ends = np.arange(1, len(losses) + 1)
    starts = np.maximum(ends - WINDOW, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def tabulate(runs):
    """Compare the runs after as many iterations, and after as many images as the whole loss took in all."""
    least = len(runs[1.0]["loss"]) * runs[1.0]["images_per_step"]
    rows = []
    for keep, run in runs.items():
        curve, images = smooth(run["loss"]), run["images_per_step"]
        at_equal_images = curve[max(least // images, 1) - 1]
        rows.append(
            (
                f"{keep:.0%}",
                str(images),
                f"{curve[-1]:.3f}",
                f"{at_equal_images:.3f}",
                f"{1000 * run['seconds'] / len(run['loss']):.0f}",
            )
        )
    heads = (
        "pixels kept",
        "images a step",
        f"loss after {len(runs[1.0]['loss'])} steps",
        f"after {least} images",
        "ms a step",
    )
    return table(heads, rows)


def draw(runs):
    """Draw the loss by iteration, and by images processed."""
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    by_iteration, by_time = figure.subplots(1, 2, sharey=True)
    for (keep, run), color in zip(runs.items(), COLORS, strict=True):
        curve = smooth(run["loss"])
        steps = np.arange(1, len(curve) + 1)
        title = "full images" if keep == 1 else f"{keep:.0%} sampling"
        by_iteration.plot(steps, curve, color=color, label=title)
        by_time.plot(steps * run["images_per_step"], curve, color=color, label=title)
    by_iteration.set(xlabel="iterations", ylabel=f"loss of all pixels, mean of {WINDOW}")
    by_time.set(
        xlabel="relative time (images processed)", xlim=(0, len(runs[1.0]["loss"]) * runs[1.0]["images_per_step"])
    )
    lowest = min(smooth(run["loss"]).min() for run in runs.values())
    by_iteration.set_ylim(0.9 * lowest, 3 * lowest)  # the paper's axis, 0.4 to 1.2
    by_iteration.legend()
    for axis in (by_iteration, by_time):
        axis.grid(alpha=0.3)
    return figure


if __name__ == "__main__":
    sys.exit(main())
