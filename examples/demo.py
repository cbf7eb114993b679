"""Run the whole job on drawn scenes: train FCN-32s, 16s and 8s, score them, export, answer photographs, draw Figure 4.

    python examples/demo.py demo

Needs no data, no weights and no network. Exits with 1 if the nets do not reach what README promises.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from fcn_keras_console import start_tensorflow

NETS = ("synthetic_fcn32s", "synthetic_fcn16s", "synthetic_fcn8s")
PROMISED = {"synthetic_fcn32s": 0.30, "synthetic_fcn16s": 0.45, "synthetic_fcn8s": 0.60}  # mean IU, as in README
PICTURED = (0, 3, 5, 8)  # scenes of the validation split

# What a server does: TensorFlow alone, bytes in, bytes out.
SERVE = """
import base64, sys
import tensorflow as tf
served = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
photographs = [base64.b64decode(line) for line in sys.stdin]
answer = served(image_bytes=tf.constant(photographs))
assert not {"fcn_keras", "fcn_keras_training", "fcn_keras_serving"} & set(sys.modules)
for mask in answer["label_png_bytes"].numpy():
    print(base64.b64encode(mask).decode())
"""


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="folder to write; an earlier demo in it is replaced")
    directory = parser.parse_args(argv).directory
    started = time.monotonic()
    start_tensorflow()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    command("fcn-train", NETS[-1], "--workdir", directory / "runs")
    metrics = {net: evaluate(directory, net) for net in NETS}
    saved_model = export(directory)
    pixels = check_served(directory, saved_model)
    draw(directory)
    summary = {
        "mean_iu": {net: result["mean_iu"] for net, result in metrics.items()},
        "metrics": metrics,
        "promised_mean_iu": PROMISED,
        "saved_model": str(saved_model.relative_to(directory)),
        "pixels_served_equal_to_predict": pixels,
        "seconds": round(time.monotonic() - started, 1),
    }
    (directory / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    table = tabulate(metrics)
    (directory / "metrics.txt").write_text(table)
    print(f"\n{table}\n{directory}: figure4.png, metrics.txt, summary.json, model/  ({summary['seconds']:.0f} s)")
    return verdict(summary["mean_iu"])


def command(name, *arguments):
    """Run one of the installed commands, as a user would; stop the demo where it fails."""
    words = [str(Path(sys.executable).parent / name), *map(str, arguments)]
    print("$", name, *map(str, arguments), flush=True)
    if subprocess.run(words).returncode:
        sys.exit(f"demo: {name} failed.")


def evaluate(directory, net):
    report = directory / "scores" / net
    command("fcn-evaluate", directory / "runs" / net, "--output", report)
    result = json.loads((report / "metrics.json").read_text())
    return {name: result[name] for name in ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu")}


def export(directory):
    stage = directory / "runs" / NETS[-1]
    command("fcn-export", stage / "best.keras", directory / "model", "--classes", stage / "classes.txt")
    return directory / "model" / "1"


def scenes():
    from fcn_keras_training.recipes.readers import SCENES

    from fcn_keras.datasets.synthetic import Synthetic

    count, seed = SCENES["val"]
    return Synthetic(count, seed=seed)


def check_served(directory, saved_model):
    """Send JPEG and PNG files of different sizes in one call to the SavedModel, in a process of its own.

    Returns:
        The number of pixels answered, every one equal to `fcn_keras.predict`'s.
    """
    import base64

    import keras

    import fcn_keras as fcn

    files = []
    for i, form in enumerate(("JPEG", "PNG", "JPEG")):
        contents = BytesIO()
        Image.fromarray(scenes()[i]["image"][: 128 - 17 * i, 9 * i :]).save(contents, form)
        files.append(contents.getvalue())
    lines = "".join(base64.b64encode(contents).decode() + "\n" for contents in files)
    answered = subprocess.run(
        [sys.executable, "-c", SERVE, str(saved_model)], input=lines, capture_output=True, text=True
    )
    if answered.returncode:
        sys.exit(f"demo: the SavedModel did not answer.\n{answered.stderr}")
    model = keras.saving.load_model(directory / "runs" / NETS[-1] / "best.keras", compile=False)
    pixels = 0
    for contents, line in zip(files, answered.stdout.split(), strict=True):
        image = np.asarray(Image.open(BytesIO(contents)).convert("RGB"))
        served = np.asarray(Image.open(BytesIO(base64.b64decode(line))))
        if not np.array_equal(served, fcn.predict(model, image)):
            sys.exit("demo: the SavedModel's labels differ from predict's.")
        pixels += served.size
    return pixels


def draw(directory):
    """Write `figure4.png`: image, the three nets' labels and the truth, in the style of the paper's Figure 4."""
    import keras
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    import fcn_keras as fcn
    from fcn_keras.charts import comparison

    models = [keras.saving.load_model(directory / "runs" / net / "best.keras", compile=False) for net in NETS]
    drawn = scenes()
    rows = []
    for example in (drawn[i] for i in PICTURED):
        rows.append([example["image"], *(fcn.predict(m, example["image"]) for m in models), example["label"]])
    figure = comparison(rows, class_names=drawn.class_names)
    FigureCanvasAgg(figure).print_png(directory / "figure4.png")


def tabulate(metrics):
    lines = [f"{'':<8}  pixel acc.  mean acc.  mean IU  f.w. IU"]
    for net, values in metrics.items():
        name = "FCN-" + net.removeprefix("synthetic_fcn")
        cells = (100 * values[key] for key in ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu"))
        lines.append("{:<8}  {:>10.1f}  {:>9.1f}  {:>7.1f}  {:>7.1f}".format(name, *cells))
    return "\n".join(lines) + "\n"


def verdict(mean_iu):
    """Return 0 if mean IU rises from net to net and each reaches what is promised, 1 otherwise."""
    values = list(mean_iu.values())
    problems = [
        f"{net} reached {mean_iu[net]:.3f}, promised {least}" for net, least in PROMISED.items() if mean_iu[net] < least
    ]
    if sorted(set(values)) != values:
        problems.append(f"mean IU does not rise from 32s to 8s: {values}")
    for problem in problems:
        print(f"demo: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
