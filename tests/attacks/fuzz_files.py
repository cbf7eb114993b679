"""Fuzz the readers of weight files: `python tests/attacks/fuzz_files.py --seconds 60`, a minute for each format.

A try ends in success or a ValueError, within 10 seconds and 2 GiB. Anything else is a finding: its file is written to
tests/attacks/corpus/FORMAT, where the tests try it again. Needs atheris (tests/attacks/requirements.txt).
"""

import argparse
import hashlib
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # where this file is the program

from tests.attacks.outcome import Outcome  # noqa: E402
from tests.attacks.weight_formats import CORPUS, DESCRIPTIONS, KINDS, SUFFIX, attempt, members_of, seeds, wrapped  # noqa: E402

MEMORY = 2048  # MiB
SLOW = 10  # seconds of a processor, as others may use the machine
LONGEST = 20_000  # bytes of an input
_SAFE = {"KERAS_BACKEND": "numpy", "TF_CPP_MIN_LOG_LEVEL": "3"}  # the readers need no TensorFlow, nor its memory


class Findings:
    """What went wrong, one file for each place in the code.

    Args:
        folder: where the files go, or None to keep none.
    """

    def __init__(self, kind, folder):
        self.kind, self.folder, self.lines = kind, folder, {}

    def add(self, data, error):
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{type(error).__name__} in {Path(frames[-1].filename).name}:{frames[-1].lineno}"
        if place in self.lines:
            return
        self.lines[place] = f"{self.kind}: {place}: {str(error)[:100]!r}"
        if self.folder is not None:
            keep(self.folder, self.kind, data)
        print(f"FOUND {self.lines[place]}", flush=True)


def keep(folder, kind, data):
    """Write a finding, named by what it holds."""
    path = Path(folder) / kind / f"{hashlib.sha256(data).hexdigest()[:16]}{SUFFIX[kind]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def mutated(data, generator):
    """Change, cut, repeat or move a few bytes."""
    data = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 3, 5, 8))):
        place = generator.randrange(len(data) + 1)
        length = generator.choice((1, 1, 2, 4, 8, 32))
        what = generator.randrange(6)
        if what == 0:
            data[place : place + length] = generator.randbytes(length)
        elif what == 1:
            data[place : place + length] = generator.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * length
        elif what == 2:
            del data[place : place + length]
        elif what == 3:
            source = generator.randrange(len(data) + 1)
            data[place:place] = data[source : source + length]
        elif what == 4:
            data[place : place + 1] = bytes([generator.randrange(256)])
        else:
            data = data[:place] if generator.random() < 0.3 else data
    return bytes(data)


def inputs(kind, folder):
    """Return what fuzzing starts from: valid files, their inner parts behind the byte that wraps them, findings."""
    whole = seeds(kind, folder)
    found = [b"\0" + data for data in whole]
    if kind == "caffemodel":
        found += [b"\1" + whole[0][20:], b"\2" + b"\x3a\x03\x0a\x01\x02\x2a\x08" + bytes(8), b"\3" + whole[0]]
    if kind == "npz":
        header = "{{'descr': '{}', 'fortran_order': False, 'shape': (3, 3, 3, 2), }}\n"
        found += [b"\2" + header.format(text).encode() + bytes(216) for text in DESCRIPTIONS]
        found += [b"\1\x93NUMPY\1\0\x40\0" + header.format("<f4").encode().ljust(64) + bytes(216)]
    if kind == "keras":
        members = members_of(whole[0])
        found += [b"\1" + members["config.json"], b"\2" + members["model.weights.h5"]]
    return found + [b"\0" + path.read_bytes() for path in sorted((CORPUS / kind).glob("*"))]


def storm(kind, seconds, workdir, *, seed=0, tries=None):
    """Mutate valid files at random, for so many seconds or tries; needs no atheris.

    Returns:
        Number of tries, and one line for each that did not end in success or a ValueError in time.
    """
    generator, pool = random.Random(seed), inputs(kind, workdir)
    path, findings, slow = Path(workdir) / f"storm{SUFFIX[kind]}", Findings(kind, None), []
    end, done = time.monotonic() + seconds, 0
    while time.monotonic() < end and (tries is None or done < tries):
        data = wrapped(kind, mutated(generator.choice(pool), generator))
        path.write_bytes(data)
        started = time.process_time()
        try:
            attempt(kind, path)
        except Exception as error:
            findings.add(data, error)
        if time.process_time() - started > SLOW:
            slow.append(f"{kind}: over {SLOW} s")
        done += 1
    return done, [*findings.lines.values(), *slow]


