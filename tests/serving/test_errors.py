import grpc

from serving.errors import HTTP_STATUS, ServingError


def test_every_code_of_grpc_has_a_status_of_http():
    assert set(HTTP_STATUS) == {code.name for code in grpc.StatusCode}
    # A caller's mistakes are 4xx, and what another try may mend is 429, 503 or 504.
    assert {code for code, status in HTTP_STATUS.items() if status >= 500} == {
        *("UNKNOWN", "INTERNAL", "DATA_LOSS", "UNIMPLEMENTED", "UNAVAILABLE", "DEADLINE_EXCEEDED")
    }
    assert [HTTP_STATUS[code] for code in ("RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED")] == [429, 503, 504]


def test_an_error_reads_as_its_message():
    error = ServingError("NOT_FOUND", "no such model")
    assert (error.code, error.message, str(error)) == ("NOT_FOUND", "no such model", "no such model")
