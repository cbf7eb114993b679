"""Change the data of a run, and the files in its workdir, and give the command again.

Whatever is drawn, it is told in one line with nothing touched, or it is harmless: the run ends, bit for bit, as one
that nobody touched. What has to be told of the data, the attack knows from the bytes of all images, masks and classes.
"""

import contextlib
import io
import os
import random
import shutil
import time
from pathlib import Path

from tests.attacks.kills import differences
from tests.attacks.outcome import Outcome

PAIRS = 6
DATA, FILES, WAYS = "data changed under a run", "files changed in a workdir", "ways on with changed data"


def soak(seconds, workdir):
    """Attack for about so many seconds, each kind in its turn."""
    return attack(seconds, workdir)


def attack(seconds, workdir, seed=0):
    """Try each kind in its turn until the time is over, at least once.

    Returns:
        an `Outcome` a kind.
    """
    import pytest

    from fcn_keras_console import start_tensorflow

    start_tensorflow()
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)  # of a few batches, tracing is most of the time
    deadline, lost, tries = time.monotonic() + seconds, {}, dict.fromkeys((DATA, FILES, WAYS), 0)
    with pytest.MonkeyPatch.context() as patch:
        templates = _templates(patch, workdir / "templates")
        while seed == 0 or time.monotonic() < deadline:
            for kind, attempt in ((DATA, _change_data), (FILES, _change_files), (WAYS, _ways_on)):
                seed += 1
                generator = random.Random(seed)
                template = generator.choice(("stopped", "finished"))
                folder = workdir / "tried"
                shutil.rmtree(folder, ignore_errors=True)
                _lay_out(templates[template], folder)
                tries[kind] += 1
                if said := attempt(generator, folder, template, templates):
                    lost.setdefault(kind, []).append(f"seed {seed}, {template}: {said}")
    tf.config.run_functions_eagerly(False)
    return [Outcome(kind, count, tuple(lost.get(kind, ()))) for kind, count in tries.items()]


def _templates(patch, folder):
    """Train a run that is stopped, one that is finished, and one with another seed."""
    from tests.training.stops import stop_at
    from tests.training.train.own_photos import draw, run, use_folder_recipe, write_photos

    use_folder_recipe(patch)
    made = {}
    for name, options, stop in (
        ("stopped", (), True),
        ("finished", (), False),
        ("other", ("--seed", 9), False),
    ):
        made[name] = folder / name
        write_photos(made[name] / "photos")
        draw(made[name] / "photos", range(10, 10 + PAIRS))
        with patch.context() as stopping, contextlib.redirect_stdout(io.StringIO()):
            if stop:
                stop_at(stopping, "on_train_batch_end", 3)
            code = run(made[name], *options)
        if code != (143 if stop else 0):
            raise RuntimeError(f"The run that nobody touched ended with {code}.")
    return made


def _lay_out(template, folder):
    from tests.training.train.own_photos import lay_out

    folder.mkdir(parents=True)
    lay_out(template, folder)


def _run(folder, *options):
    """Return the exit code, and the lines on stderr."""
    from tests.training.train.own_photos import run

    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = run(folder, *options)
    return code, said.getvalue().splitlines()


def _contents(folder):
    from tests.training.train.own_photos import contents

    return contents(folder)


def _stage(folder):
    from tests.training.workdir.tiny_recipe import NAME

    return folder / "runs" / NAME


def _change_data(generator, folder, template, templates):
    photos = folder / "photos"
    data, runs = _contents(photos), _contents(folder / "runs")
    for _ in range(generator.randint(1, 3)):
        generator.choice(DATA_CHANGES)(generator, photos)
    parts = _parts(data, _contents(photos))
    code, lines = _run(folder)
    if not parts:
        return _unlike_the_whole(code, lines, folder, templates)
    if code != 2 or len(lines) != 1:
        return f"{sorted(parts)} changed, and it ended with {code}: {lines[-1:]}"
    if missing := [part for part in parts if f"{part}: " not in lines[0]]:
        return f"{missing} changed, and it said: {lines[0]}"
    return "it touched the workdir" if _contents(folder / "runs") != runs else None


def _change_files(generator, folder, template, templates):
    stage, other = _stage(folder), _stage(templates["other"])
    for _ in range(generator.randint(1, 2)):
        _spoil(generator, stage, other)
    runs = _contents(folder / "runs")
    code, lines = _run(folder)
    if code == 2:
        touched = _contents(folder / "runs") != runs
        return "it touched the workdir" if touched else None if len(lines) == 1 else f"it said {lines}"
    return _unlike_the_whole(code, lines, folder, templates)


