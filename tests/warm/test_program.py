"""A program of a nursery is like one that `subprocess.Popen` starts."""

import os
import signal
import subprocess
import time

import pytest

from tests.warm import program

PIPE = subprocess.PIPE


def start(*arguments, **settings):
    return program.start(arguments, modules=("json",), **settings)


def test_a_program_has_its_arguments_folder_and_environment(tmp_path):
    code = "import os, sys, json; print(json.dumps([sys.argv, os.getcwd(), os.environ['A'], __name__]))"
    with start("-c", code, "a b", 7, cwd=tmp_path, env={"A": "ä"}, stdout=PIPE) as process:
        assert process.communicate() == (f'[["-c", "a b", "7"], "{tmp_path}", "\\u00e4", "__main__"]\n', "")
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("code", "ends", "said"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("raise SystemExit", 0, ""),
        ("raise SystemExit('no')", 1, "no\n"),
        ("import atexit; atexit.register(print, 'bye')", 0, "bye\n"),
        ("import threading, time; threading.Thread(target=lambda: print(time.sleep(0.1))).start()", 0, "None\n"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
    ],
)
def test_it_ends_as_python_does(code, ends, said):
    process = start("-c", code, stdout=PIPE, stderr=subprocess.STDOUT)
    assert process.communicate(timeout=60) == (said, "")
    assert process.poll() == process.wait() == ends


def test_an_error_is_told_on_stderr():
    process = start("-m", "json.tool", "/no/such/file", stdout=PIPE, stderr=PIPE)
    out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert "No such file" in err
    process = start("-c", "1 / 0", stderr=PIPE)
    assert process.communicate()[1].endswith("ZeroDivisionError: division by zero\n")
    assert process.returncode == 1


def test_programs_share_nothing_but_what_was_imported():
    first = start("-c", "import sys; sys.modules['json'].mark = 1; import wave", stdout=PIPE)
    assert first.wait() == 0
    second = start("-c", "import sys; print(hasattr(sys.modules['json'], 'mark'), 'wave' in sys.modules)", stdout=PIPE)
    assert second.communicate()[0] == "False False\n"


def test_it_can_be_killed_and_waited_for():
    process = start("-c", "import time; time.sleep(600)")
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.kill()
    assert process.wait(60) == -signal.SIGKILL
    process.kill()  # is nothing to what has ended


def test_it_ends_with_whoever_started_it():
    process = start("-c", "import time; time.sleep(600)")
    process._connection.close()
    deadline = time.monotonic() + 60
    while os.path.exists(f"/proc/{process.pid}") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not os.path.exists(f"/proc/{process.pid}")


def test_a_module_that_is_not_there_is_told():
    with pytest.raises(RuntimeError, match="No module named 'no_such_module'"):
        program.start(["-c", ""], modules=("no_such_module",))
