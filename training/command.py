"""What every command here shares: one line and exit code 2 for what a user can mend, and a quiet start."""

import contextlib
import os
import sys

from .interruption import Interrupted


def run(name, body, arguments):
    """Call `body(arguments)` and turn the errors a user can mend into one line on stderr.

    Returns:
        0, 2 on a `ValueError`, `OSError`, missing package or TensorFlow error (message on stderr, no traceback), 130
        on Ctrl-C, 143 where SIGTERM is heeded.
    """
    try:
        start_tensorflow()
        body(arguments)
    except (ValueError, OSError, ImportError) as error:
        return _fail(name, error)
    except KeyboardInterrupt:
        return _fail(name, "interrupted", 130)
    except Interrupted as signal:
        return _fail(name, signal, signal.code)
    except Exception as error:
        if not type(error).__module__.startswith("tensorflow."):
            raise
        return _fail(name, _cause(error))
    return 0


def start_tensorflow():
    """Import TensorFlow before anything else does, with file descriptor 2 leading nowhere.

    Its native code logs its start-up there, unasked, and no setting silences all of it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        with contextlib.suppress(ImportError):  # who needs it says so, with the pip command
            import tensorflow as tf

            tf.get_logger().setLevel("ERROR")
            if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
                tf.config.set_visible_devices([], "GPU")  # TensorFlow only reads data: it would take all the memory
            tf.config.list_physical_devices()
            tf.zeros(())
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _fail(name, error, code=2):
    if isinstance(error, OSError) and error.strerror and error.filename:
        error = f"{error.filename}: {error.strerror}"
    print(f"{name}: {' '.join(str(error).split()) or type(error).__name__}", file=sys.stderr)
    return code


def _cause(error):
    """tf.data wraps what a reader raised: the message stands behind the Python error's name."""
    for line in str(error).splitlines():
        for kind in ("ValueError: ", "FileNotFoundError: ", "OSError: "):
            if kind in line:
                return line.split(kind, 1)[1]
    return str(error).splitlines()[0] if str(error) else error
