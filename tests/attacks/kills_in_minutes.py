"""Kill `fcn-train --data DIR --minutes M` with signal 9 wherever it is, and compare its end with a run left alone.

`python -m tests.attacks.kills_in_minutes WORKDIR` kills twenty times. The run has cached feature maps, two stages,
averaged weights and patience. Its plan is fixed: a plan depends on what was measured, and is made once.
"""

import os
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from PIL import Image

from fcn_keras.datasets.synthetic import SEM, Synthetic
from tests.attacks import kills
from tests.attacks.minutes_command import MEASURING, STAGES
from tests.attacks.outcome import Outcome

EPOCH = 8  # batches
IMAGES = 8
FORWARD = ("amid a batch", "amid a checkpoint")
# In the order of a run. A kill amid training lets up to two batches pass, and the batch that it hits.
MOMENTS = ("while measuring",) * 2 + ("amid the maps",) * 4 + FORWARD * 3 + ("at a stage's end",) + FORWARD * 3
MOMENTS += ("amid a batch",)
DESCENT = ["--optimizer", "adamw", "--warm-up", "3", "--clip", "1", "--ema", "0.9", "--patience", "6"]


def draw(folder):
    """Write a folder of images and masks that nobody divided."""
    for i, scene in enumerate(Synthetic(IMAGES, seed=1, height=40, width=50)):
        for name, pixels in (("images", scene["image"]), ("labels", scene["label"])):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    (folder / "classes.txt").write_text("\n".join(SEM) + "\n", encoding="utf-8")
    return folder


def start(data, workdir, *, epoch, minutes=15, measuring=None, launch=kills.python):
    """Start a run.

    Args:
        minutes: between two checkpoints within an epoch.
        measuring: file that is created when the machine is measured; None measures nothing.
        launch: as for `kills.start`.
    """
    command = ["-m", "tests.attacks.minutes_command", epoch, "--data", data, "--workdir", workdir]
    command += ["--minutes", 1, "--checkpoint-minutes", minutes, *DESCENT, "--quiet", "--no-watchdog"]
    environment = {name: value for name, value in os.environ.items() if name != MEASURING}
    environment |= {MEASURING: str(measuring)} if measuring else {}
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return launch(list(map(str, command)), cwd=kills.ROOT, env=environment, **streams)


def kill_soon(process, come, generator, longest):
    """Kill a run after a moment, of at most so many seconds, once `come()` is true; return whether it came so far."""
    deadline = time.monotonic() + kills.PATIENCE
    while process.poll() is None and time.monotonic() < deadline and not come():
        time.sleep(0.0005)
    time.sleep(generator.uniform(0, longest))
    reached = come() and process.poll() is None
    process.kill()
    kills.finish(process)
    return reached


def views(workdir):
    """Count the files of feature maps."""
    return sum(1 for _ in (workdir / "maps").glob("*/[0-9]*.npz"))


def attack(workdir, *, moments=MOMENTS, epoch=EPOCH, seed=0, launch=kills.python):
    """Kill a run at moments of these kinds, let it end, and compare it bit for bit with one that nobody touched.

    Args:
        workdir: folder for both.
        moments: of `MOMENTS`, in their order.
        epoch: batches of an epoch.
        launch: as for `kills.start`.

    Returns:
        `Outcome`.
    """
    name = "kill -9 of fcn-train --minutes"
    generator, lost, killed = random.Random(seed), [], 0
    begin = partial(start, epoch=epoch, launch=launch)
    data, whole, hurt, measuring = draw(workdir / "data"), workdir / "whole", workdir / "hurt", workdir / "measuring"
    code, said = kills.finish(begin(data, whole))
    if code:
        return Outcome(name, 1, (f"the run that nobody touched ended with {code}: {said}",))
    for moment in moments:
        measuring.unlink(missing_ok=True)
        process = begin(data, hurt, minutes=0, measuring=measuring if "measuring" in moment else None)
        if moment == "while measuring":
            reached = kill_soon(process, measuring.exists, generator, 3.0)
            lost += ["a run that was killed before its plan left something"] * any(hurt.rglob("recipe.json"))
        elif moment == "amid the maps":
            wanted = views(hurt) + generator.randint(1, 5)
            reached = kill_soon(process, lambda wanted=wanted: views(hurt) >= wanted, generator, 0.01)
        else:
            reached = kills.kill(process, hurt, moment, generator, STAGES, most=2)
        if not reached:
            lost.append(f"after {killed} of {len(moments)} kills, the run did not come to the one {moment}")
            break
        killed += 1
    code, said = kills.finish(begin(data, hurt))
    if code:
        lost.append(f"after {killed} kills the run ended with {code}: {said}")
    else:
        lost += [difference for stage in STAGES for difference in kills.differences(hurt / stage, whole / stage)]
        lost += ["its feature maps are still there"] * (hurt / "maps").exists()
    return Outcome(name, max(killed, 1), tuple(lost)[: max(killed, 1)])


def soak(seconds, workdir):
    """Kill twenty times, which takes some six minutes, whatever `seconds` are."""
    return [attack(workdir)]


if __name__ == "__main__":
    print(attack(Path(sys.argv[1])))
