"""What REST and gRPC share."""

import numpy as np
import pytest

from serving.client.client import Client, ServingError
from serving.client.transport import TryAgain


def test_an_unknown_signature_is_named(server):
    with (
        Client(server.url, signature="other") as client,
        pytest.raises(ServingError, match=r"'model' has no signature 'other'\. It has \['serving_default'\]") as caught,
    ):
        client.predict(np.zeros((5, 7, 3), np.uint8))
    assert caught.value.code == "NOT_FOUND"


def test_who_may_try_again_has_code_and_pause():
    error = TryAgain("UNAVAILABLE", "later", 2.5)
    assert (error.code, error.message, error.after, str(error)) == ("UNAVAILABLE", "later", 2.5, "later")
    assert isinstance(error, ServingError)
    assert TryAgain("UNAVAILABLE", "later").after == 0
