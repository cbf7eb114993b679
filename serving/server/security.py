"""Who may ask: a bearer token, for REST and gRPC alike."""

import hmac
import os
import re
from pathlib import Path

import grpc

VARIABLE = "FCN_TOKEN"
SHORTEST = 16  # characters: openssl rand -hex 16 makes 32
REFUSED = "A bearer token is needed: Authorization: Bearer TOKEN."


def read_token(path=None):
    """Read the token that requests must bring.

    Args:
        path: a file that holds it, and nothing else; default the environment variable FCN_TOKEN.

    Returns:
        str, or None where neither says one.

    Raises:
        ValueError: if it is too short to be a secret, or cannot stand in a header.
        OSError: if the file cannot be read.
    """
    text = Path(path).read_text(encoding="utf-8", errors="replace") if path else os.environ.get(VARIABLE)
    if text is None:
        return None
    return check_token(text.strip(), path or f"The environment variable {VARIABLE}")


def check_token(token, where):
    """Return a token that can be one.

    Raises:
        ValueError: as `read_token`; the token itself is not repeated.
    """
    if not re.fullmatch(rf"[!-~]{{{SHORTEST},}}", token):
        raise ValueError(
            f"{where}: a token is {SHORTEST} visible ASCII characters or more, without blanks. Received: {len(token)} "
            "characters. Make one with: openssl rand -hex 16"
        )
    return token


def allows(token, header):
    """Tell whether an `Authorization` header (str, bytes or None) brings the token, in a time that does not tell it."""
    if isinstance(header, str):
        header = header.encode("utf-8", "surrogateescape")
    kind, _, given = (header or b"").partition(b" ")
    return hmac.compare_digest(given.strip(), token.encode()) and kind.lower() == b"bearer"


class TokenInterceptor(grpc.aio.ServerInterceptor):
    """Refuse calls without the token, before their message is read.

    Args:
        token: str.
    """

    def __init__(self, token):
        self._token = token
        # Of a stream nothing is read until it is asked for.
        self._refusal = grpc.stream_unary_rpc_method_handler(_refuse)

    async def intercept_service(self, continuation, details):
        """Choose what handles a call."""
        header = dict(details.invocation_metadata).get("authorization")
        return await continuation(details) if allows(self._token, header) else self._refusal


async def _refuse(_, context):
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, REFUSED)
