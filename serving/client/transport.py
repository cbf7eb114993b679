"""What `rest` and `rpc` share: the model that is asked, what its server tells, and the error that may pass."""

from typing import NamedTuple

from ..errors import ServingError


class TryAgain(ServingError):
    """An answer that may be another in a moment: the server is busy, starting, or out of reach.

    Args:
        after: seconds that the server asked to wait.
    """

    def __init__(self, code, message, after=0.0):
        super().__init__(code, message)
        self.after = after


class ModelAddress(NamedTuple):
    """Which model is asked, which version of it, and for what."""

    name: str
    version: int | None
    label: str | None
    signature: str


class ServedVersion(NamedTuple):
    """A version of a model on the server; `state` is START, LOADING, AVAILABLE, UNLOADING or END."""

    version: int
    state: str
    code: str
    message: str


class Spec(NamedTuple):
    """An input or output: `dtype` as numpy calls it, or `"string"`; a free length in `shape` is -1."""

    dtype: str
    shape: tuple


class Metadata(NamedTuple):
    """The version that answers, and what its signature takes and gives: name -> `Spec`."""

    version: int
    inputs: dict
    outputs: dict


def unknown_signature(model, signatures):
    """Make the exception for a signature that the model lacks."""
    return ServingError(
        "NOT_FOUND", f"Model {model.name!r} has no signature {model.signature!r}. It has {sorted(signatures)}."
    )


def unlisted(server):
    """Make the exception for a server that does not list its models."""
    return ServingError("UNIMPLEMENTED", f"{server} does not say which models it has.")