def soak(seconds, workdir):
    """Mutate files of every kind in processes of their own, so that a crash of libhdf5 ends one of them alone."""
    outcomes = []
    kinds = (*KINDS, "keras")
    for kind in kinds:
        command = [sys.executable, __file__, "--storm", kind, "--seconds", str(seconds / len(kinds))]
        done = subprocess.run(
            [*command, "--seed", str(time.time_ns())],
            env={**os.environ, **_SAFE, "TMPDIR": str(workdir)},
            capture_output=True,
            text=True,
            check=False,
        )
        lost = [line.removeprefix("FOUND ") for line in done.stdout.splitlines() if line.startswith("FOUND ")]
        told = re.search(r"^(\d+) tries$", done.stdout, re.MULTILINE)
        if done.returncode or not told:
            lost.append(f"{kind}: ended with {done.returncode}: {done.stderr.strip()[-200:]!r}")
        outcomes.append(Outcome(f"fuzzed {kind}", int(told[1]) if told else 1, tuple(lost)))
    return outcomes


def fuzz(kind, seconds, folder):
    """Run libFuzzer on one format in processes of their own until the time is up.

    Returns:
        Number of runs, and one line for each finding.
    """
    runs, lost, end = 0, [], time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "corpus").mkdir()
        while (left := end - time.monotonic()) > 1:
            command = [sys.executable, __file__, "--fuzz", kind, "--seconds", str(left), "--work", work]
            done = subprocess.run(
                [*command, "--findings", str(folder)],
                env={**os.environ, **_SAFE},
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            lost += [line.removeprefix("FOUND ") for line in done.stdout.splitlines() if line.startswith("FOUND ")]
            told = re.findall(r"^#(\d+)\s", done.stderr, re.MULTILINE) or ["0"]
            runs += int(told[-1])
            broken = [path for path in Path(work).iterdir() if re.match("(crash|oom|timeout|slow-unit)-", path.name)]
            for path in broken:
                kept = keep(folder, kind, wrapped(kind, path.read_bytes()))
                lost.append(f"{kind}: {path.name.partition('-')[0]}: {kept}")
                path.unlink()
            if done.returncode and not broken:
                lost.append(f"{kind}: ended with {done.returncode}: {done.stderr.strip()[-300:]!r}")
                break
    return runs, lost


def _libfuzzer(kind, seconds, work, folder):
    """Become libFuzzer: it never returns."""
    import atheris

    ours = ("caffemodel", "vgg16_files", "vgg16_formats", "vgg16_channels_first")
    with atheris.instrument_imports(include=[*(f"fcn_keras.{name}" for name in ours), "zipfile"]):
        import fcn_keras.vgg16_files  # noqa: F401

    for place, data in enumerate(inputs(kind, work)):
        (Path(work) / "corpus" / f"seed{place}").write_bytes(data)
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else work
    path, findings = Path(memory) / f"fuzz-{os.getpid()}{SUFFIX[kind]}", Findings(kind, folder)

    def try_one(data):
        data = wrapped(kind, data)
        path.write_bytes(data)
        try:
            attempt(kind, path)
        except Exception as error:
            findings.add(data, error)

    options = [f"-max_total_time={int(seconds)}", f"-rss_limit_mb={MEMORY}", f"-timeout={SLOW}"]
    options += [f"-max_len={LONGEST}", f"-artifact_prefix={work}/", "-print_final_stats=0", "-report_slow_units=10"]
    try:
        atheris.Setup([sys.argv[0], *options, str(Path(work) / "corpus")], try_one)
        atheris.Fuzz()
    finally:
        path.unlink(missing_ok=True)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="for each format (default: %(default)s)")
    parser.add_argument("--formats", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--findings", type=Path, default=CORPUS, metavar="DIR", help="default: %(default)s")
    for name, kind in (("--fuzz", str), ("--storm", str), ("--work", str), ("--seed", int)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)  # how this program starts its processes
    arguments = parser.parse_args(argv)
    if arguments.fuzz:
        _libfuzzer(arguments.fuzz, arguments.seconds, arguments.work, arguments.findings)
        return 0
    if arguments.storm:
        with tempfile.TemporaryDirectory() as work:
            tries, lost = storm(arguments.storm, arguments.seconds, work, seed=arguments.seed)
        print(f"{tries} tries")
        print("\n".join(f"FOUND {line}" for line in lost if line.endswith(" s")))
        return 0
    results = {kind: fuzz(kind, arguments.seconds, arguments.findings) for kind in arguments.formats}
    print(f"{'format':<12}{'runs':>10}{'findings':>10}")
    for kind, (runs, lost) in results.items():
        print(f"{kind:<12}{runs:>10}{len(lost):>10}")
    found = [line for _, lost in results.values() for line in lost]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
