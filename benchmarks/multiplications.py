"""Time the forms that `fcn_keras.predict` computes wide layers in beside the plain ones, layer by layer and as a whole.

    python benchmarks/multiplications.py --output bench
    python benchmarks/multiplications.py --output bench --model runs --images photos/val/images
    python benchmarks/multiplications.py --output bench --onnx plain.onnx quick.onnx

Convolutions of 3x3 as Winograd's F(4, 3) along the rows, fc6 and fc7 in runs of patches and with a transposed kernel,
and `fcn.predict` of a full FCN-8s with and without both. Turns, medians, drawn weights of a trained net's size (He's);
the largest error is that of float32 beside float64, as a share of the largest sum. With --model, the labels and scores
of that net instead, with these forms and without, image by image. With --onnx, two files of fcn-export in ONNX Runtime.
Writes multiplications.json, .txt and .png.
"""

import argparse
import statistics
import time
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
from matplotlib.figure import Figure
from results import add_output, table, write

LAYERS = (  # name, side of the map for 512x512, channels, filters
    ("conv3_1", 128, 128, 256),
    ("conv3_2", 128, 256, 256),
    ("conv4_1", 64, 256, 512),
    ("conv4_2", 64, 512, 512),
    ("conv5_1", 32, 512, 512),
)
PRODUCTS = (("fc6", 49 * 512, 4096), ("fc7", 4096, 4096))
HEADS = ("what", "plain s", "quick s", "ratio", "error plain", "error quick")
HEADS_OF_TIMES = ("plain", "quick", "ratio")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_output(parser)
    parser.add_argument("--rounds", type=int, default=7, help="turns of both (default: %(default)s)")
    parser.add_argument("--size", type=int, default=512, help="side of the image in pixels (default: %(default)s)")
    parser.add_argument("--model", type=Path, help="a net of fcn-train: count the labels that differ")
    parser.add_argument("--images", type=Path, help="folder of photographs for it")
    parser.add_argument(
        "--onnx",
        type=Path,
        nargs=2,
        metavar="FILE",
        help="time two ONNX files to scores instead, a plain one first",
    )
    arguments = parser.parse_args()
    if (arguments.model is None) != (arguments.images is None):
        parser.error("--model and --images are given together.")
    from fcn_keras_console import start_tensorflow

    start_tensorflow()
    if arguments.onnx is not None:
        report, figure, text = _files(arguments)
        write(arguments.output, "multiplications_onnx", report, figure, text)
        return
    if arguments.model is not None:
        report, figure, text = _labels(arguments)
        write(arguments.output, "multiplications_labels", report, figure, text)
        return
    rows = [*_convolutions(arguments), *_products(arguments), _network(arguments)]
    text = table(HEADS, [[row["what"], *(f"{row[x]:.3g}" for x in HEADS_OF_TIMES), *_errors(row)] for row in rows])
    write(arguments.output, "multiplications", {"rows": rows}, _drawn(rows), text)


def _drawn(rows):
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    axes.bar([row["what"] for row in rows], [row["ratio"] for row in rows], color="#4878a8")
    axes.axhline(1, color="black", linewidth=1)
    axes.tick_params(axis="x", rotation=60)
    axes.set_ylabel("seconds, of the plain form's")
    return figure


def _errors(row):
    return [f"{row[x]:.1e}" if row.get(x) is not None else "-" for x in ("error_plain", "error_quick")]


def _timed(what, plain, quick, rounds, truth=None):
    """Time two functions in turns, and compare what they return with `truth`."""
    found = [np.asarray(run()) for run in (plain, quick)]
    seconds = [[], []]
    for _ in range(rounds):
        for run, into in zip((plain, quick), seconds, strict=True):
            started = time.perf_counter()
            run()
            into.append(time.perf_counter() - started)
    plain, quick = map(statistics.median, seconds)
    errors = {}
    if truth is not None:
        errors = dict(zip(("error_plain", "error_quick"), (_error(x, truth) for x in found), strict=True))
    return {"what": what, "plain": plain, "quick": quick, "ratio": quick / plain, **errors}


def _error(found, truth):
    return float(np.abs(found - truth).max() / np.abs(truth).max())


def _convolutions(arguments):
    import tensorflow as tf

    from fcn_keras.inference import winograd

    rng = np.random.default_rng(0)
    for name, side, channels, filters in LAYERS:
        side = side * arguments.size // 512
        x = tf.constant(np.maximum(rng.normal(size=(1, side, side, channels)), 0), tf.float32)
        kernel = tf.Variable(_he(rng, (3, 3, channels, filters)))
        plain = tf.function(lambda x, k=kernel: tf.nn.conv2d(x, k, 1, "SAME"), autograph=False)
        quick = tf.function(lambda x, k=kernel: winograd.convolve(x, k, None, "same"), autograph=False)
        truth = tf.nn.conv2d(tf.cast(x, tf.float64), tf.cast(kernel, tf.float64), 1, "SAME").numpy()
        yield _timed(name, lambda: plain(x).numpy(), lambda: quick(x).numpy(), arguments.rounds, truth)  # noqa: B023


