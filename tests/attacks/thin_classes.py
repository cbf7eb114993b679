"""Draw clean masks of thin things, class files in odd forms and folders that change, and give them to `fcn-doctor`.

No clean mask may be an error, and `--fix` may change no pixel of one. A class file is read right or refused. A folder
that changes ends in one line and exit 2, with nothing written, or in a whole copy of one state of it.
"""

import contextlib
import io
import os
import random
import shutil
import threading
import time
from pathlib import Path

import numpy as np
from fcn_keras_training.doctor.command import main
from fcn_keras_training.doctor.examination import examination
from fcn_keras_training.doctor.fix import fix
from fcn_keras_training.doctor.resized import SURE
from PIL import Image

from benchmarks.drawn_masks import CLEAN, class_ids
from fcn_keras.datasets.classes import ClassTable
from tests.attacks.outcome import Outcome

_WORDS = ("sky", "road", "Straße", "traffic light", "wall, wood", "C#", "树", "pole", "a-b", "car (parked)")


def drawn(folder, generator, *, number=6):
    """Write photographs of noise and clean masks of one kind, and return the kind."""
    kind = generator.choice(list(CLEAN))
    width, height = generator.integers(48, 160, 2).tolist()
    ids = class_ids(generator)
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for index in range(number):
        noise = generator.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(noise).save(folder / "images" / f"{index}.png", compress_level=0)
        Image.fromarray(CLEAN[kind](generator, width, height, ids)).save(folder / "labels" / f"{index}.png")
    return kind


def try_clean(seed, folder):
    """Return what went wrong with a drawn data set, or None."""
    data, out = folder / "data", folder / "out"
    kind = drawn(data, np.random.default_rng(seed))
    seen = examination(data)
    if any(finding.code == SURE for finding in seen.report.findings):
        return f"seed {seed}: {kind}: an error"
    try:
        fix(seen, out)
    except ValueError as error:  # what may mean several things is asked, and nothing written
        return None if "--read-as" in str(error) and not out.exists() else f"seed {seed}: {kind}: {error}"
    changed = [path.name for path in (data / "labels").iterdir() if not _same(path, out / "labels" / path.name)]
    asked = {finding.code for finding in seen.report.errors}
    return f"seed {seed}: {kind}: {len(changed)} masks changed" if changed and not asked else None


def _same(path, other):
    return other.is_file() and np.array_equal(np.asarray(Image.open(path)), np.asarray(Image.open(other)))


def odd(names, colors, generator):
    """Return a class file in an odd form, as bytes, and whether it must be read right rather than refused."""
    end = generator.choice(["\n", "\r\n", "\r", "\n\n", " \n", "\t\n"])
    after = generator.choice(["", "", " # note", ","]) if not colors else generator.choice(["", " # note"])
    quote = generator.choice(["", "", '"', "'"])
    between = generator.choice([" ", "\t", "  "])
    rows = [f"{quote}{name}{quote}" for name in names]
    if colors:
        rows = [between.join([row, *map(str, color)]) for row, color in zip(rows, colors, strict=True)]
    text = "".join(f"{row}{after}{end}" for row in rows)
    head = generator.choice(["", "\ufeff", "# mine\n"])
    return (head + text).encode()


def damaged(names, generator):
    """Return a file of names that is no class file."""
    rows = [
        lambda: str(list(names)).replace("'", '"').encode(),
        lambda: ("names:\n" + "".join(f"  - {name}\n" for name in names)).encode(),
        lambda: "".join(f"- {name}\n" for name in names).encode(),
        lambda: "\n".join(names).encode("utf-16"),
        lambda: "\n".join(names).encode("utf-16-le"),
        lambda: ("\0".join(names) + "\n").encode(),
        lambda: "".join(f"{i} {2 * i} 3 {name}\n" for i, name in enumerate(names)).encode(),
        lambda: "".join(f"{name},{i},{2 * i},3\n" for i, name in enumerate(names)).encode(),
        lambda: "".join(f"{name} ({i}, {2 * i}, 3)\n" for i, name in enumerate(names)).encode(),
        lambda: "".join(f"{name} #0{i % 10}0203\n" for i, name in enumerate(names)).encode(),
        lambda: ",".join(name.replace(", ", "") for name in names).encode(),
        lambda: "\n".join([*names, names[0]]).encode(),
        lambda: "".join(f"class {i}\n" for i in range(300)).encode(),
        lambda: b"<?xml version='1.0'?>\n<names/>\n",
    ]
    return generator.choice(rows)()


