"""Errors with TF Serving's codes, for REST and gRPC alike."""

# The status that TF Serving's REST answers with, by the name of the gRPC status code.
HTTP_STATUS = {
    "OK": 200,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class ServingError(Exception):
    """An answer other than OK.

    Args:
        code: name of the gRPC status code, a key of `HTTP_STATUS`.
        message: what the client reads.
    """

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message
