"""How every command ends: one line and exit code 2 for what a user can mend; and a quiet start of TensorFlow."""

import contextlib
import errno
import gc
import importlib.util
import io
import json
import os
import re
import select
import signal
import sys
import threading
from pathlib import Path

from .disk_errors import as_asked, in_words
from .printing import in_one_line, let_go, printed_visibly

# TensorFlow and Keras import these where they find them, for functions that no command calls: half of their own start.
_UNREAD = 141  # what a shell says of a program that SIGPIPE ended
UNUSED = ("IPython", "cv2", "jax", "matplotlib", "pandas", "scipy", "sklearn")
NO_TENSORFLOW = (
    'TensorFlow is missing. Install it with: pip install "fcn_keras[cpu]", or for an NVIDIA GPU: '
    'pip install "fcn_keras[cuda]"'
)


class Interrupted(BaseException):  # no Exception: nobody who handles errors may swallow it
    """A signal asked the process to end.

    Args:
        message: one line.
        code: the exit code that tells so, 128 and the signal's number: 143 for SIGTERM, 130 for Ctrl-C.

    Attributes:
        below: lines that are printed below the message.
    """

    below = ()

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


class AdvisedError(ValueError):
    """What a user can mend by one of several commands.

    Args:
        message: one line.
        below: lines that are printed below it, one for a command.
    """

    def __init__(self, message, below):
        super().__init__(message)
        self.below = below


def run(name, body, arguments):
    """Call `body(arguments)` and turn the errors that a user can mend into one line on stderr.

    A body first looks at all that the command line and the file system tell, and calls `start_tensorflow` then, which
    takes seconds: nobody waits for what is wrong with a path.

    Returns:
        What `body` returns, or 0 for None; 2 on a `ValueError`, `OSError`, missing package or TensorFlow error
        (message on stderr, no traceback); 130 on Ctrl-C; 141 where whoever reads the output, such as `head`, has
        ended; an `Interrupted`'s code; 143 on SIGTERM and 129 on SIGHUP, where the command does not handle them itself.
    """
    _outlive_terminal()
    with printed_visibly(), _interrupted_by_signals():
        code = _ended(name, body, arguments)
        with contextlib.suppress(OSError):
            sys.stderr.flush()
            return code
        let_go(sys.stderr)
        return code


@contextlib.contextmanager
def _interrupted_by_signals():
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, so that nothing half-written stays.

    A SIGHUP that is ignored, as `nohup` asks for, stays so.
    """
    asked = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))
    alone = threading.current_thread() is threading.main_thread()  # no other thread may set handlers
    numbers = [number for number in asked if alone and number and signal.getsignal(number) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number, _):
    signal.signal(number, signal.SIG_IGN)  # SIGHUP comes twice, from the system and from the shell
    raise Interrupted(f"ended by {signal.Signals(number).name}", 128 + number)


def _ended(name, body, arguments):
    try:
        code = body(arguments) or 0
        sys.stdout.flush()
        return code
    except (ValueError, OSError, ImportError) as error:
        if isinstance(error, BrokenPipeError) and _is_unread():
            return _UNREAD
        if isinstance(error, OSError) and error.filename == "stdout":
            let_go(sys.stdout)
        return _fail(name, "The working directory is gone. Change to one that is there." if _is_lost(error) else error)
    except KeyboardInterrupt:
        return _fail(name, "interrupted", 130)
    except Interrupted as interrupted:
        return _fail(name, interrupted, interrupted.code)
    except Exception as error:
        if not type(error).__module__.startswith("tensorflow."):  # such as: no space left on the device
            raise
        return _fail(name, _cause(error))


def _is_lost(error):
    """Tell whether an error says no more than that the working directory was removed."""
    if not isinstance(error, FileNotFoundError) or error.filename is not None:
        return False
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _is_unread():
    """Tell whether nobody reads the output any more; then leave it, so that Python does not complain at its end."""
    try:
        output, asked = sys.stdout.fileno(), select.poll()
    except (OSError, ValueError, AttributeError):  # no file, or no POSIX
        return False
    asked.register(output, 0)
    unread = any(event & select.POLLERR for _, event in asked.poll(0))
    if unread:
        let_go(sys.stdout)
    return unread


class _Terminal(io.FileIO):
    """A terminal that may go, as at the end of an SSH session: what is written to it then goes nowhere."""

    def write(self, data):
        try:
            return super().write(data)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)


def _outlive_terminal():
    """Go on working when the terminal is gone: whether that ends a command is a matter of SIGHUP, not of a print."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream.isatty():
            with contextlib.suppress(io.UnsupportedOperation):  # no file
                setattr(sys, name, _outliving(stream))


