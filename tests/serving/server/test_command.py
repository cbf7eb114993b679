"""`fcn-serve`: its options, its files, its end."""

import contextlib
import logging
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time

import pytest

from serving.server.command import main
from tests.serving.server.asking import ask_grpc, ask_rest, rest, wait_until


class Lines:
    """A stdout that wakes who waits for a line."""

    def __init__(self):
        self.text, self.changed = "", threading.Condition()

    def write(self, text):
        with self.changed:
            self.text += text
            self.changed.notify_all()

    def flush(self):
        pass

    def addresses(self):
        from serving.server.ports import Addresses

        with self.changed:
            assert self.changed.wait_for(lambda: self.text.count("\n") == 2, 60)
            first, second = self.text.splitlines()
        assert first.startswith("Running gRPC ModelServer at 127.0.0.1:")
        assert second.startswith("Exporting HTTP/REST API at:127.0.0.1:")
        return Addresses(first.split()[-2], "http://" + second.split(":", 1)[1].removesuffix(" ..."))


@pytest.fixture
def log(caplog):
    """What the command logs, which it keeps from the root logger."""
    logger = logging.getLogger("serving")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def test_the_command_follows_its_config_and_ends_on_sigint(line, tmp_path, monkeypatch, log):
    def write(name, base_path=line):
        text = (
            f'model_config_list {{ config {{ name: "{name}" base_path: "{base_path}" model_platform: "tensorflow" }} }}'
        )
        (tmp_path / "new").write_text(text)
        os.rename(tmp_path / "new", tmp_path / "models.config")

    write("line")
    (tmp_path / "monitoring.config").write_text("prometheus_config { enable: true }")
    (tmp_path / "batching.config").write_text("max_batch_size { value: 8 }")
    lines, seen = Lines(), []
    monkeypatch.setattr(sys, "stdout", lines)

    def visit():
        try:
            addresses = lines.addresses()
            seen.append(ask_rest(addresses))
            write("renamed")
            wait_until(lambda: "AVAILABLE" in rest(addresses.rest, "/v1/models/renamed")[1])
            seen.append(ask_grpc(addresses, name="renamed"))
            seen.append(rest(addresses.rest, "/v1/models/line:predict", {"instances": [1.0]})[0])
            seen.append(rest(addresses.rest, "/monitoring/prometheus/metrics")[0])
            (tmp_path / "models.config").write_text("model_config")
            wait_until(lambda: "models.config is not followed" in log.text)
            seen.append(ask_rest(addresses, name="renamed"))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    visitor = threading.Thread(target=visit)
    visitor.start()
    files = [f"--{kind}_config_file={tmp_path / kind}.config" for kind in ("model", "monitoring")]
    files[0] = f"--model_config_file={tmp_path / 'models.config'}"
    batching = ["--enable_batching", "--batching_parameters_file", str(tmp_path / "batching.config")]
    poll = ["--model_config_file_poll_wait_seconds=0.05", "--file_system_poll_wait_seconds", "0.05"]
    assert main(["--port=0", "--rest_api_port", "0", *files, *batching, *poll]) == 0
    visitor.join()
    assert seen == [6.0, 6.0, 404, 200, 6.0]


def test_versions_change_under_load_and_sigterm_ends_it(lines, tmp_path, monkeypatch, log):
    shutil.copytree(lines[2], tmp_path / "line" / "1")
    shutil.copytree(lines[5], tmp_path / "line" / "next")
    output, done, answers = Lines(), threading.Event(), []
    monkeypatch.setattr(sys, "stdout", output)

    def load(ask, addresses):
        mine = []
        answers.append(mine)
        while not done.is_set():
            mine.append(ask(addresses))
            done.wait(0.005)  # or the tests beside this one wait

    def visit():
        try:
            addresses = output.addresses()
            threads = [threading.Thread(target=load, args=[ask, addresses]) for ask in (ask_rest, ask_grpc) * 2]
            for thread in threads:
                thread.start()
            wait_until(lambda: len(answers) == 4 and all(6.0 in mine for mine in answers))
            os.rename(tmp_path / "line" / "next", tmp_path / "line" / "2")
            wait_until(lambda: all(mine[-1] == 15.0 for mine in answers))
            done.set()
            for thread in threads:
                thread.join(30)
        finally:
            done.set()
            os.kill(os.getpid(), signal.SIGTERM)

    visitor = threading.Thread(target=visit)
    visitor.start()
    model = ["--model_name=line", f"--model_base_path={tmp_path / 'line'}", "--file_system_poll_wait_seconds=0.1"]
    assert main([*model, "--port=0", "--rest_api_port=0"]) == 0
    visitor.join()
    assert all(mine == sorted(mine) and set(mine) == {6.0, 15.0} for mine in answers)  # none failed, none went back
    assert "Unloaded line version 1" in log.text
    assert re.search(r"Loaded line version 1 in \d+\.\d s, with its warm-up\n", log.text)
    assert re.search(r"AVAILABLE \d+\.\d s after the start: line version 1\n", log.text)


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param((signal.SIGHUP, signal.SIGHUP), id="a terminal that goes"),
        pytest.param((signal.SIGTERM, signal.SIGHUP), id="systemd"),
        pytest.param((signal.SIGHUP, signal.SIGTERM), id="a terminal that goes, then systemd"),
    ],
)
def test_what_runs_is_answered_before_the_end(line, numbers, monkeypatch):
    from serving.server.models import servable

    output, running, goes_on, answers = Lines(), threading.Event(), threading.Event(), []
    run = servable.Servable.run

    def slow(*arguments):
        running.set()
        assert goes_on.wait(30)
        return run(*arguments)

    def visit():
        addresses = output.addresses()
        monkeypatch.setattr(servable.Servable, "run", slow)
        asking = threading.Thread(target=lambda: answers.append(ask_rest(addresses)))
        asking.start()
        assert running.wait(30)
        for number in numbers:
            os.kill(os.getpid(), number)
            time.sleep(0.2)
        goes_on.set()
        asking.join(30)

    monkeypatch.setattr(sys, "stdout", output)
    visitor = threading.Thread(target=visit)
    visitor.start()
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    assert main(["--model_name=line", f"--model_base_path={line}", "--port=0", "--rest_api_port=0"]) == 0
    visitor.join()
    assert answers == [6.0]
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


