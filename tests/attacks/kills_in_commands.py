"""Kill every command that writes before a drawn one of its renames and removals, and look at what it leaves.

What is there must be an older or a newer whole result, at the latest when the next command has begun to write there;
the same command again makes the newer one, and nothing else is left.
"""

import os
import random
import shutil
import signal
import sys
import time

from tests.attacks import forked
from tests.attacks.outcome import Outcome
from tests.attacks.results import ALONE, MAIN, NEW_ONLY, TOGETHER, Whole, call_of, contents, leftovers, settle
from tests.attacks.written_commands import commands, prepare

EVENTS = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")
LEFT_OUT = {"train", "batch", "figures"}  # two have attacks of their own, figures are of three stages


def soak(seconds, workdir, names=None):
    """Kill one command after the other, in drawn order, for about so many seconds: all of them in four minutes."""
    forked.import_all()
    forked.call(lambda: prepare(workdir))
    started, generator = time.monotonic(), random.Random(7)
    names = names or [name for name in commands(workdir, workdir) if name not in LEFT_OUT]
    random.shuffle(names)  # unseeded: what is lost is told with its step
    tries, lost = 0, []
    attacks = {}
    while not tries or (time.monotonic() - started < seconds and len(lost) < 20):
        for name in names:
            if tries and time.monotonic() - started > seconds:
                break
            if name not in attacks:
                attacks[name] = Attack(name, workdir, workdir / f"whole {name}")
            attack = attacks[name]
            for _ in range(3):
                tries += 1
                step = generator.randint(1, attack.steps)
                if wrong := attack.kill(step, workdir / f"kill{tries}", generator.random() < 0.7):
                    lost.append(f"{name}, killed at step {step} of {attack.steps}: {wrong}")
    return [Outcome("kill -9 within commands", tries, tuple(lost))]


class Attack:
    """One command, its whole results, and how many steps it has to be killed at."""

    def __init__(self, name, given, workdir):
        self.name, self.given = name, given
        self.whole = Whole(name, given, workdir)
        workdir.mkdir()
        counted = workdir / "steps"
        forked.run(call_of(name, given, workdir / "counted"), prepare=lambda: _count(counted))
        self.steps = max(1, len(counted.read_bytes()))

    def kill(self, step, out, over_older):
        """Kill the command at a step; return what is wrong then or after the next one, or nothing."""
        if over_older and self.name not in NEW_ONLY | ALONE:
            shutil.copytree(self.whole.folder("other"), out)
        else:
            out.mkdir()
        forked.run(call_of(self.name, self.given, out), prepare=lambda: _die_at(step))
        found, main, together = contents(out), MAIN.get(self.name), self.name in TOGETHER
        if (main is None or main in found) and (wrong := self.whole.wrong(found, together=together)):
            return f"it {wrong}"
        settle(out)
        if wrong := self.whole.wrong(contents(out), together=together):
            return f"settled, it {wrong}"
        there = contents(out)
        ended = forked.run(call_of(self.name, self.given, out))
        if ended.code != 0 and not (self.name in NEW_ONLY and there) and self.name != "doctor":
            return f"the next one ended with {ended.code}: {ended.err[-300:]}"
        if self.name != "export" and self.whole._differing(contents(out), self.whole.of["net"]):
            return f"the next one left {self.whole._differing(contents(out), self.whole.of['net'])}"
        if left := leftovers(out):
            return f"left in the end: {left}"
        return ""


def _count(file):
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.addaudithook(lambda event, _: os.write(number, b".") if event in EVENTS else None)


def _die_at(step):
    left = step

    def hook(event, _):
        nonlocal left
        if event in EVENTS:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
