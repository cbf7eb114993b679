"""gRPC: what is not sent again, and answers that cannot be read."""

import pytest

from serving import tf_serving_messages as messages
from serving.client.client import Client, ServingError
from serving.client.rpc import CODES
from tests.serving import fake_servers


def test_a_message_above_the_servers_limit_is_not_sent_again(monkeypatch):
    pauses = []
    with fake_servers.rpc(options=()) as fake, Client(fake.url) as client:
        monkeypatch.setattr(client._closed, "wait", pauses.append)
        client.metadata()
        with pytest.raises(ServingError, match="larger than max") as caught:
            client.predict(bytes(5 << 20))
    assert caught.value.code == "RESOURCE_EXHAUSTED"
    assert not pauses


def test_an_answer_that_cannot_be_read_is_told(rpc, monkeypatch):
    with Client(rpc.url) as client:
        client.metadata()
        monkeypatch.setattr(fake_servers._Services, "fill", lambda self, tensor, value: setattr(tensor, "dtype", 8))
        with pytest.raises(ServingError, match="gave an answer that cannot be read: A tensor holds type 8") as caught:
            client.predict(b"x")
    assert caught.value.code == "INTERNAL"


def test_codes_have_grpcs_names():
    assert (CODES[0], CODES[3], CODES[8], CODES[16]) == (
        "OK",
        "INVALID_ARGUMENT",
        "RESOURCE_EXHAUSTED",
        "UNAUTHENTICATED",
    )
    assert messages.STATES[30] == "AVAILABLE"
