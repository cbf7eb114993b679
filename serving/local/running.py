"""A whole server in one process: models, REST, the page and gRPC on one asyncio loop."""

import asyncio
import gc
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from ..command import start_tensorflow


class Options(NamedTuple):
    """How to serve; named as the options of `fcn-serve`, whose `--help` explains them."""

    host: str = "127.0.0.1"
    port: int = 8500
    rest_api_port: int = 8501
    rest_api_timeout_in_ms: int = 30_000
    file_system_poll_wait_seconds: float = 1.0
    allow_version_labels_for_unavailable_models: bool = False
    enable_per_model_batching_parameters: bool = False
    enable_model_warmup: bool = True
    threads: int = 2
    max_queued_requests: int = 100
    max_request_bytes: int = 256 * 2**20
    grace_period_seconds: float = 30.0


class Addresses(NamedTuple):
    """Where a server listens: `host:port` for gRPC, `http://host:port` for REST and the page."""

    grpc: str
    rest: str


@contextmanager
def running(models, *, batching=None, monitoring=None, **options):
    """Serve from threads of this process until the block ends; for tests and notebooks.

    In a notebook, `stack = contextlib.ExitStack()` and `addresses = stack.enter_context(running(...))` serve until
    another cell calls `stack.close()`.

    Args:
        models: mapping name -> the folder that holds its versions, or a list of `config.ModelConfig`.
        batching: `config.Batching`, to merge concurrent requests.
        monitoring: `config.Monitoring`, to serve metrics.
        options: fields of `Options`; the ports are free ones unless given.

    Returns:
        context manager of `Addresses`; the versions that were there have been loaded.

    Raises:
        ImportError: if a package of the extra `serve` is missing.
        OSError: if a port is taken or a folder is missing.
        ValueError: if there are versions and none of them can be loaded.
    """
    check_packages()
    options = Options(**{"port": 0, "rest_api_port": 0, **options})
    if isinstance(models, Mapping):
        models = [model(name, path) for name, path in models.items()]
    with bound(options) as listener, loaded(models, options, batching) as service, ExitStack() as stack:
        started = Future()

        async def main():
            loop, stop = asyncio.get_running_loop(), asyncio.Event()

            def ready(addresses):
                started.set_result((addresses, lambda: loop.call_soon_threadsafe(stop.set)))

            await serve(service, listener, options, monitoring, ready, stop)

        def run():
            try:
                asyncio.run(main())
            except BaseException as error:
                if started.done():
                    raise
                started.set_exception(error)

        thread = threading.Thread(target=run, name="fcn-serve")
        thread.start()
        stack.callback(thread.join)
        addresses, stop = started.result()
        stack.callback(stop)
        yield addresses


def check_packages():
    """Import what the server needs besides TensorFlow.

    Raises:
        ImportError: with the command that installs it.
    """
    start_tensorflow()  # quietly, as some of them import it
    try:
        import grpc  # noqa: F401
        import prometheus_client  # noqa: F401
        import starlette  # noqa: F401
        import tensorflow_serving.apis  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        message = f'The server needs {error.name}. Install it with: pip install "fcn_keras[serve]"'
        raise ImportError(message) from None


def model(name, base_path):
    """Make a `config.ModelConfig` of a model that is served from its latest version.

    Raises:
        OSError: if there is no such folder.
    """
    from .config import ModelConfig

    base_path = Path(base_path).absolute()
    if not base_path.is_dir():
        raise FileNotFoundError(
            f"{base_path} is not a folder. It holds a model's versions: {base_path / '1'} and so on."
        )
    if (base_path / "saved_model.pb").exists():
        raise NotADirectoryError(
            f"{base_path} is one version of a model. Give the folder around it: {base_path.parent}"
        )
    return ModelConfig(name, str(base_path))


@contextmanager
def bound(options):
    """Take REST's port and try gRPC's, before models are loaded for minutes.

    Returns:
        context manager of a socket that does not listen yet, so that whoever connects is refused.

    Raises:
        OSError: if a port is taken, or the host is not this machine's.
    """
    if options.port:
        _bind(options.host, options.port).close()
    with closing(_bind(options.host, options.rest_api_port)) as listener:
        if listener.getsockname()[1] == options.port:
            raise OSError(f"--port and --rest_api_port are two ports. Received: {options.port} for both.")
        yield listener


