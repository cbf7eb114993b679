"""The parts of the load benchmark that need no server."""

import io
import os
from types import SimpleNamespace

import serving_load
from PIL import Image


def test_the_photograph_is_a_jpeg_of_the_size():
    image = Image.open(io.BytesIO(serving_load.draw("48x64")))
    assert (image.format, image.height, image.width) == ("JPEG", 48, 64)


def test_every_call_is_counted_and_timed():
    class Client:
        calls = 0

        def predict(self, contents):
            assert contents == b"photograph"
            Client.calls += 1
            if Client.calls == 3:
                raise TimeoutError("too late")

    found = serving_load.ask(Client(), b"photograph", os.getpid(), SimpleNamespace(seconds=0.2, clients=3))
    assert found["requests"] + len(found["failures"]) == Client.calls > 3
    assert found["failures"] == ["TimeoutError: too late"]
    assert 0 < found["p50"] <= found["p99"]
    assert 0 < found["rate"] <= found["requests"] / 0.2
    assert all(10 < megabytes < 100_000 for megabytes in found["memory"])


def test_the_table_compares_with_the_loop():
    found = {"rate": 30.0, "requests": 60, "failures": [], "p50": 0.1, "p99": 0.2, "memory": [10.0, 20.0, 30.0]}
    arguments = SimpleNamespace(clients=32, size="48x64")
    title, _, row = serving_load.report({"http": found}, [10.0, 20.0, 40.0], arguments).splitlines()
    assert "plain loop 20.00 a second (10.00-40.00)" in title
    assert row.split()[:6] == ["http", "30.00", "1.50", "60", "0", "0.10"]
    assert row.endswith("10 at first, 20 half-way, 30 at last")
