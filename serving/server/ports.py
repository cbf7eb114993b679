"""The two ports of a server: who may connect, and what answers."""

import asyncio
import resource
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from typing import NamedTuple

from fcn_keras_console.listening import listening_socket

OWN_FILES = 200  # that a server has open besides its connections
SPARE_CALLS = 100  # of gRPC: those that ask for no network, and those that are being refused
BODIES = 4  # of the largest size, that REST holds at once; smaller ones are as many as fit


class Addresses(NamedTuple):
    """Where a server listens: `host:port` for gRPC, `http://host:port` (or https) for REST and the page."""

    grpc: str
    rest: str


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
    from .rest.connections import Listener

    return listening_socket(host, port, Listener)


async def serve(service, listener, options, monitoring, ready, stop, *, tls=None):
    """Answer REST and gRPC until `stop` is set; then refuse what comes and finish what runs.

    Args:
        service: `Service`.
        listener: REST's socket.
        options: `Options`.
        monitoring: `settings.Monitoring` or None.
        ready: is called with the `Addresses` once both answer.
        stop: `asyncio.Event`.
        tls: `SSLConfig` message, for both ports; or None.
    """
    from .rest.connections import ConnectionLimits
    from .rpc import services as rpc

    host = f"[{options.host}]" if ":" in options.host else options.host
    limits = ConnectionLimits(max_connections=max_connections(options), patience=options.client_timeout_seconds)
    listener.limits = limits
    rest = _rest(service, options, monitoring, limits, tls)
    remote, port = await rpc.start(
        service,
        f"{host}:{options.port}",
        max_message_bytes=options.max_request_bytes,
        max_connections=limits.max_connections,
        patience=limits.patience,
        most_calls=options.threads + options.max_queued_requests + SPARE_CALLS,
        most_unread=BODIES * options.max_request_bytes,
        token=options.token,
        tls=tls,
    )
    answering = asyncio.create_task(rest.serve([listener]))
    stopping = asyncio.create_task(stop.wait())
    rest_port = listener.getsockname()[1]
    try:
        while not rest.started and not answering.done():
            await asyncio.sleep(0.01)
        if rest.started:
            ready(Addresses(f"{host}:{port}", f"{'https' if tls else 'http'}://{host}:{rest_port}"))
        await asyncio.wait([answering, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        rest.should_exit = True
        await asyncio.gather(answering, remote.stop(options.grace_period_seconds))


def max_connections(options):
    """Take as many connections at each port as the process may have open, up to the option."""
    # REST's connections, those in TLS's handshake, and gRPC's; and the process's own files.
    allowed = (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OWN_FILES) // 3
    return max(1, min(options.max_connections, allowed))


def _rest(service, options, monitoring, limits, tls):
    """Make the HTTP server of REST, metrics and the page."""
    import uvicorn

    from .page.app import FILES, page
    from .rest.app import application
    from .rest.connections import AT_ONCE, Connection, reporting

    app = application(
        service,
        timeout=options.rest_api_timeout_in_ms / 1000,
        max_body=options.max_request_bytes,
        metrics_path=monitoring.path if monitoring and monitoring.enabled else None,
        page=page(service.models, options.max_request_bytes),
        open_paths=FILES,
        token=options.token,
        most_bytes=BODIES * options.max_request_bytes,
    )
    config = uvicorn.Config(
        reporting(app),
        http="h11",
        backlog=AT_ONCE,
        timeout_graceful_shutdown=options.grace_period_seconds,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
    )
    config.load()
    config.http_protocol_class = partial(Connection, limits=limits, http=config.http_protocol_class)
    if tls:
        from .security import rest_tls

        config.ssl = rest_tls(tls)
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # signals are the command's, which has two servers to stop
    return server
