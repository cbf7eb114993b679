"""Serve exported networks on this machine as TensorFlow Serving does: `fcn-serve --model_base_path DIRECTORY`.

In a test or a notebook, `with running({"fcn": DIRECTORY}) as addresses:` serves from the same process.
"""

import argparse
import asyncio
import contextlib
import functools
import logging
import os
import resource
import signal
import time

from fcn_keras_console import Parser, run
from fcn_keras_console.given import require_file

from .base_path import checked_base_path, name_of, require_versions
from .in_process import Options, check_packages, loaded, model, read_access, running
from .notices import announce, logged, report, warn_of_access
from .ports import bound, serve

__all__ = ["Options", "main", "running"]

PURPOSE = """\
Serve exported networks with TensorFlow Serving's own REST and gRPC, metrics, and a page for photographs.

For development, tests, notebooks and small installations: one Python process, without a container. Production
traffic belongs on TensorFlow Serving, which reads the same folders and answers the same requests.

Options that TensorFlow Serving has bear its names. A switch also takes a value: --batching=false."""
EXAMPLES = (("fcn-serve --model_base_path models/fcn", "serves it as fcn"),)
CODES = {0: "stopped by SIGTERM, SIGHUP or Ctrl-C", 130: "stopped by Ctrl-C before anything was served"}
_FILES = {
    "model_config_file": "a text proto of models",
    "ssl_config_file": "a text proto of key and certificate",
    "token_file": "a file that holds the token",
    "batching_parameters_file": "a text proto of sizes and waits",
    "monitoring_config_file": "a text proto that switches metrics on",
}
LOG = logging.getLogger(__name__)


def main(argv=None):
    """Run `fcn-serve` and return its exit code: 0 after SIGTERM, SIGHUP or SIGINT, or 2 with one line on stderr."""
    return run("fcn-serve", _command, build_parser().parse_args(argv))


def _command(arguments):
    started = time.monotonic()
    _check(arguments)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # the command itself reports what goes wrong, in one line
    options = Options(**{name: getattr(arguments, name) for name in Options._fields if name != "token"})
    early = [number for number in _ending() if number != signal.SIGINT]
    before = {number: signal.signal(number, _end_early) for number in early}
    try:
        with bound(options) as listener:
            report("Starting TensorFlow")
            check_packages()
            options = options._replace(token=_token(arguments))
            tls = read_access(options)
            warn_of_access(options, tls)
            _more_files()
            _serve(arguments, options, listener, tls, started)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ending():
    """List the signals that end the server; not SIGHUP where it is ignored, as `nohup` asks for."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [signal.SIGTERM, signal.SIGINT, *([] if ignored else [signal.SIGHUP])]


def _end_early(number, _):
    """End while models are still being loaded, which nothing can stop."""
    report(f"{signal.Signals(number).name} came while models were loading; nothing was served yet.")
    os._exit(0)


def _token(arguments):
    from .security import read_token

    return read_token(arguments.token_file)


def _more_files():
    """Allow as many open files as the system lets this process have: each connection is one."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # macOS says infinity, and takes less
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def build_parser():
    parser = Parser("fcn-serve", PURPOSE, examples=EXAMPLES, codes=CODES, allow_abbrev=False)
    parser.bare = "--model_base_path"
    add, defaults = parser.add_argument, Options()

    def switch(*names, text, default=False):
        add(*names, nargs="?", const=True, default=default, type=_boolean, metavar="BOOL", help=text)

    add("--model_base_path", metavar="DIR", help="the folder that holds a model's versions: DIR/1, DIR/2")
    name = "its name in requests (default: that of its folder; TensorFlow Serving says default)"
    add("--model_name", metavar="NAME", help=name)
    add("--model_config_file", metavar="FILE", help="text proto of several models, labels and versions, instead")
    poll = "pause between two looks into that file (default: it is read once)"
    add("--model_config_file_poll_wait_seconds", type=_seconds, default=0, metavar="SECONDS", help=poll)
    add("--host", default=defaults.host, help="address to listen on; 0.0.0.0 is every one (default: %(default)s)")
    add("--port", type=_port, default=defaults.port, help="gRPC; 0 takes a free one (default: %(default)s)")
    add("--rest_api_port", type=_port, default=defaults.rest_api_port, help="REST and page (default: %(default)s)")
    _add_numbers(add, defaults)
    add("--ssl_config_file", metavar="FILE", help="text proto of key and certificate: TLS for both ports")
    token = "what every request has to bring, in a file (or in the environment variable FCN_TOKEN): Bearer TOKEN"
    add("--token_file", metavar="FILE", help=token)
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
            "pause between two looks for new versions; 0 looks once. Given, the first version is waited for so long",
        ),
        ("threads", _whole, "N", "how many requests run in TensorFlow at once"),
        ("max_queued_requests", _whole, "N", "how many wait besides; more answer 429 or RESOURCE_EXHAUSTED"),
        ("max_request_bytes", _whole, "BYTES", "largest request, and what its tensors may take unpacked"),
        ("max_request_pixels", _whole, "N", "of all images that a request sends as tensors; models limit files"),
        ("max_connections", _whole, "N", "clients at each port; REST leaves the longest idle for a new one"),
        ("client_timeout_seconds", _patience, "SECONDS", "in which headers come, bodies go on, answers are fetched"),
        ("grace_period_seconds", _seconds, "SECONDS", "what runs may take to end after a signal"),
    ]:
        default = getattr(defaults, name)
        known = None if name == "file_system_poll_wait_seconds" else default  # whether it was given tells more
        add(f"--{name}", type=kind, default=known, metavar=unit, help=f"{text} (default: {default})")


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


