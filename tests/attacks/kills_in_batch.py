"""Kill `fcn-batch` with signal 9, replace images meanwhile, and see whether the end is that of a clean run.

The model's labels are an image's red channel, so what each label should be is known. Commands run in forks.
"""

import csv
import io
import os
import random
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tests.attacks import forked
from tests.attacks.outcome import Outcome
from tests.serving.batch.files import NAMES, save_model

NAME = "kill -9 of fcn-batch"
IMAGES = 10
MOMENTS = ("at a label", "before the table", "before the record", "at any time")


def start(folder):
    """Import what the command needs, and write the model; in a fork, as TensorFlow's threads do not survive one."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import apache_beam  # noqa: F401
    import tensorflow  # noqa: F401

    forked.main_of("batch")
    forked.call(lambda: save_model(folder / "model" / "1"))


def draw(path, generator):
    """Write an image of a drawn size, often one of the two usual ones."""
    height, width = generator.choice(((4, 6), (6, 4), (generator.randrange(1, 9), generator.randrange(1, 9))))
    red = np.array([[generator.randrange(len(NAMES)) for _ in range(width)] for _ in range(height)], np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.stack([red, red * 0, red * 0], axis=-1)).save(file, "PNG", compress_level=0)  # of one length
    path.write_bytes(file.getvalue())


def replace(folder, generator):
    """Put other images in the place of some, often with the old time; take one away, add one, or damage one."""
    for path in sorted(folder.glob("*.png")):
        before, what = path.stat(), generator.random()
        if what < 0.3:
            draw(path, generator)
            if generator.random() < 0.5:
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        elif what < 0.35:
            path.write_bytes(b"GIF89a")
        elif what < 0.4:
            draw(folder / f"new{generator.randrange(9)}.png", generator)
        elif what < 0.45:
            os.utime(path, (1, 1))


def spoil(output, generator):
    """Do to what was written what disks and people do to it."""
    files = [path for path in sorted(output.rglob("*")) if path.is_file() and path.name != "fcn-batch.json"]
    if not files or generator.random() < 0.5:
        return
    path = generator.choice(files)
    data = path.read_bytes()
    place = generator.randrange(len(data) + 1)
    what = generator.choice(("remove", "cut", "zeros", "other"))
    if what == "remove":
        path.unlink()
    elif what == "other" and path.suffix == ".png":
        shutil.copyfile(generator.choice([file for file in files if file.suffix == ".png"]), output / "copy")
        (output / "copy").replace(path)
    else:
        path.write_bytes(data[:place] + (b"" if what == "cut" else bytes(len(data) - place)))


def dying(moment, output, generator):
    """Return a function that lets its process die at a moment."""
    number, seconds = generator.randrange(1, IMAGES), generator.uniform(0, 1.5)

    def prepare():
        from apache_beam.io.filesystems import FileSystems

        if moment == "at any time":
            threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
            return
        last = {"before the table": "images.csv", "before the record": "fcn-batch.json"}.get(moment)
        rename, seen = FileSystems.rename, []

        def deadly(sources, targets):
            seen.append(Path(targets[0]))
            written = sum(path.parent.name == "labels" for path in seen)
            if (seen[-1].name == last and len(seen) > 1) or (last is None and written == number):
                os.kill(os.getpid(), signal.SIGKILL)
            rename(sources, targets)

        FileSystems.rename = staticmethod(deadly)

    return prepare


def command(folder):
    pattern, out = folder / "in" / "*.png", folder / "out"
    return ["batch", "--input", pattern, "--model", folder.parent / "model", "--output", out, "--batch-size=3"]


def one(folder, generator):
    """Kill a run up to three times, with other images each time; return what is wrong in the end, and the kills."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "in").mkdir(parents=True)
    for number in range(IMAGES):
        draw(folder / "in" / f"{number}.png", generator)
    kills = 0
    for moment in generator.sample(MOMENTS, generator.randint(1, 3)):
        ended = forked.run(command(folder), prepare=dying(moment, folder / "out", generator))
        kills += ended.code == -signal.SIGKILL
        if ended.code not in (0, -signal.SIGKILL):
            return f"{moment}: ended with {ended.code}: {ended.err[-200:]!r}", kills
        replace(folder / "in", generator)
        if (folder / "out").exists():
            spoil(folder / "out", generator)
    ended = forked.run(command(folder))
    if ended.code:
        return f"the last run ended with {ended.code}: {ended.err[-200:]!r}", kills
    return differences(folder), kills


def differences(folder):
    """Say what is not as in a run that nobody killed; None if nothing is."""
    out, images = folder / "out", sorted((folder / "in").glob("*.png"))
    whole = {path.stem: red(path) for path in images if path.read_bytes()[:3] != b"GIF"}
    labels = {path.stem: np.asarray(Image.open(path)) for path in (out / "labels").glob("*.png")}
    if labels.keys() != whole.keys():
        return f"labels of {sorted(labels.keys() ^ whole.keys())}"
    wrong = [name for name, label in labels.items() if not np.array_equal(label, whole[name])]
    with (out / "images.csv").open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    wrong += [name for name, label in whole.items() if told(rows.get(name)) != expected(label)]
    wrong += [f"no row of {path.stem}" for path in images if path.stem not in rows]
    left = {path.name for path in out.iterdir()} - {"labels", "images.csv", "fcn-batch.json"}
    left |= {path.name for path in (out / "labels").iterdir() if path.suffix != ".png"}
    return f"{wrong} are not as they should be, and {sorted(left)} left" if wrong or left else None


def red(path):
    return np.asarray(Image.open(path))[..., 0]


def told(row):
    return row and [row["status"], row["height"], row["width"], *(float(row[name]) for name in NAMES)]


def expected(label):
    shares = [float(f"{np.mean(label == number):.6g}") for number in range(len(NAMES))]
    return ["labelled", *map(str, label.shape), *shares]


def attack(workdir, *, tries, seconds=float("inf"), seed=0):
    """Kill so many runs, or for so long; a try is a kill, and lost where the end is another."""
    start(workdir)
    kills, lost, started, number = 0, [], time.monotonic(), 0
    while number < tries and (number == 0 or time.monotonic() - started < seconds):
        wrong, killed = one(workdir / "try", random.Random(f"{seed} {number}"))
        kills += killed
        lost += [f"seed {seed} {number}: {wrong}"] if wrong else []
        number += 1
    return Outcome(NAME, max(kills, 1), tuple(lost))


def soak(seconds, workdir):
    """Kill for so many seconds."""
    return [attack(workdir, tries=10**6, seconds=seconds, seed=time.time_ns())]


if __name__ == "__main__":
    print(attack(Path(sys.argv[1]), tries=int(sys.argv[2])))