def _ways_on(generator, folder, template, templates):
    photos = folder / "photos"
    data, before = _contents(photos), _contents(_stage(folder))
    while not _parts(data, _contents(photos)):
        generator.choice(DATA_CHANGES)(generator, photos)
    way = generator.choice(("go-on", "anew"))
    code, lines = _run(folder, "--if-changed", way)
    if way == "go-on" and (template == "finished" or "would mean another class" in "".join(lines)):
        return (
            None if code == 2 and _contents(_stage(folder)) == before else f"going on ended with {code}: {lines[-1:]}"
        )
    if code:
        return f"{way} ended with {code}: {lines[-1:]}"
    if way == "anew" and _contents(folder / "runs" / "before_1" / _stage(folder).name) != before:
        return "anew lost something of before"
    again = _run(folder)
    return None if again == (0, []) else f"after {way} the same command ended with {again}"


def _unlike_the_whole(code, lines, folder, templates):
    """Say how a run ended otherwise than one that nobody touched; None if it did not."""
    if code:
        return f"nothing changed, and it ended with {code}: {lines[-1:]}"
    found = differences(_stage(folder), _stage(templates["finished"]))
    return found[0] if found else None


def _parts(before, now):
    """Return which parts of the data differ: ids with the content of image and mask, and the classes."""

    def read(files):
        parts = {"train": {}, "val": {}, "classes": {}}
        for path, content in files.items():
            part, _, rest = path.partition("/")
            if path == "classes.txt":
                parts["classes"] = content.split()
            elif part in parts and path.endswith(".png") and "/." not in path:
                parts[part][rest.removesuffix(".png")] = content
        return parts

    before, now = read(before), read(now)
    return {part for part in now if before[part] != now[part]}


def _pair(generator, photos):
    split = generator.choice(("train", "val"))
    keys = sorted(path.stem for path in (photos / split / "images").glob("*.png"))
    key = generator.choice(keys)
    return [photos / split / kind / f"{key}.png" for kind in ("images", "labels")], len(keys)


def _add(generator, photos):
    files, _ = _pair(generator, photos)
    name = f"n{generator.randrange(10**6)}.png"
    for file in files:
        shutil.copy2(file, file.with_name(name))


def _remove(generator, photos):
    files, count = _pair(generator, photos)
    for file in files if count > 1 else ():
        file.unlink()


def _rename(generator, photos):
    files, _ = _pair(generator, photos)
    name = f"r{generator.randrange(10**6)}.png"
    for file in files:
        file.rename(file.with_name(name))


def _replace(generator, photos):
    """Put another image or mask in the place of one, mostly with its time and often its size."""
    (files, _), (others, _) = _pair(generator, photos), _pair(generator, photos)
    number = generator.randrange(2)
    stat = files[number].stat()
    files[number].write_bytes(others[number].read_bytes())
    if generator.random() < 0.7:
        os.utime(files[number], ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _end_otherwise(generator, photos):
    """Change a bit at a file's end, of the checksum of a chunk without content: size, time and pixels stay."""
    files, _ = _pair(generator, photos)
    file = generator.choice(files)
    stat, content = file.stat(), bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _reorder(generator, photos):
    names = (photos / "classes.txt").read_text().split()
    generator.shuffle(names)
    (photos / "classes.txt").write_text("".join(f"{name}\n" for name in names))


def _call_otherwise(generator, photos):
    names = (photos / "classes.txt").read_text().split()
    names[generator.randrange(len(names))] = f"c{generator.randrange(10**6)}"
    (photos / "classes.txt").write_text("".join(f"{name}\n" for name in names))


def _touch(generator, photos):
    files, _ = _pair(generator, photos)
    when = generator.choice((-1e6, 1e6, 4e9))
    os.utime(generator.choice(files), (when, when))


def _write_again(generator, photos):
    files, _ = _pair(generator, photos)
    file = generator.choice(files)
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)


def _leave_beside(generator, photos):
    (photos / "train" / "images" / f".hidden{generator.randrange(9)}.png").write_bytes(b"x")
    (photos / f"notes{generator.randrange(9)}.txt").write_text("nothing")


DATA_CHANGES = (_add, _remove, _rename, _replace, _end_otherwise, _reorder, _call_otherwise, _touch, _write_again)
DATA_CHANGES += (_leave_beside,)


def _spoil(generator, stage, other):
    """Do something to a file of a stage's folder."""
    names = sorted(path.name for path in stage.iterdir() if path.is_file())
    path = stage / generator.choice(names)
    content = bytearray(path.read_bytes())
    what = generator.choice(("remove", "other", "copy", "cut", "flip", "add", "touch"))
    if what == "remove":
        path.unlink()
    elif what == "other" and (other / path.name).is_file():
        shutil.copy(other / path.name, path)
    elif what == "copy":
        alike = [name for name in names if Path(name).suffix == path.suffix]
        shutil.copy(stage / generator.choice(alike), stage / "copied")
        (stage / "copied").rename(path)
    elif what == "cut":
        path.write_bytes(content[: generator.randrange(len(content) + 1)])
    elif what == "flip" and content:
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        path.write_bytes(content)
    elif what == "add":
        path.write_bytes(content + b"\n1,2,3\n")
    else:
        os.utime(path, (4e9, 4e9))
