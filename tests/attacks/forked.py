"""Run commands in forks of a process that has imported everything: a try takes as long as its work."""

import contextlib
import gc
import os
import sys
import tempfile
import time
import traceback
from importlib import import_module
from typing import NamedTuple

from tests.warm.streams import flushed, open_streams

LONGEST = 120  # seconds of one command
PLACES = {
    "export": "serving.export",
    "check": "serving.check",
    "kit": "serving.kit",
    "batch": "serving.batch",
    "query": "serving.client",
}
CRASHED = 70  # exit code of what raised


class Ended(NamedTuple):
    """How a command ended: its exit code, or minus the signal's number; what it said on both streams."""

    code: int
    out: bytes
    err: bytes


def main_of(command):
    """Return the `main(argv)` of a command; `import_weights` is `fcn-import-weights`."""
    return import_module(PLACES.get(command, f"training.{command}")).main


def import_all():
    """Import what the commands do, before anything is forked."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for module in ("tensorflow", "keras", "av", "onnx", "tf2onnx", "h5py", "matplotlib.figure", "fcn_keras.models"):
        import_module(module)
    for command in (
        "train",
        "predict",
        "rank",
        "evaluate",
        "compare",
        "report",
        "doctor",
        "figures",
        "submit",
        "bound",
    ):
        main_of(command)
    for command in ("import_weights", *PLACES):
        main_of(command)


def run(command, *, prepare=lambda: None, ending=lambda: None, stdout=None):
    """Run `[command, arguments...]` in a fork.

    Args:
        prepare, ending: called there, before and after.
        stdout: path of what stdout goes to, such as `/dev/full`; None for what is returned.

    Returns:
        `Ended`.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = _fork(lambda: _become(command, prepare, ending, stdout, out, err))
        code = _wait(child)
        for file in (out, err):
            file.seek(0)
        return Ended(code, out.read(), err.read())


def call(body):
    """Call a function in a fork: the threads that it starts are not ours.

    Raises:
        RuntimeError: if it fails.
    """

    def called():
        body()
        return 0

    if code := _wait(_fork(called)):
        raise RuntimeError(f"{body.__name__} ended with {code}")


def _become(command, prepare, ending, stdout, out, err):
    os.dup2(os.open(stdout, os.O_WRONLY) if stdout else out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    open_streams()
    try:
        prepare()
        code = main_of(command[0])([*map(str, command[1:])])
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = CRASHED
    gc.collect()  # what an error held, such as temporary folders
    ending()
    return flushed(code)


def _fork(body):
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code = CRASHED
        with contextlib.suppress(BaseException):
            try:
                code = body()
            except BaseException:
                traceback.print_exc()
        os._exit(code)
    return child


def _wait(child):
    deadline = time.monotonic() + LONGEST
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(child, 9)
        time.sleep(0.003)
    return os.waitstatus_to_exitcode(ended[1])
