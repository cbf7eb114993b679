"""What weighting the classes does: one net trained with every pixel equal, and with rare classes weighing more.

    python benchmarks/class_balance.py --output DIR
    python benchmarks/class_balance.py --output DIR --recipe voc_fcn32s --data VOC --weights vgg16.h5 --seeds 1

Both start from the same weights and see the same images in the same order. The class weights are those that fcn-doctor
prints: the median frequency over each class's (Eigen, Fergus, ICCV 2015), a class's frequency being its share of the
pixels of the images that hold it. The paper found class balancing unnecessary (section 4.3).
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from results import add_output, table, write

from fcn_keras_console import run, start_tensorflow


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_output(parser)
    parser.add_argument("--recipe", default="synthetic_fcn32s", help="net, data, optimizer and rate")
    parser.add_argument("--data", type=Path, help="folder of the recipe's data set")
    parser.add_argument("--weights", type=Path, help="VGG16 weights, for a recipe that starts from them")
    parser.add_argument("--width", type=float, help="factor on all channels of the net, from scratch")
    parser.add_argument("--steps", type=int, default=300, help="default: 300")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one pair of runs each; default: 1 2 3")
    return run("class_balance", _measure, parser.parse_args(argv))


def _measure(arguments):
    start_tensorflow()
    from fcn_keras_training.recipes import catalogue as recipes
    from fcn_keras_training.recipes.overrides import Overrides

    overrides = Overrides(steps=arguments.steps, steps_per_epoch=arguments.steps, width=arguments.width)
    recipe = recipes.find(arguments.recipe, overrides)
    splits = [recipe.data(arguments.data, split) for split in recipe.splits]
    weights, shares = balance(splits[0])
    results = {"equal": [], "balanced": []}
    for seed in arguments.seeds:
        for name, factors in (("equal", None), ("balanced", weights)):
            run = replace(recipe, class_weights=factors, seed=seed)
            results[name].append(train_and_score(run, *splits, arguments.weights))
            print(f"{name}, seed {seed}: mean IU {100 * results[name][-1]['mean_iu']:.2f}", flush=True)
    names = splits[0].class_names
    report = {
        "recipe": arguments.recipe,
        "steps": arguments.steps,
        "seeds": arguments.seeds,
        "class_weights": dict(zip(names, (round(weight, 4) for weight in weights), strict=True)),
        "shares": dict(zip(names, (round(share, 5) for share in shares), strict=True)),
        "runs": results,
    }
    write(
        arguments.output,
        "class_balance",
        report,
        draw(results, names, weights),
        tabulate(results, names, weights, shares),
    )


def balance(examples):
    """Compute the classes' weights as `fcn-doctor` does.

    Returns:
        Weights and shares of all labelled pixels, lists of floats; a class that never occurs weighs 0.
    """
    import numpy as np
    from fcn_keras_training.doctor.class_balance import balancing_weights

    labels = (examples[index]["label"] for index in range(len(examples)))
    counts = [(np.bincount(label[label != 255], minlength=examples.num_classes), label.size) for label in labels]
    pixels = np.array([of_class for of_class, _ in counts])
    totals = np.array([size for _, size in counts])
    return balancing_weights(pixels, totals).tolist(), (pixels.sum(axis=0) / pixels.sum()).tolist()


def train_and_score(recipe, train, val, weights=None):
    """Train a recipe's net from its start, and return the `summary` of its scores over `val`."""
    import keras
    from fcn_keras_training.scoring.images import label_images, score_split
    from fcn_keras_training.scoring.summary import summary
    from fcn_keras_training.train.compiling import compile_model

    import fcn_keras as fcn

    keras.utils.set_random_seed(recipe.seed)
    model = recipe.model(train.num_classes, **recipe.model_options)
    if recipe.imagenet:
        fcn.load_imagenet(model, weights)
    compile_model(model, recipe, train.num_classes)
    model.jit_compile = False  # a short run would spend its time compiling
    stream = fcn.batches(
        train,
        batch_size=recipe.batch_size,
        training=True,
        augment=recipe.augment,
        buckets=recipe.buckets,
        seed=recipe.seed,
    )
    model.fit(stream, steps_per_epoch=recipe.steps, verbose=0, shuffle=False)
    return summary(score_split(label_images(model, val)).matrices[""], train.class_names)


def tabulate(results, names, weights, shares):
    """Lay out the mean over the seeds (and their spread) of the four metrics, and every class's accuracy and IU."""
    import numpy as np
    from fcn_keras_training.scoring.summary import FOUR, TITLES

    rows = []
    for name in FOUR:
        values = {kind: np.array([100 * run[name] for run in runs]) for kind, runs in results.items()}
        change = values["balanced"] - values["equal"]
        rows.append((TITLES[name], *(_spread(values[kind]) for kind in ("equal", "balanced")), _spread(change, "+")))
    metrics = table(("", "equal", "balanced", "change"), rows)
    classes = []
    for index, name in enumerate(names):
        cells = [
            _percent([run[measure][name] for run in results[kind]])
            for measure in ("per_class_accuracy", "per_class_iu")
            for kind in ("equal", "balanced")
        ]
        classes.append((name, f"{100 * shares[index]:.2f}", f"{weights[index]:.2f}", *cells))
    heads = ("class", "pixels %", "weight", "accuracy equal", "balanced", "IU equal", "balanced")
    count = len(results["equal"])
    return f"Mean and range over {count} seeds, in percent\n\n{metrics}\n\n{table(heads, classes)}"


def _spread(values, sign=""):
    return f"{values.mean():{sign}.1f} ({values.min():{sign}.1f} to {values.max():{sign}.1f})"


def _percent(values):
    known = [100 * value for value in values if value is not None]
    return f"{sum(known) / len(known):.1f}" if known else "-"


def draw(results, names, weights):
    """Draw every class's IU without and with weights, the class that weighs least first."""
    import numpy as np
    from matplotlib.figure import Figure

    order = np.argsort(weights)
    figure = Figure(figsize=(1.5 + 0.9 * len(names), 3.6), layout="constrained")
    axis = figure.subplots()
    for offset, (kind, color) in zip((-0.2, 0.2), (("equal", "#4878a8"), ("balanced", "#c44e52")), strict=True):
        ius = [np.mean([run["per_class_iu"][names[i]] or 0 for run in results[kind]]) for i in order]
        axis.bar(np.arange(len(names)) + offset, ius, 0.4, color=color, label=kind)
    axis.set_xticks(range(len(names)), [f"{names[i]}\n{weights[i]:.2f}" for i in order])
    axis.set(xlabel="class and its weight", ylabel="intersection over union", ylim=(0, 1))
    axis.legend()
    axis.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    sys.exit(main())
