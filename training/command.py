"""What every command here shares: one line and exit code 2 for what a user can mend."""

import os
import sys

# Before anything imports TensorFlow: its start-up chatter is not the user's.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def run(name, body, arguments):
    """Call `body(arguments)` and turn the errors a user can mend into one line on stderr.

    Returns:
        0, 2 on a `ValueError`, `OSError` or missing package (message on stderr, no traceback), 130 on Ctrl-C.
    """
    try:
        body(arguments)
    except (ValueError, OSError, ImportError) as error:
        print(f"{name}: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if not type(error).__module__.startswith("tensorflow."):
            raise
        # tf.data wraps what a reader raised; its own message stands behind the Python error's name.
        print(f"{name}: {_one_line(_unwrapped(error))}", file=sys.stderr)
        return 2
    return 0


def _one_line(error):
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def _unwrapped(error):
    for line in str(error).splitlines():
        for kind in ("ValueError: ", "FileNotFoundError: ", "OSError: "):
            if kind in line:
                return line.split(kind, 1)[1]
    return str(error).splitlines()[0]
