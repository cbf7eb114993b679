"""Damage served versions and `.keras` files in drawn ways: it is told, or changes nothing.

Each try takes a whole model, does what disks, copies and power cuts do to a file of it, and loads it as commands do.
A try is lost if other numbers come out without a word, or the process dies.
"""

import json
import random
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from fcn_keras_console.digests import digests_below, write_sealed
from tests.attacks.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
SERVED, BATCH, KERAS = "damaged served models", "damaged models of fcn-batch", "damaged .keras files"
IMAGE = np.random.default_rng(0).integers(0, 256, (1, 24, 40, 3)).astype(np.float32)
CHUNK = 40  # tries of a process
PATIENCE = 300  # seconds for them
NARROW = ((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 8


def make(workdir):
    """Write a served version, another one that differs in some weights, and two `.keras` files alike."""
    import keras

    from fcn_keras.models import FCN8s
    from serving.export import export
    from training.workdir.checkpoint import save_model

    keras.utils.set_random_seed(0)
    net = FCN8s(3, channels=NARROW)
    for weight in net.weights:
        weight.assign(np.random.default_rng(1).normal(0, 0.5, weight.shape))
    first = export(net, workdir / "served", classes=["a", "b", "c"], sizes=[IMAGE.shape[1:3]])
    save_model(net, workdir / "1.keras")
    kernel = net.get_layer("fc6").kernel.numpy().astype(np.float32).tobytes()
    other = workdir / "served" / "2"
    shutil.copytree(first, other)
    graph = (other / "saved_model.pb").read_bytes()
    if kernel not in graph:
        raise RuntimeError("the weights of fc6 are no constants of saved_model.pb any more")
    (other / "saved_model.pb").write_bytes(graph.replace(kernel, bytes(len(kernel))))
    (other / "model.json").unlink()
    write_sealed(other / "model.json", {"name": "served"}, digests_below(other))
    net.get_layer("fc6").kernel.assign(np.zeros_like(net.get_layer("fc6").kernel))
    save_model(net, workdir / "2.keras")


def damage(path, other, generator):
    """Do to a file what may happen to it, and return what was done. `other` is the same file of another model."""
    data = bytearray(path.read_bytes())
    kind = generator.choice(("flip", "flip", "zeros", "zeros", "cut", "append", "swap", "block", "remove"))
    place = generator.randrange(len(data)) if data else 0
    length = min(generator.choice((1, 16, 512, 4096)), len(data) - place)
    if kind == "flip" and data:
        data[place] ^= 1 << generator.randrange(8)
    elif kind == "zeros":
        data[place : place + length] = bytes(length)
    elif kind == "cut":
        del data[place:]
    elif kind == "append":
        data += generator.randbytes(length)
    elif kind == "swap" and other.is_file():
        data = bytearray(other.read_bytes())
    elif kind == "block":
        source = generator.randrange(len(data) - length + 1)
        data[place : place + length] = data[source : source + length]
    if kind == "remove":
        path.unlink()
    else:
        path.write_bytes(data)
    return f"{kind} of {length} at {place} of {path.name}"


def drawn_file(folder, generator):
    """Choose a file: in half of the cases one of the two that matter most."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return generator.choice([generator.choice(files), folder / generator.choice(("saved_model.pb", "model.json"))])


def served_scores(folder):
    from serving.server.models.servable import load

    servable = load("served", 1, folder, warm_up=False)
    try:
        return servable.run("predict_scores", {"image": IMAGE})["scores"].tobytes()
    finally:
        servable.close()


def batch_scores(folder):
    import tensorflow as tf

    from serving.batch.model import SavedModel, read_model

    model = read_model(str(folder))
    loaded = SavedModel(model.folder, list(model.classes), model.digests)
    scores = loaded._model.signatures["predict_scores"](image=tf.constant(IMAGE))["scores"]
    return scores.numpy().tobytes()


def keras_weights(path):
    from fcn_keras import keras_files

    model = keras_files.load_model(path)
    return json.dumps(model.get_config(), default=str).encode() + b"".join(x.tobytes() for x in model.get_weights())


def try_version(workdir, generator, answer, expected):
    folder = workdir / "damaged" / "1"
    shutil.rmtree(folder.parent, ignore_errors=True)
    shutil.copytree(workdir / "served" / "1", folder)
    path = drawn_file(folder, generator)
    what = damage(path, workdir / "served" / "2" / path.relative_to(folder), generator)
    return what, changes(partial(answer, folder), expected)


def try_keras(workdir, generator, expected):
    path = workdir / "damaged.keras"
    shutil.copyfile(workdir / "1.keras", path)
    other = workdir / "2.keras" if generator.random() < 0.02 else workdir / "none"  # a whole one is no damage
    what = damage(path, other, generator)
    if "swap" in what and other.is_file():
        expected = keras_weights(other)
    return what, changes(partial(keras_weights, path), expected)


def changes(answer, expected):
    """Whether a model answers, and with other numbers than it should."""
    from serving.errors import ServingError

    try:
        return answer() != expected
    except (ServingError, ValueError, OSError):
        return False


def attack(workdir, tries, seed):
    """Damage a served version, `fcn-batch`'s and a `.keras` file in turn; yield `(row, what, whether it is lost)`."""
    whole = workdir / "served" / "1"
    ways = {
        SERVED: partial(try_version, answer=served_scores, expected=served_scores(whole)),
        BATCH: partial(try_version, answer=batch_scores, expected=batch_scores(whole)),
        KERAS: partial(try_keras, expected=keras_weights(workdir / "1.keras")),
    }
    for number in range(tries):
        generator = random.Random(f"{seed} {number}")
        row = list(ways)[number % len(ways)]
        what, is_lost = ways[row](workdir, generator)
        yield row, f"seed {seed} {number}: {what}", is_lost


def soak(seconds, workdir):
    """Attack in processes of some tries each, so that one that dies ends its own alone."""
    started, seed, found = time.monotonic(), time.time_ns(), {SERVED: [0, []], BATCH: [0, []], KERAS: [0, []]}
    command = [sys.executable, "-m", "tests.attacks.damaged_models", str(workdir)]
    subprocess.run([*command, "make"], cwd=ROOT, check=True, capture_output=True)
    while found[SERVED][0] == 0 or time.monotonic() - started < seconds:
        seed += 1
        done = subprocess.run(
            [*command, str(seed)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
        for row, what, is_lost in lines:
            found[row][0] += 1
            found[row][1] += [what] * is_lost
        if len(lines) < CHUNK:
            row = list(found)[len(lines) % len(found)]
            found[row][0] += 1
            found[row][1].append(f"seed {seed} {len(lines)}: ended with {done.returncode}: {done.stderr[-200:]!r}")
    return [Outcome(row, tries, tuple(lost)) for row, (tries, lost) in found.items()]


def main(workdir, what):
    if what == "make":
        make(Path(workdir))
        return
    for line in attack(Path(workdir), CHUNK, what):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
