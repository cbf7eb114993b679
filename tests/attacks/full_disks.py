"""Let writes fail, one after another and for all reasons that disks have, under every command that writes.

The commands are the real ones. A library in C (`failing_writes.c`) fails the changes of files: those of TensorFlow,
HDF5, FFmpeg and OpenVINO do not pass Python. It is compiled, and loaded before everything else, when the attack begins.
"""

import ctypes
import errno
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.attacks import forked
from tests.attacks.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
REASONS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EFBIG)
LIBRARY = "LD_PRELOAD"
# Lines that are no errors: of the model that `fcn-batch` is given here, and LiteRT's own when it starts.
_NOTICES = "has no digests of its files", "INFO: Created TensorFlow Lite"
# What may be given twice, and then replaces what is there.
AGAIN = {"predict", "predict coco", "predict cvat", "predict video", "evaluate", "compare", "report", "doctor"}
AGAIN |= {"export onnx", "export openvino", "export litert"}
# Names that no user gave: scratch folders, temporary files, raw numbers of errors.
_UNKNOWN = re.compile(r"/\.|\.tmp\b|\.part\b|\[Errno|tempstate|\{\{")
_EVENTS = re.compile(r"events\.out\.tfevents\..*")  # TensorBoard's files have the time in their names


class Failure(NamedTuple):
    """Which change fails: the `at`th, for what reason, whether all after it, and whether temporary files' too."""

    at: int = 0
    reason: int = errno.ENOSPC
    ever: bool = True
    temporary: bool = False

    def __str__(self):
        kind = "all from" if self.ever else "only"
        return f"{errno.errorcode[self.reason]}, {kind} change {self.at}" + ", TMPDIR too" * self.temporary