def test_nohup_keeps_its_word(line, monkeypatch):
    output, answers = Lines(), []

    def visit():
        addresses = output.addresses()
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(0.2)
        answers.append(ask_rest(addresses))
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(sys, "stdout", output)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        visitor = threading.Thread(target=visit)
        visitor.start()
        assert main(["--model_name=line", f"--model_base_path={line}", "--port=0", "--rest_api_port=0"]) == 0
        visitor.join()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert answers == [6.0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_loading_says_so_and_ends_at_once(number, tmp_path, monkeypatch, capfd):
    from serving.server import command
    from serving.server.models import manager

    codes, ended = [], threading.Event()

    def load(*_, **__):
        os.kill(os.getpid(), number)
        assert ended.wait(60)

    def end(code):
        codes.append(code)
        ended.set()
        raise KeyboardInterrupt  # as the process has ended here

    monkeypatch.setattr(manager, "load", load)
    monkeypatch.setattr(command.os, "_exit", end)
    (tmp_path / "1").mkdir()
    main([f"--model_base_path={tmp_path}", "--port=0", "--rest_api_port=0"])
    assert codes == [0]
    errors = capfd.readouterr().err
    assert f"fcn-serve: {number.name} came while models were loading; nothing was served yet.\n" in errors
    assert "Traceback" not in errors


def test_the_command_says_what_is_wrong_in_one_line(line, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "line").symlink_to(line)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.config").write_text("model_config_list {\n  config { nam: 1 }\n}")
    (tmp_path / "batching.config").write_text("max_batch_size { value: 0 }")
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    base = ["--model_base_path", "line", "--port=0", "--rest_api_port=0"]
    batching = "--batching_parameters_file=batching.config"
    with contextlib.closing(taken):
        for arguments, message in [
            ([], "Say what to serve: --model_base_path DIR, or --model_config_file FILE."),
            ([*base, "--model_base_path=none"], "none is not a folder. It holds a model's versions"),
            (
                [*base, "--model_base_path=empty"],
                "empty holds no version, a folder whose name is a number. Export one first: ",
            ),
            ([*base, "--model_base_path=line/1"], "line/1 is one version of a model. Give the folder around it"),
            ([*base, f"--port={port}"], f"127.0.0.1:{port} cannot be listened on: Address already in use"),
            ([*base, "--rest_api_port", str(port)], f"127.0.0.1:{port} cannot be listened on: Address already in use"),
            ([*base, "--host=198.51.100.1"], "198.51.100.1:0 cannot be listened on"),
            ([*base, "--model_config_file=broken.config"], "broken.config:2: "),
            ([*base, "--model_config_file=none.config"], "--model_config_file none.config is missing."),
            ([*base, "--monitoring_config_file=broken.config"], "broken.config:1: "),
            ([*base, "--batching", batching], "batching.config: max_batch_size is a whole number from 1 up"),
            ([*base, "--enable_batching=true", batching], "max_batch_size is a whole number"),
            ([*base, "--batching=false", batching], "--batching_parameters_file is set without --batching."),
            ([*base, batching], "--batching_parameters_file is set without --batching."),
            ([*base, "--enable_per_model_batching_parameters"], "parameters is set without --batching."),
        ]:
            assert main(arguments) == 2, arguments
            output = capsys.readouterr()
            assert output.out == ""
            assert output.err.startswith("fcn-serve: ")
            assert output.err.count("\n") == 1, output.err
            assert message in output.err


def test_versions_that_cannot_be_loaded_end_the_command(tmp_path, capsys):
    (tmp_path / "line" / "1").mkdir(parents=True)
    assert main([f"--model_base_path={tmp_path / 'line'}", "--port=0", "--rest_api_port=0", "--model_name=m"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("fcn-serve: No version could be loaded. m version 1: NOT_FOUND: Could not find SavedModel")


@pytest.mark.parametrize("package", ["grpc", "h11", "orjson", "prometheus_client", "starlette", "uvicorn"])
def test_a_missing_package_is_named(tmp_path, package, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "serving.server.rest.connections", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "1").mkdir()
    assert main([f"--model_base_path={tmp_path}", "--port=0", "--rest_api_port=0"]) == 2
    expected = f'fcn-serve: The server needs {package}. Install it with: pip install "fcn_keras[serve]"\n'
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--port=70000", "a port from 0 to 65535 is expected. Received: 70000"),
        ("--threads=0", "a whole number from 1 to 2147483647 is expected. Received: 0"),
        ("--max_queued_requests=x", "a whole number from 1 to 2147483647 is expected. Received: x"),
        ("--grace_period_seconds=-1", "a number of seconds from 0 up is expected. Received: -1"),
        ("--file_system_poll_wait_seconds=nan", "a number of seconds from 0 up is expected. Received: nan"),
        ("--batching=maybe", "true or false is expected. Received: maybe"),
        ("--rest_api", "unrecognized arguments: --rest_api"),
    ],
)
def test_wrong_options_are_named(option, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main([option])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_help_says_what_it_is_for(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "For development, tests, notebooks and small installations" in text
    assert "Production traffic belongs on TensorFlow Serving" in text