def _bind(host, port):
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise OSError(f"{host}:{port} cannot be listened on: {error.strerror}. Choose another port or host.") from None
    return listener


@contextmanager
def loaded(models, options, batching):
    """Load models; finish and unload them in the end.

    Returns:
        context manager of a `Service`.

    Raises:
        ValueError: if there are versions and none of them can be loaded.
    """
    from .batching import Batcher
    from .metrics import Metrics
    from .models import Models
    from .runner import Runner
    from .service import Service

    served = Models(
        models,
        poll_seconds=options.file_system_poll_wait_seconds or None,  # 0: no second look, as in TF Serving
        allow_labels_of_unavailable=options.allow_version_labels_for_unavailable_models,
        warm_up=options.enable_model_warmup,
    )
    metrics = Metrics()
    runner = Runner(threads=options.threads, queue_size=options.max_queued_requests)
    per_model = options.enable_per_model_batching_parameters
    batcher = Batcher(runner, batching, per_model=per_model, run=metrics.run) if batching else None
    # In the end the models go first: who still waits then has been sent away, and what he asked for need not run.
    with closing(runner), closing(batcher) if batcher else nullcontext(), closing(served):
        # Python looks through TensorFlow's hundreds of thousands of objects again and again, whenever a version goes or
        # a large JSON text is read: 0.3 s each time. They stay for good, so it may leave them out.
        gc.collect()
        gc.freeze()
        try:
            _start(served)
            yield Service(served, runner, batcher=batcher, metrics=metrics)
        finally:
            gc.unfreeze()


def _start(models):
    """Load what is there; raise if nothing that is there can be loaded."""
    from ..errors import ServingError

    try:
        models.start()
    except ServingError as error:  # labels, or a name given twice
        raise ValueError(error.message) from None
    failures = []
    for name in models.names():
        try:
            statuses = models.status(name)
        except ServingError:  # no version is there yet: it will be loaded when it comes
            continue
        if any(status.state == "AVAILABLE" for status in statuses):
            return
        failures += [f"{name} version {status.version}: {status.code}: {status.message}" for status in statuses]
    if failures:
        raise ValueError(f"No version could be loaded. {' '.join(failures)}")


async def serve(service, listener, options, monitoring, ready, stop):
    """Answer REST and gRPC until `stop` is set; then refuse what comes and finish what runs.

    Args:
        service: `Service`.
        listener: REST's socket.
        options: `Options`.
        monitoring: `config.Monitoring` or None.
        ready: is called with the `Addresses` once both answer.
        stop: `asyncio.Event`.
    """
    from . import rpc

    host = f"[{options.host}]" if ":" in options.host else options.host
    rest = _rest(service, options, monitoring)
    remote, port = await rpc.start(service, f"{host}:{options.port}", max_message_bytes=options.max_request_bytes)
    answering = asyncio.create_task(rest.serve([listener]))
    stopping = asyncio.create_task(stop.wait())
    rest_port = listener.getsockname()[1]
    try:
        while not rest.started and not answering.done():
            await asyncio.sleep(0.01)
        if rest.started:
            ready(Addresses(f"{host}:{port}", f"http://{host}:{rest_port}"))
        await asyncio.wait([answering, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        rest.should_exit = True
        await asyncio.gather(answering, remote.stop(options.grace_period_seconds))


def _rest(service, options, monitoring):
    """Make the HTTP server of REST, metrics and the page."""
    import uvicorn

    from .page import page
    from .rest import application

    app = application(
        service,
        timeout=options.rest_api_timeout_in_ms / 1000,
        max_body=options.max_request_bytes,
        metrics_path=monitoring.path if monitoring and monitoring.enabled else None,
        page=page(service.models),
    )
    config = uvicorn.Config(
        app,
        timeout_graceful_shutdown=options.grace_period_seconds,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # signals are the command's, which has two servers to stop
    return server
