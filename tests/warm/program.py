"""Start programs in a nursery, as `subprocess.Popen` starts them anew: a start takes no seconds of imports."""

import fcntl
import hashlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TENSORFLOW = ("tensorflow", "keras", "h5py", "PIL.Image", "fcn_keras.models", "training.train.command")
PATIENCE = 300  # seconds until a nursery has imported everything
WORKERS = "PYTEST_XDIST_TESTRUNUID"  # which all workers of a run have in common
_kept = {}  # by the address of a nursery: a connection that keeps it from ending


def start(arguments, *, cwd=ROOT, env=None, stdout=None, stderr=None, modules=TENSORFLOW, **settings):
    """Start `python ARGUMENTS...`, of which the first is `-m` or `-c`.

    Args:
        arguments: as for Python.
        cwd: folder.
        env: environment, this process's if not given. What the modules read as they are imported is the nursery's.
        stdout, stderr: None, `subprocess.PIPE` or `subprocess.DEVNULL`; `stderr` may be `subprocess.STDOUT`.
        modules: what is imported before.
        settings: environment of the nursery beside this process's, such as Keras's backend.

    Returns:
        `Program`.
    """
    key = json.dumps([os.environ.get(WORKERS, os.getpid()), str(ROOT), modules, settings])
    name = f"nursery-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    address = os.path.join(tempfile.gettempdir(), name)
    if address not in _kept:
        _kept[address] = _nursery(address, modules, settings)
    environment = dict(os.environ if env is None else env)
    request = {"arguments": [*map(str, arguments)], "cwd": str(cwd), "env": environment}
    return Program(_connected(address), request, stdout, stderr)


class Program:
    """A program that runs, with what `subprocess.Popen` has of it; its streams are text.

    Args:
        connection: to a nursery, for this program alone.
        request: what the nursery is asked for.
        stdout, stderr: as for `start`.

    Attributes:
        pid: its process id.
        returncode: its exit code, or minus the signal's number; None while it runs.
        stdout, stderr: its streams where they are pipes, else None.
    """

    def __init__(self, connection, request, stdout, stderr):
        self._connection, self.returncode = connection, None
        theirs = {"stdin": os.open(os.devnull, os.O_RDONLY)}
        theirs["stdout"], self.stdout = _stream(stdout, 1)
        theirs["stderr"], self.stderr = (
            (os.dup(theirs["stdout"]), None) if stderr == subprocess.STDOUT else _stream(stderr, 2)
        )
        socket.send_fds(connection, [json.dumps(request).encode()], [*theirs.values()])
        for number in theirs.values():
            os.close(number)
        self.pid = int(connection.recv(64))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.communicate()

    def poll(self):
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout=None):
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a program of a nursery", timeout)
            self.returncode = int(self._connection.recv(64) or -signal.SIGKILL)
            self._connection.close()
        return self.returncode

    def communicate(self, timeout=None):
        """Wait for its end; return all that it said on both streams, `""` for one that is no pipe."""
        deadline = None if timeout is None else time.monotonic() + timeout
        said = {stream: [] for stream in (self.stdout, self.stderr) if stream and not stream.closed}
        waiting = set(said)
        while waiting:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            ready = select.select(waiting, [], [], left)[0]
            if not ready:
                raise subprocess.TimeoutExpired("a program of a nursery", timeout)
            for stream in ready:
                said[stream].append(os.read(stream.fileno(), 65536))
                waiting -= set() if said[stream][-1] else {stream}
        for stream in said:
            stream.close()
        self.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
        return tuple(b"".join(said.get(stream, ())).decode() for stream in (self.stdout, self.stderr))

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        self.send_signal(signal.SIGTERM)


def _stream(kind, number):
    """Return the program's end of a stream, and ours."""
    if kind == subprocess.PIPE:
        ours, theirs = os.pipe()
        return theirs, os.fdopen(ours)
    return os.open(os.devnull, os.O_WRONLY) if kind == subprocess.DEVNULL else os.dup(number), None


def _connected(address):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def _nursery(address, modules, settings):
    """Connect to a nursery, which is started where none listens there."""
    lock = os.open(os.path.dirname(address), os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return _connected(address)
        except OSError:
            Path(address).unlink(missing_ok=True)
        return _started(address, modules, settings)
    finally:
        os.close(lock)


def _started(address, modules, settings):
    command = [sys.executable, "-m", "tests.warm.nursery", address, *modules]
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings}, stderr=said, **silent)
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            try:
                return _connected(address)
            except OSError:
                time.sleep(0.02)
        process.kill()
        said.seek(0)
        raise RuntimeError(f"No nursery of {modules}: {said.read().decode(errors='replace')[-2000:]}")
