"""A whole server in one process: models, REST, the page and gRPC on one asyncio loop."""

import asyncio
import gc
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from typing import NamedTuple

from fcn_keras_console import start_tensorflow

from .base_path import checked_base_path
from .ports import BODIES, bound, serve

FREEZING = []  # an item for each block of `frozen_objects` under way


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
    max_request_bytes: int = 64 * 2**20
    max_request_pixels: int = 16_000_000
    max_connections: int = 1000
    client_timeout_seconds: float = 20.0
    grace_period_seconds: float = 30.0
    ssl_config_file: str | None = None
    token: str | None = None


@contextmanager
def running(models, *, batching=None, monitoring=None, **options):
    """Serve from threads of this process until the block ends; for tests and notebooks.

    In a notebook, `stack = contextlib.ExitStack()` and `addresses = stack.enter_context(running(...))` serve until
    another cell calls `stack.close()`.

    Args:
        models: mapping name -> the folder that holds its versions, or a list of `settings.ModelConfig`.
        batching: `settings.Batching`, to merge concurrent requests.
        monitoring: `settings.Monitoring`, to serve metrics.
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
    tls = read_access(options)
    if isinstance(models, Mapping):
        models = [model(name, path) for name, path in models.items()]
    with bound(options) as listener, loaded(models, options, batching) as service, ExitStack() as stack:
        started = Future()

        async def main():
            loop, stop = asyncio.get_running_loop(), asyncio.Event()

            def ready(addresses):
                started.set_result((addresses, lambda: loop.call_soon_threadsafe(stop.set)))

            await serve(service, listener, options, monitoring, ready, stop, tls=tls)

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
        import h11  # noqa: F401
        import orjson  # noqa: F401
        import prometheus_client  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        message = f'The server needs {error.name}. Install it with: pip install "fcn_keras[serve]"'
        raise ImportError(message) from None


def read_access(options):
    """Check who may connect and ask, before models are loaded for minutes.

    Returns:
        `SSLConfig` message, or None for connections that anybody on the way can read.

    Raises:
        ValueError: on a token or a file that is none.
        OSError: if the file cannot be read.
    """
    from .security import check_token, read_tls

    if options.token is not None:
        check_token(options.token, "`token`")
    return read_tls(options.ssl_config_file) if options.ssl_config_file else None


def model(name, base_path):
    """Make a `settings.ModelConfig` of a model that is served from its latest version.

    Raises:
        OSError: if there is no such folder.
    """
    base_path = checked_base_path(base_path)
    from .settings import ModelConfig

    return ModelConfig(name, str(base_path))


@contextmanager
def loaded(models, options, batching, config_file=None):
    """Load models; finish and unload them in the end.

    Args:
        models: list of `settings.ModelConfig`.
        options: `Options`.
        batching: `settings.Batching` or None.
        config_file: where else the operator names folders.

    Returns:
        context manager of a `Service`.

    Raises:
        ValueError: if there are versions and none of them can be loaded.
    """
    from .metrics import Metrics
    from .models.batching import Batcher
    from .models.manager import ModelManager
    from .models.service import Service
    from .models.worker_pool import WorkerPool

    served = ModelManager(
        models,
        poll_seconds=options.file_system_poll_wait_seconds or None,  # 0: no second look, as in TF Serving
        allow_labels_of_unavailable=options.allow_version_labels_for_unavailable_models,
        warm_up=options.enable_model_warmup,
    )
    metrics = Metrics(served.probed)
    pool = WorkerPool(threads=options.threads, queue_size=options.max_queued_requests)
    per_model = options.enable_per_model_batching_parameters
    batcher = Batcher(pool, batching, per_model=per_model, run=metrics.run) if batching else None
    # In the end the models go first: who still waits then has been sent away, and what he asked for need not run.
    with closing(pool), closing(batcher) if batcher else nullcontext(), closing(served), frozen_objects():
        _start(served)
        yield Service(
            served,
            pool,
            batcher=batcher,
            metrics=metrics,
            base_paths=lambda: _base_paths(models, config_file),
            max_pixels=options.max_request_pixels,
            max_answer=BODIES * options.max_request_bytes,
        )


@contextmanager
def frozen_objects():
    """Leave the objects that are there out of garbage collections, until the last of such blocks ends.

    Python looks through TensorFlow's hundreds of thousands of objects again and again, whenever a version goes or a
    large JSON text is read: 0.3 s each time. They stay for good.
    """
    FREEZING.append(None)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        FREEZING.pop()
        if not FREEZING:
            gc.unfreeze()


def _base_paths(models, config_file):
    """List the folders of the first models, and of those that the file has now."""
    from .settings import read_models

    with suppress(ValueError, OSError):  # a file that is being written: those of the start remain
        models = [*models, *(read_models(config_file) if config_file else ())]
    return {model.base_path for model in models}


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
