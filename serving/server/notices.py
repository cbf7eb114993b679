"""What `fcn-serve` says on the terminal: where it answers, who may reach it, what it loads."""

import contextlib
import ipaddress
import logging
import os
import socket
import time

from fcn_keras_console.files import read_json
from fcn_keras_console.next_step import free_folder, photographs_of, say_next
from fcn_keras_console.printing import VisibleFormatter

from ..errors import ServingError

LOG = logging.getLogger(__name__)


def report(text):
    """Say something on stderr, also while nothing else may be called, as in a signal's handler."""
    with contextlib.suppress(OSError):  # the terminal is gone
        os.write(2, f"fcn-serve: {text}\n".encode())  # which a signal's handler may do whatever was being written


def warn_of_access(options, tls):
    """Say what anybody can do who reaches the ports.

    Args:
        options: `Options`.
        tls: what `read_access` returned, or None.
    """
    try:
        if ipaddress.ip_address(socket.gethostbyname(options.host)).is_loopback:
            return
    except (OSError, ValueError):  # IPv6, or no name; `bound` has refused what cannot be listened on
        if options.host == "::1":
            return
    missing = [] if tls else ["what is sent is not encrypted (--ssl_config_file)"]
    missing += [] if options.token or (tls and tls.client_verify) else ["whoever reaches it may ask (--token_file)"]
    if missing:
        report(f"warning: --host {options.host} listens beyond this machine, and {' and '.join(missing)}.")


def announce(models, started, addresses):
    """Say where the server answers, and what; and the command that asks it.

    Args:
        models: the served `ModelManager`.
        started: when the command was, by `time.monotonic`.
        addresses: `ports.Addresses`.
    """
    print(f"Running gRPC ModelServer at {addresses.grpc} ...", flush=True)
    print(f"Exporting HTTP/REST API at:{addresses.rest.removeprefix('http://')} ...", flush=True)
    answering = models.answering()
    served = ", ".join(f"{name} version {version}" for name, version in answering) or "no model yet"
    LOG.info("AVAILABLE %.1f s after the start: %s", time.monotonic() - started, served)
    which = ["--model", answering[0][0]] if len({name for name, _ in answering}) > 1 else []
    photos = photographs_of(_data_of(models, *answering[0]) if answering else None)
    say_next(None, "fcn-query", addresses.rest, photos, *which, "--output", free_folder("answered"))


def _data_of(models, name, version):
    """Return the folder of the data set that a version was trained on, as its card says it, or None."""
    from .models.manager import ModelSpec

    try:
        with models.use(ModelSpec(name, version)) as servable:
            recipe = read_json(servable.folder / "model.json").get("recipe")
    except (ServingError, OSError, ValueError):  # unloaded meanwhile; or without a card
        return None
    data = recipe.get("data") if isinstance(recipe, dict) else None
    return data if isinstance(data, str) else None


@contextlib.contextmanager
def logged():
    """Show on stderr what is loaded and unloaded, until the block ends."""
    handler = logging.StreamHandler()
    handler.setFormatter(VisibleFormatter("fcn-serve: %(message)s"))
    logger = logging.getLogger(__package__.partition(".")[0])
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False  # or a library's handler at the root says it again
    try:
        yield
    finally:
        logger.propagate = propagate
        logger.removeHandler(handler)
