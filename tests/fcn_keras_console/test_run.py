"""How every command ends, and what its start of TensorFlow does without."""

import gc
import importlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fcn_keras import registration
from fcn_keras_console import Interrupted, run
from fcn_keras_console.run import NO_TENSORFLOW, _backend, _uncollected, require_tensorflow, start_tensorflow, without

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ValueError("two\n lines"), 2, "fcn-x: two lines\n"),
        (FileNotFoundError(2, "No such file or directory", "a.png"), 2, "fcn-x: a.png: No such file or directory\n"),
        (ImportError("pip install it"), 2, "fcn-x: pip install it\n"),
        (KeyboardInterrupt(), 130, "fcn-x: interrupted\n"),
        (Interrupted("stopped by SIGTERM", 143), 143, "fcn-x: stopped by SIGTERM\n"),
    ],
)
def test_what_a_user_can_mend_is_one_line(error, code, told, capsys):
    def body(_):
        raise error

    assert run("fcn-x", body, None) == code
    assert capsys.readouterr().err == told


def test_a_working_directory_that_is_gone_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    assert run("fcn-x", lambda _: Path("runs").absolute(), None) == 2
    assert capsys.readouterr().err == "fcn-x: The working directory is gone. Change to one that is there.\n"


def test_other_errors_keep_their_traceback():
    with pytest.raises(RuntimeError):
        run("fcn-x", lambda _: (_ for _ in ()).throw(RuntimeError("a fault of ours")), None)


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1)])
def test_a_body_may_say_its_code(returned, code):
    assert run("fcn-x", lambda _: returned, None) == code


def test_any_name_can_be_printed(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="ascii"))

    def body(_):
        print("\N{LATIN SMALL LETTER A WITH DIAERESIS}.png \udcff.png")  # the second's byte is not UTF-8
        raise ValueError("\N{LATIN SMALL LETTER A WITH DIAERESIS}.png is missing")

    assert run("fcn-x", body, None) == 2
    for stream, told in ((sys.stdout, "\\xe4.png \\udcff.png\n"), (sys.stderr, "fcn-x: \\xe4.png is missing\n")):
        stream.flush()
        assert stream.buffer.getvalue().decode() == told


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_terminal_that_goes_ends_no_work(unbuffered, tmp_path):
    import pty

    script = f"""
import signal, sys, pathlib
from fcn_keras_console import run
signal.signal(signal.SIGHUP, signal.SIG_IGN)
def body(_):
    print("begun", flush=True)
    sys.stdin.read()
    print("\\xe4" * 100_000, flush=True)
    print("told", file=sys.stderr)
    pathlib.Path({str(tmp_path / "done")!r}).touch()
    raise ValueError("a fault")
sys.exit(run("fcn-x", body, None))"""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", script]
    settings = {"cwd": ROOT, "env": {**os.environ, "PYTHONUNBUFFERED": unbuffered}}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=theirs, stderr=theirs, **settings) as process:
        os.close(theirs)
        with open(ours, "rb", buffering=0) as terminal:
            assert terminal.read(5) == b"begun"
        # The terminal is closed, as when an SSH session breaks off.
        process.stdin.close()
        assert process.wait(60) == 2
    assert (tmp_path / "done").exists()


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """A package that nobody has imported yet, in a process that is no notebook."""
    (tmp_path / "pretended.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    yield "pretended"
    sys.modules.pop("pretended", None)


def test_what_is_hidden_cannot_be_imported_meanwhile(pretended):
    loaded = sys.modules["json"]
    with without([pretended, "json"]):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(pretended)
        assert importlib.import_module("json") is loaded  # who has it keeps it
    assert importlib.import_module(pretended).__name__ == pretended
    assert sys.modules["json"] is loaded


def test_a_notebook_keeps_everything(pretended, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", json)
    with without([pretended]):
        assert importlib.import_module(pretended).__name__ == pretended


def test_without_tensorflow_the_commands_that_install_it_are_told(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    assert run("fcn-x", lambda _: start_tensorflow(), None) == 2
    assert capsys.readouterr() == ("", f"fcn-x: {NO_TENSORFLOW}\n")
    assert 'pip install "fcn_keras[cpu]"' in NO_TENSORFLOW
    assert 'pip install "fcn_keras[cuda]"' in NO_TENSORFLOW
    assert NO_TENSORFLOW == registration.NO_TENSORFLOW


def test_what_a_removed_tensorflow_leaves_is_told(tmp_path, monkeypatch):
    """`pip uninstall tensorflow-cpu` next to `tensorflow` takes the code, and leaves what both had written since."""
    (tmp_path / "tensorflow" / "lite").mkdir(parents=True)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(
        ImportError, match=r"^/.*/tensorflow holds only remains of TensorFlow: .*pip uninstall tensorflow t"
    ):
        require_tensorflow()


@pytest.mark.parametrize("first", [True, False])
def test_what_is_imported_first_is_no_garbage(first, monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    if not first:
        monkeypatch.setitem(sys.modules, "tensorflow", json)
    before = gc.get_freeze_count()
    with _uncollected():
        kept = [[] for _ in range(1000)]
        assert gc.isenabled() != first
    assert gc.isenabled()
    assert (gc.get_freeze_count() >= before + len(kept)) == first
    gc.unfreeze()


@pytest.mark.parametrize(
    ("variable", "written", "backend"),
    [
        (None, None, "tensorflow"),
        (None, '{"backend": "jax"}', "jax"),
        ("torch", '{"backend": "jax"}', "torch"),
        (None, "{", "tensorflow"),
        (None, "[]", "tensorflow"),
        ("", '{"floatx": "float32"}', "tensorflow"),
    ],
)
def test_the_backend_is_that_which_keras_chooses(variable, written, backend, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if variable is not None:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    if written is not None:
        (tmp_path / "keras.json").write_text(written)
    assert _backend() == backend


def test_an_output_that_nobody_reads_any_more_ends_the_command_quietly():
    code = """
import subprocess
import sys
from fcn_keras_console.run import run
sys.exit(run("fcn", lambda _: any(print("a" * 99) for _ in range(9999)), None))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
        assert (process.wait(), told) == (141, b"")


WRITES = """
import signal, sys, time
from pathlib import Path
from fcn_keras_console import run
from fcn_keras_console.files import written
if sys.argv[2:]:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
def body(path):
    with written(path) as temporary:
        temporary.write_text("half")
        print("there", flush=True)
        time.sleep(3 if sys.argv[2:] else 60)
sys.exit(run("fcn-x", body, Path(sys.argv[1])))
"""


@pytest.mark.parametrize(
    ("number", "ignored", "code", "said", "left"),
    [
        (signal.SIGTERM, [], 143, "fcn-x: ended by SIGTERM\n", []),
        (signal.SIGHUP, [], 129, "fcn-x: ended by SIGHUP\n", []),
        (signal.SIGHUP, ["nohup"], 0, "", ["a"]),
    ],
)
def test_signals_leave_nothing_half_written(number, ignored, code, said, left, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", WRITES, str(tmp_path / "a"), *ignored],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "there\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, said)
    assert [path.name for path in tmp_path.iterdir()] == left
