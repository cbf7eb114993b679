"""What `fcn-serve` says on the terminal."""

import contextlib
import json
import re
import time
from types import SimpleNamespace

import pytest

from serving.server.command import build_parser
from serving.server.in_process import Options
from serving.server.notices import announce, warn_of_access
from serving.server.ports import Addresses
from serving.server.settings import SSLConfig


class Models:
    """What is served, as `ModelManager` tells it."""

    def __init__(self, folder, *names):
        self.folder, self.served = folder, [(name, 1) for name in names]

    def answering(self):
        return self.served

    def use(self, spec):
        return contextlib.nullcontext(SimpleNamespace(folder=self.folder))


def command_told(capsys, *models):
    announce(Models(*models), time.monotonic(), Addresses("127.0.0.1:1", "http://127.0.0.1:2"))
    out, err = capsys.readouterr()
    assert out.splitlines()[1] == "Exporting HTTP/REST API at:127.0.0.1:2 ..."
    return err


def test_the_command_that_asks_names_what_is_at_hand(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ask = "next: fcn-query http://127.0.0.1:2"
    assert command_told(capsys, tmp_path) == f"{ask} new_photos --output answered\n"
    (tmp_path / "answered").mkdir()
    (tmp_path / "answered" / ".fcn-labels.json").touch()  # of another version, which refuses to mix
    assert command_told(capsys, tmp_path, "fcn") == f"{ask} new_photos --output answered-2\n"  # and no card
    (tmp_path / "photos" / "images").mkdir(parents=True)
    (tmp_path / "model.json").write_text(json.dumps({"recipe": {"data": "photos"}}))
    assert command_told(capsys, tmp_path, "a b", "fcn") == (f"{ask} photos/images --model 'a b' --output answered-2\n")


def test_it_listens_on_this_machine_unless_told():
    assert build_parser().parse_args([]).host == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "token", "tls", "expected"),
    [
        ("127.0.0.1", None, None, []),
        ("localhost", None, None, []),
        ("::1", None, None, []),
        ("0.0.0.0", "a token", SSLConfig(), []),
        ("0.0.0.0", None, SSLConfig(client_verify=True), []),
        ("0.0.0.0", None, SSLConfig(), ["--token_file"]),
        ("::", "a token", None, ["--ssl_config_file"]),
        ("0.0.0.0", None, None, ["--ssl_config_file", "--token_file"]),
    ],
)
def test_listening_beyond_this_machine_is_warned_of(capfd, host, token, tls, expected):
    warn_of_access(Options(host=host, token=token), tls)
    warning = capfd.readouterr().err
    assert re.findall(r"--(?:token_file|ssl_config_file)", warning) == expected
    assert warning == "" or warning.startswith(f"fcn-serve: warning: --host {host} listens beyond this machine")