def _outliving(stream):
    terminal = _Terminal(stream.fileno(), "w", closefd=False)
    kind = {"encoding": stream.encoding, "errors": stream.errors, "line_buffering": True}
    is_buffered = hasattr(stream.buffer, "raw")  # not under PYTHONUNBUFFERED
    buffer = io.BufferedWriter(terminal) if is_buffered else terminal
    return io.TextIOWrapper(buffer, write_through=stream.write_through, **kind)


def require_tensorflow():
    """Say at once that there is no TensorFlow.

    Raises:
        ImportError: with the commands that install it; or that what is there is a remnant, as it is where one of
            `tensorflow` and `tensorflow-cpu`, which share a folder, was removed.
    """
    if sys.modules.get("tensorflow") is not None:
        return
    found = importlib.util.find_spec("tensorflow")
    if found is None:
        raise ImportError(NO_TENSORFLOW)
    if found.origin is None:
        raise ImportError(
            f"{next(iter(found.submodule_search_locations))} holds only remains of TensorFlow: tensorflow and "
            "tensorflow-cpu share this folder, and removing one damages the other. Remove both with: pip uninstall "
            'tensorflow tensorflow-cpu, and install one with: pip install "fcn_keras[cpu]", or for an NVIDIA GPU: '
            'pip install "fcn_keras[cuda]"'
        )


def start_tensorflow():
    """Import TensorFlow before anything else does, with file descriptor 2 leading nowhere.

    Its native code logs its start-up there, unasked, and no setting silences all of it.

    Raises:
        ImportError: as `require_tensorflow`.
    """
    require_tensorflow()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    with natively_quiet(), _uncollected(), without(UNUSED if _backend() == "tensorflow" else ()):
        try:
            import tensorflow as tf
        except ModuleNotFoundError as error:
            raise ImportError(f'{error.name} is missing: pip install "fcn_keras[cpu]" brings it') from None
        tf.get_logger().setLevel("ERROR")
        if _backend() != "tensorflow":
            tf.config.set_visible_devices([], "GPU")  # TensorFlow only reads data: it would take all the memory
        tf.config.list_logical_devices()


@contextlib.contextmanager
def _uncollected():
    """Keep the garbage collector away from what is imported meanwhile for the first time: modules stay.

    It would look through those of TensorFlow again and again, and at the end of the process: a third of a command.
    """
    if "tensorflow" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def without(packages):
    """Let nobody import some packages for a while. In a notebook nothing is hidden: more than a command runs there."""
    hidden = [name for name in packages if name not in sys.modules and "IPython" not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # Python reads None as: there is no such module
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _backend():
    """Return the backend that Keras is going to choose: other ones need packages that TensorFlow does not."""
    settings = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras", "keras.json")
    chosen = os.environ.get("KERAS_BACKEND")
    with contextlib.suppress(OSError, ValueError, AttributeError):
        chosen = chosen or json.loads(settings.read_text(encoding="utf-8")).get("backend")
    return chosen or "tensorflow"


@contextlib.contextmanager
def natively_quiet():
    """Let file descriptor 2 lead nowhere for a while: native code logs there, unasked, what no setting silences."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def one_line(error):
    """Write an error as one line, with the file's name where it has one."""
    if isinstance(error, OSError):
        error = in_words(error)
    return re.sub(r"\s*\n\s*", " ", as_asked(str(error)).strip()) or type(error).__name__


def _fail(name, error, code=2):
    with contextlib.suppress(OSError):  # stderr takes nothing: the code tells
        lines = [f"{name}: {one_line(error)}", *map(in_one_line, getattr(error, "below", ()))]
        print("\n".join(lines), file=sys.stderr, flush=True)
    return code


def _cause(error):
    """tf.data wraps what a reader raised: the message stands behind the Python error's name."""
    for line in str(error).splitlines():
        for kind in ("ValueError: ", "FileNotFoundError: ", "OSError: "):
            if kind in line:
                return line.split(kind, 1)[1]
    return str(error).splitlines()[0] if str(error) else error