def try_class_file(seed, folder):
    """Return what went wrong with a class file, or None."""
    generator = random.Random(seed)
    names = tuple(generator.sample(_WORDS, generator.randint(2, len(_WORDS))))
    path = folder / "classes.txt"
    if seed % 3 == 0:
        path.write_bytes(damaged(names, generator))
        try:
            return f"seed {seed}: read as {ClassTable(path).names[:3]}"
        except ValueError as error:
            return None if "classes.txt" in str(error) else f"seed {seed}: {error}"
    colors = [(i, 2 * i, 100) for i in range(len(names))] if seed % 3 == 1 else None
    path.write_bytes(odd(names, colors, generator))
    try:
        table = ClassTable(path)
    except ValueError as error:
        return f"seed {seed}: {error}"
    right = table.names == names and table.colors == {color: i for i, color in enumerate(colors or ())}
    return None if right else f"seed {seed}: read as {table.names}"


def change(folder, generator, stop):
    """Remove, cut, replace and add files until it is told to stop."""
    while not stop.is_set():
        with contextlib.suppress(OSError, IndexError):
            files = sorted(folder.rglob("*.*"))
            path, what = generator.choice(files), generator.randrange(5)
            if what == 0:
                path.unlink()
            elif what == 1:
                path.write_bytes(path.read_bytes()[: generator.randrange(200)])
            elif what == 2:
                shutil.copy(path, path.with_name(f"new{generator.randrange(99)}{path.suffix}"))
            elif what == 3:
                os.replace(generator.choice([other for other in files if other.suffix == path.suffix]), path)
            elif generator.random() < 0.1:
                shutil.rmtree(path.parent)
        time.sleep(generator.uniform(0, 0.03))


def try_changing(seed, folder):
    """Return what went wrong with a folder that changes, or None."""
    generator, data, out = random.Random(seed), folder / "data", folder / "out"
    drawn(data, np.random.default_rng(seed), number=12)
    options = (
        [],
        ["--fix", out],
        ["--import", "ids", "--images", "images/*.png", "--masks", "labels/{name}.png", "--into", out],
    )
    stop, printed = threading.Event(), io.StringIO()
    writer = threading.Thread(target=change, args=(data, generator, stop))
    late = threading.Timer(generator.uniform(0, 0.1), writer.start)
    late.start()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(printed):
            status = main([str(data), "--quiet", *map(str, options[seed % 3])])
    except BaseException as error:
        return f"seed {seed}: {error!r:.200}"
    finally:
        stop.set()
        late.cancel()
        late.join()
        if writer.is_alive():
            writer.join()
    left = sorted(path.name for path in folder.iterdir() if path.name not in ("data", "out"))
    if left:
        return f"seed {seed}: left {left}"
    if status == 2:
        lines = printed.getvalue().splitlines()
        return None if len(lines) == 1 and not out.exists() else f"seed {seed}: {len(lines)} lines, {out.exists()}"
    return None if status in (0, 1) else f"seed {seed}: exit {status}"


TRIES = {
    "clean masks of thin classes": try_clean,
    "class files in odd forms": try_class_file,
    "folders that change while they are read": try_changing,
}


def soak(seconds, workdir, *, first=None):
    """Try each for a third of the time, from a seed on that the clock tells."""
    outcomes = []
    first = int(time.time()) * 1000 if first is None else first
    for name, attempt in TRIES.items():
        end, tries, lost = time.monotonic() + seconds / len(TRIES), 0, []
        while time.monotonic() < end:
            folder = Path(workdir) / "try"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            wrong = attempt(first + tries, folder)
            lost += [wrong] if wrong else []
            tries += 1
        outcomes.append(Outcome(name, tries, tuple(lost)))
    return outcomes
