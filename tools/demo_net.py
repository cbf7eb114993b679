"""Make the net that comes with the package, from a run of the recipe that `make demo` trains.

    fcn-train synthetic_fcn8s --steps 1500 --workdir demo_runs
    python -m tools.demo_net demo_runs/synthetic_fcn8s

It writes `fcn_keras/demo/net.keras`, whose arrays are float16, and `fcn_keras/demo/card.json`, with the scores of that
very file on the scenes that training never saw.
"""

import argparse
import io
import json
import re
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np

from fcn_keras_console import start_tensorflow

WEIGHTS = "model.weights.h5"
TARGET = Path(__file__).resolve().parents[1] / "fcn_keras" / "demo"
MOST = 3_000_000  # bytes of the file in the wheel
DRAWN = 400, 4  # scenes to score, and their seed: neither training, validation nor `fcn-predict --demo` draws these


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", type=Path, help="folder of the trained stage")
    parser.add_argument("--output", type=Path, default=TARGET, help="folder to write (default: %(default)s)")
    arguments = parser.parse_args(argv)
    start_tensorflow()
    target = arguments.output / "net.keras"
    halve(arguments.stage / "best.keras", target)
    if target.stat().st_size > MOST:
        raise SystemExit(f"{target} has {target.stat().st_size} bytes, over {MOST}.")
    card = described(target, json.loads((arguments.stage / "recipe.json").read_text()))
    (arguments.output / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    print(json.dumps(card["scores"]), target.stat().st_size)


def halve(source, target):
    """Write a `.keras` file anew: without optimizer, and every float32 array as float16."""
    import fcn_keras.keras_files as keras_files

    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "net.keras")
        keras_files.load_model(source).save(plain)
        with zipfile.ZipFile(plain) as read:
            members = {name: read.read(name) for name in ("metadata.json", "config.json", WEIGHTS)}
    members[WEIGHTS] = _halved(members[WEIGHTS])
    with zipfile.ZipFile(target, "w") as written:
        for name, contents in members.items():
            written.writestr(name, contents)


def _halved(contents):
    output = io.BytesIO()
    with h5py.File(io.BytesIO(contents)) as source, h5py.File(output, "w") as target:
        _copy(source, target)
    return output.getvalue()


def _copy(source, target):
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy(item, target.create_group(name))
            continue
        values = item[()]
        small = values.astype(np.float16) if values.dtype == np.float32 else values
        target.create_dataset(name, data=small).attrs.update(item.attrs)


def described(path, recipe):
    """Return the net's card."""
    import fcn_keras as fcn
    from fcn_keras import keras_files
    from fcn_keras.datasets.synthetic import Synthetic
    from fcn_keras.demo.net import CLASSES

    model, count = keras_files.load_model(path), len(CLASSES)
    matrix = np.zeros((count, count), np.int64)
    for example in Synthetic(DRAWN[0], seed=DRAWN[1]):
        truth, labels = example["label"], fcn.predict(model, example["image"])
        known = truth < count
        matrix += np.bincount(count * truth[known].astype(int) + labels[known], minlength=count**2).reshape(count, -1)
    scores = {name: round(100 * float(value), 1) for name, value in fcn.scores(matrix).items() if np.ndim(value) == 0}
    return {
        "what": "FCN-8s on a narrow VGG16, trained from random weights on scenes that fcn_keras draws",
        "knows": list(CLASSES),
        "does_not_know": "photographs: it has never seen one, and its answers on them mean nothing",
        "trained_by": re.sub(r" --workdir \S+", "", recipe["command"]),
        "recipe": "synthetic_fcn8s",
        "data": "800 drawn scenes of 128x160, seed 1; nobody else's pictures or weights",
        "scores": scores,
        "scored_on": f"{DRAWN[0]} drawn scenes of 128x160, seed {DRAWN[1]}, in percent",
        "stored_as": "float16 arrays in a .keras file, computed in float32",
        "parameters": model.count_params(),
        "licence": "MIT, as the package",
    }


if __name__ == "__main__":
    main()
