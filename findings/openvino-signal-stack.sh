#!/usr/bin/env bash
# Two OpenVINO cores that end in the order they began leave the thread an alternate signal stack that is no memory any more.
#
# openvino 2026.4.1. The first compile_model("CPU") of a `Core` gives the calling thread an alternate signal stack; the core's end
# puts back the one before. Python frees objects in the order of their last use, so with two cores it is often the first that goes
# first: the second then puts back the first one's, which is unmapped. CPython installs handlers with SA_ONSTACK: the next handled
# signal, such as a Ctrl-C, cannot be delivered, and the kernel ends the process with SIGSEGV, without a traceback, even hours
# later and under faulthandler. Keep one core for the whole process. Here no signal is sent: the stack's address is looked up.
# Seen: "before: none, two cores: memory, after both: unmapped".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet openvino==2026.4.1 numpy==2.3.5
found=$("$work/venv/bin/python" - <<'PYTHON'
import ctypes

import numpy as np
import openvino
from openvino import opset13 as ops


class Stack(ctypes.Structure):
    _fields_ = (("begins", ctypes.c_void_p), ("flags", ctypes.c_int), ("bytes", ctypes.c_size_t))


def state():
    stack = Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack))
    if not stack.begins:
        return "none"
    with open("/proc/self/maps") as maps:
        ranges = [[int(x, 16) for x in line.split()[0].split("-")] for line in maps]
    return "memory" if any(first <= stack.begins < end for first, end in ranges) else "unmapped"


def compiled():
    pixels = ops.parameter([-1, 3], np.float32)
    core = openvino.Core()
    return [core.compile_model(openvino.Model([ops.relu(pixels)], [pixels]), "CPU"), core]


seen = [state()]
first, second = compiled(), compiled()
seen.append(state())
while first:
    del first[0]
while second:
    del second[0]
seen.append(state())
print(f"before: {seen[0]}, two cores: {seen[1]}, after both: {seen[2]}")
PYTHON
)
echo "$found"
[ "$found" = "before: none, two cores: memory, after both: unmapped" ]
