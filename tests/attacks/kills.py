"""Kill `fcn-train` with signal 9, again and again, and see whether what it leaves in the end is what it should be.

The attacked is the real command in a process of its own; the oracle is the same command, left alone.
"""

import contextlib
import csv
import io
import json
import random
import resource
import signal
import subprocess
import sys
import time
import zipfile
from functools import partial
from pathlib import Path

import h5py

from tests.attacks.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("synthetic_fcn32s", "synthetic_fcn16s")  # the last one is the recipe that is asked for
EPOCH = 8  # batches
PATIENCE = 300  # seconds until a run must have come as far as it is to be killed
MOMENTS = ("amid a batch", "amid a checkpoint")
# All that a checkpoint has to carry. Patience counts, and runs out later than the longest run.
DESCENT = ["--optimizer", "adamw", "--warm-up", "3", "--clip", "1", "--ema", "0.9", "--patience", "6"]
DESCENT += ["--augment", "color", "mirror", "cutmix"]


def command(workdir, recipe, *, steps, minutes):
    options = {"--workdir": workdir, "--width": 0.0625, "--batch-size": 2, "--steps": steps, "--steps-per-epoch": EPOCH}
    options["--checkpoint-minutes"] = minutes
    listed = [str(word) for pair in options.items() for word in pair]
    return ["-m", "training.train", recipe, *listed, *DESCENT, "--quiet", "--no-watchdog"]


def python(arguments, **settings):
    """Start `python ARGUMENTS...` as anybody does."""
    return subprocess.Popen([sys.executable, *arguments], text=True, **settings)


def start(workdir, recipe=STAGES[-1], *, launch=python, **options):
    """Start a run, in what `launch` makes of Python's arguments: a `subprocess.Popen` or its like."""
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return launch(command(workdir, recipe, **options), cwd=ROOT, **streams)


def finish(process):
    """Wait for a run's end.

    Returns:
        its exit code, and the last line it said on stderr.
    """
    _, said = process.communicate()
    return process.returncode, (said.strip().splitlines() or [""])[-1]


def kill(process, workdir, moment, generator, stages, most=3):
    """Kill a run of these stages at a moment of the kind asked for, after at most so many checkpoints.

    Returns:
        whether it was still running.
    """
    seen = {stage: checkpoints(workdir / stage) for stage in stages}
    ended = {stage for stage in stages if (workdir / stage / "summary.json").exists()}
    wanted = generator.randint(1, most)
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        stage = next((s for s in stages if checkpoints(workdir / s) != seen[s]), None)
        if stage:
            seen[stage], wanted = checkpoints(workdir / stage), wanted - 1
        if moment == "at a stage's end" and any(
            (workdir / s / "summary.json").exists() and s not in ended for s in stages
        ):
            break
        if wanted <= 0:
            if moment == "amid a batch":
                time.sleep(generator.uniform(0, 0.2))
                break
            if moment == "amid a checkpoint" and any(any((workdir / s).glob(".fcn-*/new/*.keras")) for s in stages):
                time.sleep(generator.uniform(0, 0.01))
                break
        time.sleep(0.0005)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    finish(process)
    return alive


def checkpoints(folder):
    """Tell a checkpoint from the one before."""
    with contextlib.suppress(FileNotFoundError):
        return (folder / "last.keras").stat().st_mtime_ns
    return None


def attack(workdir, *, tries, steps, seed=0, moments=MOMENTS, stages=STAGES, launch=python):
    """Kill a run `tries` times, let it end, and compare it bit for bit with one that nobody touched.

    Args:
        workdir: folder for both.
        steps: batches of each stage, a multiple of `EPOCH`; up to three are trained between two kills.
        moments: taken in turn; where there are more tries, the one in the middle is at the first stage's end.
        stages: recipes that are trained, the last one by its name and the others before it.
        launch: as for `start`.

    Returns:
        `Outcome`.
    """
    generator, lost, killed = random.Random(seed), [], 0
    begin = partial(start, recipe=stages[-1], steps=steps, launch=launch)
    whole, hurt = workdir / "whole", workdir / "hurt"
    code, said = finish(begin(whole, minutes=15))
    if code:
        return Outcome("kill -9 of fcn-train", 1, (f"the run that nobody touched ended with {code}: {said}",))
    for i in range(tries):
        # The first stage ends once; every other kill lets two batches pass, on average.
        moment = "at a stage's end" if i == tries // 2 and tries > len(moments) else moments[i % len(moments)]
        if not kill(begin(hurt, minutes=0), hurt, moment, generator, stages):
            break
        killed += 1
    code, said = finish(begin(hurt, minutes=15))
    if code:
        lost.append(f"after {killed} kills the run ended with {code}: {said}")
    else:
        lost += [difference for stage in stages for difference in differences(hurt / stage, whole / stage)]
    if killed < tries:
        lost.append(f"the run ended by itself after {killed} of {tries} kills")
    return Outcome("kill -9 of fcn-train", max(killed, 1), tuple(lost)[:tries])


def fill_disk(workdir, *, tries, steps):
    """Let runs meet a limit on file sizes, as small as a full disk's rest, and compare where they end.

    Returns:
        `Outcome`.
    """
    lost, whole, hurt = [], workdir / "whole", workdir / "hurt"
    finish(start(whole, steps=steps, minutes=15))
    for _ in range(tries):
        process = start(hurt, steps=steps, minutes=0)
        # The first meets it with its second checkpoint, the others while they unpack what they go on from.
        while process.poll() is None and not any(checkpoints(hurt / stage) for stage in STAGES):
            time.sleep(0.01)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
        code, said = finish(process)
        if code != 2 or not ("cannot be written" in said or "cannot be unpacked" in said):
            lost.append(f"a full disk ended with {code}: {said}")
    code, said = finish(start(hurt, steps=steps, minutes=15))
    found = [f"ended with {code}: {said}"] if code else []
    lost += found or [d for stage in STAGES for d in differences(hurt / stage, whole / stage)]
    return Outcome("full disk under fcn-train", tries, tuple(lost)[:tries])


def arrays(path):
    """Read every array of a `.keras` file: weights, optimizer state, counters."""
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        found = {}
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def differences(ours, theirs):
    """List what differs between the folders of two finished stages: models with optimizer, log, best epoch."""
    found = [] if rows(ours / "log.csv") == rows(theirs / "log.csv") else [f"{ours / 'log.csv'} differs"]
    for name in ("last.keras", "best.keras"):
        ours_in, theirs_in = arrays(ours / name), arrays(theirs / name)
        if ours_in.keys() != theirs_in.keys():
            found.append(f"{ours / name} holds other arrays")
        found += [
            f"{ours / name}: {key} differs"
            for key in sorted(ours_in.keys() & theirs_in.keys())
            if ours_in[key].tobytes() != theirs_in[key].tobytes()
        ]
    best = [json.loads((folder / "summary.json").read_text())["best"] for folder in (ours, theirs)]
    return found + ([f"{ours / 'summary.json'}: another best"] if best[0] != best[1] else [])


def soak(seconds, workdir):
    """Kill as often as fits into about so many seconds, 20 times at least."""
    started, outcomes = time.monotonic(), []
    while not outcomes or time.monotonic() - started < seconds / 2:
        seed = len(outcomes)
        outcomes.append(attack(workdir / str(seed), tries=20, steps=6 * EPOCH, seed=seed))
    return [*outcomes, fill_disk(workdir / "full", tries=2, steps=EPOCH)]


if __name__ == "__main__":
    print(attack(Path(sys.argv[1]), tries=int(sys.argv[2]), steps=int(sys.argv[3])))
