"""The command: what it says, and that it answers until a signal comes."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import urllib3

from tests.training.annotations.test_label_studio_runs import by_bits
from tests.training.exported.files import onnx_file, scores_of
from tests.training.label_studio.projects import TREES, noise
from tests.training.tiny import write
from training.label_studio import command
from training.label_studio.command import main


def error_of(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 2
    *notices, line = capsys.readouterr().err.splitlines()
    assert all("has no digests" in notice for notice in notices)
    return line.removeprefix("fcn-label-studio: ")


def test_it_answers_until_a_signal_comes(tmp_path):
    write(tmp_path / "photos" / "a.png", noise())
    net = onnx_file(tmp_path / "net.onnx")
    words = [sys.executable, "-m", "training.label_studio", net, "--local-files", tmp_path / "photos", "--port", "0"]
    environment = {**os.environ, "BASIC_AUTH_USER": "me", "BASIC_AUTH_PASS": "word"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            said = process.stdout.readline()
            assert said.startswith("Label Studio may connect http://127.0.0.1:"), process.stderr.read()
            url = said.split()[-1]
            password = urllib3.make_headers(basic_auth="me:word")
            assert urllib3.request("GET", f"{url}/health").status == 401
            task = {"id": 1, "data": {"picture": "/data/local-files/?d=a.png"}}
            body = {"tasks": [task], "label_config": TREES}
            answer = urllib3.request("POST", f"{url}/predict", json=body, headers=password, retries=False)
            assert answer.status == 200, answer.data
            results = json.loads(answer.data)["results"][0]["result"]
            (tree,) = [item for item in results if item["value"].get("brushlabels") == ["tree"]]
            truth = scores_of(noise()).argmax(-1)
            np.testing.assert_array_equal(by_bits(tree["value"]["rle"]).reshape(9, 14, 4)[..., 3] > 0, truth == 3)
            body["tasks"][0]["data"]["picture"] = "/data/local-files/?d=no.png"
            assert urllib3.request("POST", f"{url}/predict", json=body, headers=password, retries=False).status == 400
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            *_, line = said = process.stderr.read().splitlines()
            assert line.startswith("fcn-label-studio: /predict: /data/local-files/?d=no.png is missing")
            assert all(line.startswith("fcn-label-studio: ") for line in said)
        finally:
            process.kill()


def test_what_is_wrong_is_told_in_a_line(tmp_path, capsys, monkeypatch):
    net = onnx_file(tmp_path / "net.onnx")
    assert error_of(capsys, net).startswith("Say where images are: --local-files DIR, --url URL of Label Studio")
    assert "is not a folder" in error_of(capsys, net, "--local-files", tmp_path / "no")
    assert "--tolerance" in error_of(capsys, net, "--url", "http://x", "--tolerance", "-1")
    assert "is missing" in error_of(capsys, tmp_path / "no.onnx", "--url", "http://x", "--port", "0")
    assert "background is a class of the net" in error_of(
        capsys, net, "--url", "http://x", "--port", "0", "--background", "no"
    )
    with monkeypatch.context() as patch:
        patch.setenv("BASIC_AUTH_USER", "me")
        assert "go together" in error_of(capsys, net, "--url", "http://x", "--port", "0")
    with command.listening_socket("127.0.0.1", 0) as taken:
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "cannot be listened on" in error_of(capsys, net, "--url", "http://x", "--port", port)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert error_of(capsys, net, "--url", "http://x").endswith('uvicorn: pip install "fcn_keras[label-studio]"')


@pytest.mark.parametrize("url", ["localhost:8080", "http://", "file:///x"])
def test_a_url_that_is_none(url, capsys):
    with pytest.raises(SystemExit):
        main(["net.onnx", "--url", url])
    assert "a URL such as http://localhost:8080 is expected" in capsys.readouterr().err
