"""Run one contender in a process of its own: build it, then answer calls from the parent.

A line of JSON comes in for every call and one goes out for every answer. Between calls the process waits on its pipe
and uses no processor. `speed.turns.Worker` is the other end.
"""

import importlib
import json
import os
import sys
import time


def main():
    # What libraries print on standard output would mix with the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    contender = None
    for line in sys.stdin:
        contender, answer = respond(contender, json.loads(line))
        answers.write(json.dumps(answer) + "\n")
        if contender is None:
            return


def respond(contender, call):
    """Build a contender, if there is none yet, or call one of its methods.

    Args:
        contender: an object, or None.
        call: dict of a `name`, of the class as `module:Class` or of the method, and its `arguments`.

    Returns:
        The contender, None if it could not be built, and the answer: `seconds`, `value` and `peak`, or `error`.
    """
    started = time.perf_counter()
    try:
        if contender is None:
            module, name = call["name"].split(":")
            contender, value = getattr(importlib.import_module(module), name)(**call["arguments"]), None
        else:
            value = getattr(contender, call["name"])(**call["arguments"])
        return contender, {"seconds": time.perf_counter() - started, "value": value, "peak": peak()}
    except Exception as error:  # whatever it is, the parent's table shows it
        return contender, {"error": describe(error)}


def describe(error):
    """Say in one line what went wrong; a missing package's message is the whole advice."""
    text = " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"{error.name} is missing"
    if "Traceback" in text:  # another process's, handed on
        return str(error).strip().splitlines()[-1]
    return text if isinstance(error, ImportError) else f"{type(error).__name__}: {text}"


def peak(pid="self"):
    """Return the largest resident memory that a process ever had, in GB (Linux).

    `ru_maxrss` would count the parent's, in which the process was forked.
    """
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024 / 1e9
    raise OSError(f"/proc/{pid}/status holds no VmHWM: the process is gone.")


if __name__ == "__main__":
    main()