class Try:
    """A folder with `out`, `tmp` and what commands need in `out`; its changes can be made to fail."""

    def __init__(self, folder):
        self.folder, self.out = folder, folder / "out"
        self.library = ctypes.CDLL(os.environ[LIBRARY])

    def run(self, command, failure, *, earlier=None):
        """Run a command; return how it `forked.Ended`, and how many changes it asked for.

        Args:
            earlier: folder of what lies in `out` before; None for nothing.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "tmp").mkdir(parents=True)
        if earlier:
            shutil.copytree(earlier, self.out)
        else:
            self.out.mkdir()
        counted = self.folder / "changes"

        def prepare():
            tempfile.tempdir = None
            os.environ["TMPDIR"] = str(self.folder / "tmp")
            below = (self.folder if failure.temporary else self.out).as_posix() + "/"
            settings = {"BELOW": below, "AT": failure.at, "WITH": failure.reason, "EVER": int(failure.ever)}
            os.environ.update({f"FAIL_{name}": str(value) for name, value in settings.items()})

        def ending():
            os.environ["FAIL_AT"] = "0"
            counted.write_text(str(self.library.failing_writes_count()))

        ended = forked.run(command, prepare=prepare, ending=ending)
        return ended, int(counted.read_text()) if counted.exists() else 0

    def files(self):
        """Return the names of what lies in `out`."""
        found = (path.relative_to(self.out) for path in self.out.rglob("*") if not path.is_dir())
        return {_EVENTS.sub("events", str(path)) for path in found}


def judge(ended, attacked, whole, earlier):
    """Say what was lost, or "".

    Args:
        whole: names of the files of a run that nothing failed.
        earlier: folder of what lay in `out` before, or None.
    """
    if earlier and (found := _lost_of(earlier, attacked.out)):
        return found
    printed = filter(None, ended.err.decode(errors="replace").splitlines())
    lines = [line for line in printed if not any(notice in line for notice in _NOTICES)]
    there = attacked.files()
    if ended.code == 0:
        missing = sorted(whole - there)
        return f"exit 0 without {missing[0]}" if missing else ""
    if ended.code != 2:
        return f"exit {ended.code}: {' / '.join(lines[-1:])[:300]}"
    if len(lines) != 1:
        return f"{len(lines)} lines: {' / '.join(lines)[:400]}"
    if not re.match(r"fcn-[a-z-]+: ", lines[0]) or str(attacked.folder) not in lines[0]:
        return f"names no file: {lines[0][:300]}"
    if _UNKNOWN.search(lines[0].replace(str(attacked.folder), "").replace("/.fcn-labels.json", "")):
        return f"a name that nobody gave: {lines[0][:300]}"
    if strange := sorted(there - whole):
        return f"left {strange[0]}: {lines[0][:200]}"
    # Keras leaves an empty folder, TensorFlow's text of a graph goes with the process.
    left = [path for path in (attacked.folder / "tmp").rglob("*") if path.is_file() and "autograph" not in path.name]
    left = [path for path in left if path.name != ".ses"]  # OpenVINO's
    if left:
        return f"left {left[0]}: {lines[0][:200]}"
    return ""


def _lost_of(earlier, out):
    """Say which file of an earlier result is not there any more, or is cut short; the new ones are like the old."""
    for old in (path for path in earlier.rglob("*") if path.is_file()):
        new = out / old.relative_to(earlier)
        if not new.is_file():
            return f"lost {new} of an earlier result"
        before, now = old.read_bytes(), new.read_bytes()
        if before != now and (len(now) < 0.9 * len(before) or now[-2:] != before[-2:]):
            return f"{new} is cut short: {len(now)} of {len(before)} bytes"
    return ""


def attack(workdir, seconds, *, seed=0, names=None, tell=None):
    """Let a drawn change fail under each command in turn, for about so many seconds; return `Outcome`."""
    from tests.attacks import written_commands

    given, attacked = workdir / "given", Try(workdir / "try")
    deadline, generator, lost, tries, known = time.monotonic() + seconds, random.Random(seed), [], 0, {}
    if not given.exists():
        forked.call(lambda: written_commands.prepare(given))
    while time.monotonic() < deadline or not tries:
        for name, command in written_commands.commands(given, attacked.out).items():
            if names and name not in names:
                continue
            if name not in known:
                ended, changes = attacked.run(command, Failure())
                if ended.code or not changes:
                    raise RuntimeError(f"{name} ended with {ended.code}: {ended.err[-300:]!r}")
                known[name] = attacked.files(), changes
                shutil.rmtree(workdir / "earlier" / name, ignore_errors=True)
                shutil.copytree(attacked.out, workdir / "earlier" / name)
            whole, changes = known[name]
            earlier = workdir / "earlier" / name if name in AGAIN and generator.random() < 0.5 else None
            at, reason = generator.randint(1, changes), generator.choice(REASONS)
            failure = Failure(at, reason, generator.random() < 0.8, generator.random() < 0.3)
            ended, _ = attacked.run(command, failure, earlier=earlier)
            tries += 1
            found = judge(ended, attacked, whole, earlier)
            if found:
                lost.append(f"{name}: {failure}: {found}")
            if tell:
                tell(f"{'LOST' if found else 'ok'} {name}: {failure}: {ended.code} {found or ended.err.decode()}")
            if time.monotonic() > deadline:
                break
    return Outcome("writes that fail", tries, tuple(lost))


def library_in(folder):
    """Compile the library that lets writes fail; return its path."""
    path = folder / "failing_writes.so"
    source = ROOT / "tests" / "attacks" / "failing_writes.c"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", path, source, "-ldl"], check=True)
    return path


def soak(seconds, workdir):
    """Start anew with the library loaded, since nothing can be put before the functions of a process that runs."""
    if LIBRARY not in os.environ:
        os.environ[LIBRARY] = str(library_in(workdir))
        os.execv(sys.executable, [sys.executable, "-m", "tests.attacks.one_attack", *sys.argv[1:]])
    forked.import_all()
    return [attack(workdir, seconds)]


if __name__ == "__main__":
    work, seconds, seed, *chosen = sys.argv[1:]
    if LIBRARY not in os.environ:
        Path(work).mkdir(parents=True, exist_ok=True)
        os.environ[LIBRARY] = str(library_in(Path(work)))
        os.execv(sys.executable, [sys.executable, "-m", "tests.attacks.full_disks", *sys.argv[1:]])
    forked.import_all()
    found = attack(Path(work), float(seconds), seed=int(seed), names=chosen, tell=lambda line: print(line, flush=True))
    print(found.tries, len(found.lost))
