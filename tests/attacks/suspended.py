"""Suspend `fcn-train --data DIR --minutes M` again and again, as a laptop does, and compare it with a run left alone.

`python -m tests.attacks.suspended WORKDIR SECONDS`. The moments and their lengths are drawn.
"""

import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.attacks import kills
from tests.attacks.kills_in_minutes import EPOCH, STAGES, draw, start
from tests.attacks.outcome import Outcome

NAME = "suspended fcn-train --minutes"
LONGEST = 3.0  # seconds between two suspensions, and of one


def one(data, workdir, whole, generator):
    """Suspend a run until it ends; return how often, and what is other than in `whole`."""
    process, stops = start(data, workdir, epoch=EPOCH), 0
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(generator.uniform(0, LONGEST))
            break
        process.send_signal(signal.SIGSTOP)
        time.sleep(generator.uniform(0, LONGEST))
        process.send_signal(signal.SIGCONT)
        stops += 1
    code, said = kills.finish(process)
    if code:
        return stops, [f"it ended with {code}: {said}"]
    return stops, [difference for stage in STAGES for difference in kills.differences(workdir / stage, whole / stage)]


def attack(workdir, *, seconds, seed=0):
    """Suspend runs for so long, at least one; a try is a suspension.

    Returns:
        `Outcome`.
    """
    data, whole, tries, lost, number = draw(workdir / "data"), workdir / "whole", 0, [], 0
    code, said = kills.finish(start(data, whole, epoch=EPOCH))
    if code:
        return Outcome(NAME, 1, (f"the run that nobody touched ended with {code}: {said}",))
    started = time.monotonic()
    while number == 0 or time.monotonic() - started < seconds:
        stops, wrong = one(data, workdir / "suspended", whole, random.Random(f"{seed} {number}"))
        shutil.rmtree(workdir / "suspended", ignore_errors=True)
        tries += stops
        lost += [f"seed {seed} {number}, {stops} suspensions: {wrong[0]}"] if wrong else []
        number += 1
    return Outcome(NAME, max(tries, 1), tuple(lost))


def soak(seconds, workdir):
    """Suspend for so many seconds."""
    return [attack(workdir, seconds=seconds, seed=time.time_ns())]


if __name__ == "__main__":
    print(attack(Path(sys.argv[1]), seconds=float(sys.argv[2])))
