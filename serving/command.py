"""What every command here shares: one line and exit code 2 for what a user can mend, and a quiet TensorFlow."""

import contextlib
import os
import sys


def run(name, body, arguments):
    """Call `body(arguments)` and turn the errors that a user can mend into one line on stderr.

    Returns:
        What `body` returns, or 0 for None; 2 on a `ValueError`, `OSError`, missing package or TensorFlow error
        (message on stderr, no traceback); 130 on Ctrl-C.
    """
    try:
        return body(arguments) or 0
    except (ValueError, OSError, ImportError) as error:
        return _fail(name, error)
    except KeyboardInterrupt:
        return _fail(name, "interrupted", 130)
    except Exception as error:
        if not type(error).__module__.startswith("tensorflow."):  # such as: no space left on the device
            raise
        return _fail(name, error)


def start_tensorflow():
    """Import TensorFlow and Keras, hiding what TensorFlow's C++ prints meanwhile, which no setting silences."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    with _quiet():
        try:
            import tensorflow as tf
        except ModuleNotFoundError as error:
            raise ImportError(f"{error.name} is missing: pip install fcn_keras brings it") from None
        tf.get_logger().setLevel("ERROR")
        tf.config.list_logical_devices()


@contextlib.contextmanager
def _quiet():
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _fail(name, error, code=2):
    if isinstance(error, OSError) and error.strerror and error.filename:
        error = f"{error.filename}: {error.strerror}"
    print(f"{name}: {' '.join(str(error).split()) or type(error).__name__}", file=sys.stderr)
    return code
