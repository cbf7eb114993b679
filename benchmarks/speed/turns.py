"""Contenders that take turns: each in an idle process of its own, asked one after the other, round by round."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

BENCHMARKS = Path(__file__).resolve().parents[1]


class Failed(Exception):
    """A contender could not be built, or died; the message says why."""


class Answer(NamedTuple):
    seconds: float
    value: object  # of JSON's types
    peak: float  # GB of memory, of the process's whole life


class Worker:
    """Start a contender in a process of its own.

    Args:
        contender: `module:Class` below the benchmarks' folder.
        arguments: of the class, JSON's types.
        threads: how many the contender's libraries use.
        backend: of Keras.

    Attributes:
        built: `Answer` of building it.
        pid: of the process.

    Raises:
        Failed: if it could not be built.
    """

    def __init__(self, contender, arguments, *, threads, backend="tensorflow"):
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed in `close`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "speed.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=_environment(threads, backend),
        )
        self.pid = self._process.pid
        try:
            self.built = self.ask(contender, **arguments)
        except BaseException:
            self.close()
            raise

    def ask(self, name, **arguments):
        """Call a method of the contender and return its `Answer`.

        Raises:
            Failed: if it raises, or its process ends.
        """
        line = ""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"name": name, "arguments": arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise Failed(f"its process ended with {self._process.wait()}{self._last_words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return Answer(**answer)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """End the process, which frees its memory."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def _last_words(self):
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""


def _environment(threads, backend):
    paths = [str(BENCHMARKS), *filter(None, [os.environ.get("PYTHONPATH")])]
    count = str(threads)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "OMP_NUM_THREADS": count,  # PyTorch's
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_NUM_INTEROP_THREADS": count,
    }


class Contender(NamedTuple):
    """A row of a table: what is built for it, and its cells."""

    name: str
    build: str  # module:Class
    arguments: dict
    cells: dict = {}  # noqa: RUF012  of this row, JSON's types; never changed


class Field:
    """Contenders side by side, as a context; those that fail leave it and say why.

    Attributes:
        rows: dict of dicts by the contenders' names: their `cells`, `load` (seconds to build), `first` (seconds of the
            first call of each kind), `seconds` (of later calls, by kind), `peak` in GB, and `reason` of a failure.
    """

    def __init__(self, settings, contenders):
        self._settings, self._contenders = settings, contenders
        self.rows = {c.name: {**c.cells, "load": None, "first": {}, "seconds": {}, "peak": None} for c in contenders}
        self._workers = {}

    def __enter__(self):
        for contender in self._contenders:
            say(f"  building {contender.name}")
            with self._guard(contender.name):
                worker = Worker(contender.build, contender.arguments, threads=self._settings.threads)
                self._workers[contender.name] = worker
                self.rows[contender.name]["load"] = worker.built.seconds
        return self

    def __exit__(self, *exception):
        for worker in self._workers.values():
            worker.close()

    def __contains__(self, name):
        return name in self._workers

    def warm_up(self, call="run", **arguments):
        """Call every contender once, and keep the time apart."""
        for name in list(self._workers):
            with self._guard(name):
                self.rows[name]["first"][label_of(call, arguments)] = self.ask(name, call, **arguments).seconds

    def round(self, call="run", **arguments):
        """Call every contender once, in turn."""
        for name in list(self._workers):
            with self._guard(name):
                answer = self.ask(name, call, **arguments)
                # A contender that knows better what counts returns the seconds itself, by kind.
                for kind, seconds in (answer.value or {label_of(call, arguments): answer.seconds}).items():
                    self.rows[name]["seconds"].setdefault(kind, []).append(seconds)

    def rounds(self, count, call="run", **arguments):
        """Let the contenders take turns, `count` times."""
        for number in range(count):
            say(f"  round {number + 1} of {count}")
            self.round(call, **arguments)

    def ask(self, name, call, **arguments):
        """Call one contender; its peak memory goes into its row.

        Raises:
            Failed: as `Worker.ask`; `rounds` and `warm_up` write it into the row instead.
        """
        answer = self._workers[name].ask(call, **arguments)
        self.rows[name]["peak"] = answer.peak
        return answer

    @contextlib.contextmanager
    def _guard(self, name):
        try:
            yield
        except Failed as failure:
            self.rows[name]["reason"] = str(failure)
            say(f"  {name}: {failure}")
            if name in self._workers:
                self._workers.pop(name).close()


def label_of(call, arguments):
    """Name a kind of call: `run`, or `run 375 500` where it has arguments."""
    return " ".join([call, *map(str, arguments.values())])


def median(row, call="run"):
    """Return the median seconds of a row's calls, or None."""
    seconds = row["seconds"].get(call)
    return statistics.median(seconds) if seconds and "reason" not in row else None


def compared(rows, call):
    """Add `median` and `ratio` to rows; 1 is the faster of PyTorch's.

    Returns:
        `{"rows", "reference"}`, the latter the name of the row that is 1, or None.
    """
    times = {name: median(row, call) for name, row in rows.items()}
    peers = {name: seconds for name, seconds in times.items() if name.startswith("PyTorch") and seconds}
    reference = min(peers, key=peers.get, default=None)
    for name, row in rows.items():
        if times[name]:
            row["median"] = times[name]
            row["ratio"] = times[name] / peers[reference] if peers else None
    return {"rows": rows, "reference": reference}


def say(text):
    """Tell how far the benchmark is, where it does not mix with the tables."""
    print(text, file=sys.stderr, flush=True)
