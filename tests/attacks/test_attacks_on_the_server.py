"""The quick versions of the attacks in `tests/attacks`, on a server in a process of its own."""

import json
import os

import pytest

pytest.importorskip("starlette", reason='needs starlette: pip install "fcn_keras[serve]"')

from tests.attacks import served, server_calls, server_images, server_json, server_requests, server_sockets
from tests.attacks.drawing import DESCRIPTION
from tests.attacks.hostile_files import hostile_files
from tests.attacks.server_sockets import OPTIONS

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="needs Linux: /proc tells memory")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server, whose process must start with lines of its own alone, and end well."""
    folder = tmp_path_factory.mktemp("m")
    with (folder / "log").open("w") as log, served.served(served.write_model(folder), *OPTIONS, log=log) as server:
        lines = (folder / "log").read_text().splitlines()
        assert lines
        assert all(line.startswith(("fcn-serve: ", "next: ")) for line in lines), lines
        yield server
        server.process.terminate()
        assert server.process.wait(60) == 0
        text = (folder / "log").read_text()
        assert "fcn-serve: Unloaded m version 1\n" in text
        assert "Traceback" not in text


def test_requests_are_answered_as_described(server):
    outcome = server_requests.attack_rest(server.rest, 150, seed=3)
    assert outcome.tries == 150
    assert outcome.lost == ()


def test_json_that_two_readers_understand_differently_is_refused(server):
    outcome = server_json.attack(server.rest, 110, seed=3)
    assert outcome.tries == 110
    assert outcome.lost == ()


def test_changed_messages_are_the_caller_s_mistakes(server):
    assert server_requests.attack_grpc(server.grpc, 300, seed=3).lost == ()


def test_image_files_cost_their_own_status_alone(server):
    files = {
        name: file for name, file in hostile_files(served.PIXELS).items() if len(file[0]) < server_sockets.LIMIT / 2
    }
    assert len(files) > 50
    assert server_images.attack(server, files, server.memory()).lost == ()


def test_slow_half_closed_and_many_clients_leave_the_healthy_ones_alone(server):
    for outcome in server_sockets.attack_all(server, sockets=600, body=2**23):
        assert outcome.lost == (), outcome.attack
        assert outcome.tries > 1


def test_calls_that_say_nothing_or_fetch_nothing_leave_the_healthy_ones_alone(server):
    for outcome in server_calls.attack_all(server, seed=3, connections=4):
        assert outcome.lost == (), outcome.attack
        assert outcome.tries > 1


def test_the_attacks_see_what_breaks(server, monkeypatch):
    monkeypatch.setattr(server_requests.Rest, "_ask", lambda *_: (500, "text/plain", b"oops"))
    assert "status 500: b'oops'" in server_requests.Rest(server.rest).problem("GET", "/", {}, None)
    monkeypatch.setattr(server_requests.Rest, "_ask", lambda *_: (200, "application/json", b'{"predictions": 1}'))
    problem = server_requests.Rest(server.rest).problem("POST", "/v1/models/m:predict", {}, b"")
    assert problem.startswith("status 200, an answer unlike the description")
    monkeypatch.setattr(server_requests, "call", lambda *_: ("INTERNAL", "oops"))
    assert len(server_requests.attack_grpc(server.grpc, 3).lost) == 3


def test_the_description_is_whole():
    def references(part):
        if isinstance(part, dict):
            yield from [part["$ref"]] if "$ref" in part else []
            part = list(part.values())
        for inner in part if isinstance(part, list) else []:
            yield from references(inner)

    named = {reference.removeprefix("#/components/schemas/") for reference in references(DESCRIPTION)}
    assert named <= set(DESCRIPTION["components"]["schemas"])
    for path, operations in DESCRIPTION["paths"].items():
        parameters = {parameter["name"] for parameter in operations["parameters"]}
        assert parameters == {part.strip("{}") for part in path.replace(":predict", "").split("/") if "{" in part}
    assert json.dumps(DESCRIPTION, indent=1) + "\n" == (requests_file()).read_text()


def requests_file():
    from tests.attacks.drawing import STATIC

    return STATIC / "openapi.json"