def _patience(text):
    value = _seconds(text)
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"a number of seconds from 0.1 to 3600 is expected. Received: {text}")
    return value


def _check(arguments):
    if not arguments.model_base_path and not arguments.model_config_file:
        raise ValueError("Say what to serve: --model_base_path DIR, or --model_config_file FILE.")
    if arguments.batching_parameters_file and not arguments.batching:
        raise ValueError("--batching_parameters_file is set without --batching.")
    if arguments.enable_per_model_batching_parameters and not arguments.batching:
        raise ValueError("--enable_per_model_batching_parameters is set without --batching.")
    arguments.named_by_folder = not (arguments.model_config_file or arguments.model_name)
    for name, kind in _FILES.items():
        if getattr(arguments, name):
            require_file(getattr(arguments, name), f"--{name}", f"Name {kind}.")
    if not arguments.model_config_file:
        checked_base_path(arguments.model_base_path)
        require_versions(arguments.model_base_path, arguments.file_system_poll_wait_seconds or 0)
        if arguments.named_by_folder:
            arguments.model_name = name_of(arguments.model_base_path)
    if arguments.file_system_poll_wait_seconds is None:
        arguments.file_system_poll_wait_seconds = Options().file_system_poll_wait_seconds


def _serve(arguments, options, listener, tls, started):
    """Read the files, load the models, and serve until a signal comes; `started` is when the command was."""
    from . import settings

    path, file = arguments.model_config_file, arguments.batching_parameters_file
    models = settings.read_models(path) if path else [model(arguments.model_name, arguments.model_base_path)]
    batching = None
    if arguments.batching:
        batching = settings.read_batching(file) if file else settings.Batching()
    monitoring = (
        settings.read_monitoring(arguments.monitoring_config_file) if arguments.monitoring_config_file else None
    )
    with logged(), loaded(models, options, batching, path) as service:
        if arguments.named_by_folder:
            LOG.info(
                "%s is called %s, as its folder; TensorFlow Serving says default without --model_name.",
                arguments.model_base_path,
                arguments.model_name,
            )
        ready = functools.partial(announce, service.models, started)
        asyncio.run(_until_signal(service, listener, options, monitoring, arguments, tls, ready))


async def _until_signal(service, listener, options, monitoring, arguments, tls, ready):
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def end(number):
        if number == signal.SIGHUP:  # it comes twice when a terminal goes, from the system and from the shell
            numbers = [number]
        else:  # a second one ends the process at once
            numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
        for number in numbers:
            loop.remove_signal_handler(number)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        stop.set()

    for number in _ending():
        loop.add_signal_handler(number, end, number)
    tasks = []
    if arguments.model_config_file and arguments.model_config_file_poll_wait_seconds:
        seconds = arguments.model_config_file_poll_wait_seconds
        tasks.append(asyncio.create_task(_follow(service.models, arguments.model_config_file, seconds)))
    await serve(service, listener, options, monitoring, ready, stop, tls=tls)
    for task in tasks:
        task.cancel()


async def _follow(models, path, seconds):
    """Read the config of models again and again, and serve what it says."""
    last = None
    while True:
        await asyncio.sleep(seconds)
        error = await asyncio.to_thread(_reload, models, path)
        if error and error != last:
            LOG.warning("%s is not followed: %s", path, error)
        last = error


def _reload(models, path):
    """Return what is wrong, or None."""
    from ..errors import ServingError
    from .settings import read_models

    try:
        models.reload(read_models(path))
    except (ValueError, OSError, ServingError) as error:
        return str(error)
    return None
