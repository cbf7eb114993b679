"""The process that programs are forks of: `python -m tests.warm.nursery SOCKET MODULE...`.

It imports the modules and then listens on a socket. A connection sends one request: a Python program's arguments,
folder and environment, with its stdin, stdout and stderr. It gets the process id back, and the exit code when there is
one. Nothing runs in this process, so that its forks are as fresh as a process that has just imported the same. It ends
with its last connection; a connection that ends before its program kills that.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback

from tests.warm.streams import flushed, open_streams

LARGEST = 2**20  # bytes of a request
NOBODY = 60  # seconds that it waits for its first connection


def main(address, *modules):
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for module in modules:
        importlib.import_module(module)
    gc.freeze()  # a fork that collects would copy all that was imported
    kept = {int(name) for name in os.listdir("/proc/self/fd")}  # what the modules opened
    wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    listening.bind(address)
    ours = os.stat(address).st_ino
    listening.listen(64)
    selector = selectors.DefaultSelector()
    selector.register(listening, selectors.EVENT_READ)
    selector.register(wake, selectors.EVENT_READ)
    connections, programs = set(), {}  # all that are open; of a process id, the one that asked for it
    while True:
        events = selector.select(None if connections else NOBODY)
        for key, _ in events:
            if key.fileobj is listening:
                connection, _ = listening.accept()
                connections.add(connection)
                selector.register(connection, selectors.EVENT_READ)
            elif key.fileobj == wake:
                os.read(wake, 4096)
                _tell_ends(programs)
            elif (pid := _asked(key.fileobj, kept)) is not None:
                programs[pid] = key.fileobj
            else:
                selector.unregister(key.fileobj)
                connections.discard(key.fileobj)
                key.fileobj.close()
                for left in [pid for pid, asking in programs.items() if asking is key.fileobj]:
                    os.kill(left, signal.SIGKILL)
        if not connections:
            with contextlib.suppress(FileNotFoundError):
                if os.stat(address).st_ino == ours:
                    os.unlink(address)
            return


def _asked(connection, kept):
    """Start what a connection asks for, and return the process id; None if it has ended.

    Args:
        kept: numbers of the open files that the program is to have.
    """
    request, streams, _, _ = socket.recv_fds(connection, LARGEST, 3)
    if not request:
        return None
    pid = os.fork()
    if pid == 0:
        os._exit(_become(json.loads(request), streams, kept))
    for stream in streams:
        os.close(stream)
    connection.send(json.dumps(pid).encode())
    return pid


def _tell_ends(programs):
    while programs:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        with contextlib.suppress(OSError):  # it has gone
            programs.pop(pid).send(json.dumps(os.waitstatus_to_exitcode(status)).encode())


def _become(request, streams, kept):
    """Be the program, and return its exit code."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for number in {int(name) for name in os.listdir("/proc/self/fd")} - kept - {0, 1, 2}:
        with contextlib.suppress(OSError):  # the listing's own
            os.close(number)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    open_streams()
    return flushed(_run(request["arguments"]))


def _run(arguments):
    try:
        kind, what, *rest = arguments
        sys.argv = [kind, *rest]
        sys.path[0] = os.getcwd() if kind == "-m" else ""
        try:
            if kind == "-m":
                runpy.run_module(what, run_name="__main__", alter_sys=True)
            else:
                exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
        finally:
            threading._shutdown()
            atexit._run_exitfuncs()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        return ended.code if isinstance(ended.code, int) else bool(ended.code)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main(*sys.argv[1:])
