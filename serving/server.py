"""Serve exported networks on this machine as TensorFlow Serving does: `fcn-serve --model_base_path DIRECTORY`.

In a test or a notebook, `with running({"fcn": DIRECTORY}) as addresses:` serves from the same process.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys

from .command import run
from .local.running import Options, bound, check_packages, loaded, model, running, serve

__all__ = ["Options", "main", "running"]

PURPOSE = """\
Serve exported networks with TensorFlow Serving's own REST and gRPC, metrics, and a page for photographs.

For development, tests, notebooks and small installations: one Python process, without a container. Production
traffic belongs on TensorFlow Serving, which reads the same folders and answers the same requests."""
LOG = logging.getLogger(__name__)


def main(argv=None):
    """Run `fcn-serve` and return its exit code: 0 after SIGTERM or SIGINT, or 2 with one line on stderr."""
    return run("fcn-serve", _command, _parser().parse_args(argv))


def _command(arguments):
    _check(arguments)
    options = Options(**{name: getattr(arguments, name) for name in Options._fields})
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what goes wrong is said here, in one line
    with bound(options) as listener:
        check_packages()
        _serve(arguments, options, listener)


def _parser():
    parser = argparse.ArgumentParser(
        prog="fcn-serve",
        description=PURPOSE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Options that TensorFlow Serving has bear its names. A switch also takes a value: --batching=false.",
        allow_abbrev=False,
    )
    add, defaults = parser.add_argument, Options()

    def switch(*names, text, default=False):
        add(*names, nargs="?", const=True, default=default, type=_boolean, metavar="BOOL", help=text)

    add("--model_base_path", metavar="DIR", help="the folder that holds a model's versions: DIR/1, DIR/2")
    add("--model_name", default="default", help="its name in requests (default: %(default)s)")
    add("--model_config_file", metavar="FILE", help="text proto of several models, labels and versions, instead")
    poll = "pause between two looks into that file (default: it is read once)"
    add("--model_config_file_poll_wait_seconds", type=_seconds, default=0, metavar="SECONDS", help=poll)
    add("--host", default=defaults.host, help="address to listen on; 0.0.0.0 is every one (default: %(default)s)")
    add("--port", type=_port, default=defaults.port, help="gRPC; 0 takes a free one (default: %(default)s)")
    add("--rest_api_port", type=_port, default=defaults.rest_api_port, help="REST and page (default: %(default)s)")
    _add_numbers(add, defaults)
    switch("--batching", "--enable_batching", text="merge requests that come at about the same time")
    add("--batching_parameters_file", metavar="FILE", help="text proto of sizes and waits for that")
    switch("--enable_per_model_batching_parameters", text="read them from each version's batching_params.pbtxt")
    add("--monitoring_config_file", metavar="FILE", help="text proto that switches metrics on")
    switch(
        "--enable_model_warmup", text="run a version's warm-up requests before it answers (default: true)", default=True
    )
    switch("--allow_version_labels_for_unavailable_models", text="let labels point to versions not loaded yet")
    return parser


def _add_numbers(add, defaults):
    for name, kind, unit, text in [
        ("rest_api_timeout_in_ms", _whole, "MS", "how long a REST answer may take"),
        (
            "file_system_poll_wait_seconds",
            _seconds,
            "SECONDS",
            "pause between two looks for new versions; 0 looks once",
        ),
        ("threads", _whole, "N", "how many requests run in TensorFlow at once"),
        ("max_queued_requests", _whole, "N", "how many wait besides; more answer 429 or RESOURCE_EXHAUSTED"),
        ("max_request_bytes", _whole, "BYTES", "largest request, and what its tensors may take unpacked"),
        ("grace_period_seconds", _seconds, "SECONDS", "what runs may take to end after SIGTERM"),
    ]:
        add(
            f"--{name}", type=kind, default=getattr(defaults, name), metavar=unit, help=f"{text} (default: %(default)s)"
        )


def _boolean(text):
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"true or false is expected. Received: {text}")
    return values[text.lower()]


def _whole(text):
    if not text.isdecimal() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to 2147483647 is expected. Received: {text}")
    return int(text)


def _port(text):
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port from 0 to 65535 is expected. Received: {text}")
    return int(text)


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"a number of seconds from 0 up is expected. Received: {text}")
    return value


def _check(arguments):
    if not arguments.model_base_path and not arguments.model_config_file:
        raise ValueError("Say what to serve: --model_base_path DIR, or --model_config_file FILE.")
    if arguments.batching_parameters_file and not arguments.batching:
        raise ValueError("--batching_parameters_file is set without --batching.")
    if arguments.enable_per_model_batching_parameters and not arguments.batching:
        raise ValueError("--enable_per_model_batching_parameters is set without --batching.")


def _serve(arguments, options, listener):
    """Read the files, load the models, and serve until a signal comes."""
    from .local import config

    _log()
    path, file = arguments.model_config_file, arguments.batching_parameters_file
    models = config.read_models(path) if path else [model(arguments.model_name, arguments.model_base_path)]
    batching = None
    if arguments.batching:
        batching = config.read_batching(file) if file else config.Batching()
    monitoring = config.read_monitoring(arguments.monitoring_config_file) if arguments.monitoring_config_file else None
    with loaded(models, options, batching) as service:
        asyncio.run(_until_signal(service, listener, options, monitoring, arguments))


async def _until_signal(service, listener, options, monitoring, arguments):
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def end():
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)  # a second one ends the process at once
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    tasks = []
    if arguments.model_config_file and arguments.model_config_file_poll_wait_seconds:
        seconds = arguments.model_config_file_poll_wait_seconds
        tasks.append(asyncio.create_task(_follow(service.models, arguments.model_config_file, seconds)))
    await serve(service, listener, options, monitoring, _announce, stop)
    for task in tasks:
        task.cancel()


def _announce(addresses):
    print(f"Running gRPC ModelServer at {addresses.grpc} ...", flush=True)
    print(f"Exporting HTTP/REST API at:{addresses.rest.removeprefix('http://')} ...", flush=True)


async def _follow(models, path, seconds):
    """Read the config of models again and again, and serve what it says."""
    said = None
    while True:
        await asyncio.sleep(seconds)
        error = await asyncio.to_thread(_reload, models, path)
        if error and error != said:
            LOG.warning("%s is not followed: %s", path, error)
        said = error


def _reload(models, path):
    """Return what is wrong, or None."""
    from .errors import ServingError
    from .local.config import read_models

    try:
        models.reload(read_models(path))
    except (ValueError, OSError, ServingError) as error:
        return str(error)
    return None


def _log():
    """Tell on stderr what is loaded and unloaded."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("fcn-serve: %(message)s"))
    logger = logging.getLogger(__package__)
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)


if __name__ == "__main__":
    sys.exit(main())
