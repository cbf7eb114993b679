"""Start two of every command that writes at once, by two nets into one place, and look at what they leave."""

import random
import threading
import time

from tests.attacks import forked
from tests.attacks.kills_in_commands import LEFT_OUT
from tests.attacks.outcome import Outcome
from tests.attacks.results import TOGETHER, Whole, call_of, contents, leftovers
from tests.attacks.written_commands import commands, prepare

REASONS = ("Another command is writing", "exists", "is not empty", "holds labels by", "is there already")
LATEST = 1.5  # seconds between the two


def soak(seconds, workdir, names=None):
    """Start two of one command after the other, in drawn order, for about so many seconds."""
    forked.import_all()
    forked.call(lambda: prepare(workdir))
    started, generator = time.monotonic(), random.Random(11)
    names = names or [name for name in commands(workdir, workdir) if name not in LEFT_OUT]
    random.shuffle(names)
    wholes, tries, lost = {}, 0, []
    while not tries or (time.monotonic() - started < seconds and len(lost) < 20):
        for name in names:
            if tries and time.monotonic() - started > seconds:
                break
            if name not in wholes:
                wholes[name] = Whole(name, workdir, workdir / f"whole {name}")
            for _ in range(3):
                tries += 1
                if wrong := both(name, workdir, workdir / f"two{tries}", wholes[name], generator.uniform(0, LATEST)):
                    lost.append(f"{name}: {wrong}")
    return [Outcome("two commands at once", tries, tuple(lost))]


def both(name, given, out, whole, delay):
    """Start the two; return what is wrong when they have ended, or nothing."""
    out.mkdir()
    ends = {}

    def start(net, wait):
        ends[net] = forked.run(call_of(name, given, out, net), prepare=lambda: time.sleep(wait))

    threads = [threading.Thread(target=start, args=pair) for pair in (("other", 0), ("net", delay))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for net, ended in ends.items():
        lines = ended.err.decode(errors="replace").strip().splitlines()
        if ended.code == 2 and len(lines) == 1 and any(reason in lines[0] for reason in REASONS):
            continue
        if ended.code not in (0, 1):
            return f"by {net} ended with {ended.code}: {lines[-1:]}"
    if all(ended.code == 2 for ended in ends.values()):
        return f"none went through: {[ended.err for ended in ends.values()]}"
    found = contents(out)
    if name == "export":  # each has a version of its own
        found = {key: value for key, value in found.items() if "/1/" in key}
    if wrong := whole.wrong(found, together=name in TOGETHER or "predict" in name or name == "submit"):
        return f"it {wrong}"
    if left := leftovers(out):
        return f"left in the end: {left}"
    return ""