def _products(arguments):
    import tensorflow as tf

    from fcn_keras.inference import products

    rng = np.random.default_rng(0)
    count = (arguments.size // 32) ** 2
    for name, length, filters in PRODUCTS:
        patches = tf.constant(np.maximum(rng.normal(size=(count, length)), 0), tf.float32)
        kernel = tf.Variable(_he(rng, (length, filters)))
        transposed = tf.Variable(tf.transpose(kernel))
        truth = patches.numpy().astype(np.float64) @ kernel.numpy().astype(np.float64)
        plain = tf.function(lambda x, k=kernel: tf.matmul(x, k), autograph=False)
        for form, function, matrix in (
            ("in runs", products.in_runs, kernel),
            ("transposed", products.by_transposed, transposed),
        ):
            quick = tf.function(lambda x, f=function, k=matrix: f(x, k), autograph=False)
            call = lambda f, x=patches: lambda: f(x).numpy()  # noqa: E731
            yield _timed(f"{name} {form}", call(plain), call(quick), arguments.rounds, truth)


def _network(arguments):
    import keras

    import fcn_keras as fcn

    net = fcn.FCN8s(21)
    rng = np.random.default_rng(0)
    for layer in net.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(_he(rng, layer.kernel.shape))
    image = rng.integers(0, 256, (arguments.size, arguments.size, 3), dtype=np.uint8)
    twin = net.__class__.from_config(net.get_config())
    twin.set_weights(net.get_weights())

    def plainly():
        with _plain_forms():
            return fcn.predict(net, image, output="scores")

    return {
        **_timed("fcn.predict", plainly, lambda: fcn.predict(twin, image, output="scores"), arguments.rounds),
        "difference": _error(fcn.predict(twin, image, output="scores"), plainly()),
    }


@contextmanager
def _plain_forms():
    """Let nets that are met first in here be computed without the quick forms, then and later."""
    import keras

    from fcn_keras.inference import parts

    with (
        patch.object(parts.winograd, "can_be_used", lambda layer: False),
        patch.object(parts.products, "of", lambda dtype: keras.ops.matmul),
    ):
        yield


def _labels(arguments):
    """Compare the labels and scores of a trained net, computed in both ways."""
    from fcn_keras_training.workdir.trained_model import load_model

    import fcn_keras as fcn
    from fcn_keras.datasets.images import read_image
    from fcn_keras.datasets.listing import files_below
    from fcn_keras_console.workdir import find_model

    path = find_model(arguments.model)
    plain, quick = load_model(path), load_model(path)
    differ, errors = [], []
    files = files_below(arguments.images)
    for file in files:
        image = read_image(file)
        with _plain_forms():
            one = fcn.predict(plain, image, output="scores")
        other = fcn.predict(quick, image, output="scores")
        differ.append((int((one.argmax(-1) != other.argmax(-1)).sum()), one[..., 0].size))
        errors.append(_error(other, one))
    wrong, pixels = (sum(x) for x in zip(*differ, strict=True))
    text = (
        f"{len(files)} images, {pixels:,} pixels: {wrong} labels differ, {100 * (1 - wrong / pixels):.5f} % are alike; "
        f"scores differ by {max(errors):.1e} of the largest at most"
    )
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.hist(errors, bins=20, color="#4878a8")
    axes.set_xlabel("largest difference of an image's scores, of its largest")
    axes.set_ylabel("images")
    return {"images": len(files), "pixels": pixels, "differ": wrong, "errors": errors}, figure, text


def _files(arguments):
    """Time two ONNX files in turns, on a drawn image."""
    from fcn_keras_console.runtimes.onnx_file import runner

    image = np.random.default_rng(0).integers(0, 256, (arguments.size, arguments.size, 3), dtype=np.uint8)
    plain, quick = (runner(path) for path in arguments.onnx)
    calls = [lambda run=run: np.asarray(next(iter(run(image).values()))) for run in (plain, quick)]
    row = _timed("ONNX Runtime", *calls, arguments.rounds)
    row["difference"] = _error(calls[1](), calls[0]())
    text = table(HEADS, [[row["what"], *(f"{row[x]:.3g}" for x in HEADS_OF_TIMES), "-", "-"]])
    return {"rows": [row]}, _drawn([row]), f"{text}\nscores differ by {row['difference']:.1e} of the largest"


def _he(rng, shape):
    return (rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[:-1]))).astype(np.float32)


if __name__ == "__main__":
    main()
