"""`fcn-label-studio`: a net that Label Studio asks for its first labels, as a machine-learning backend."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys

from fcn_keras_console import Parser, add_reporting, run
from fcn_keras_console.given import require_directory, require_range
from fcn_keras_console.listening import listening_socket

from ..scoring import scale_options

PORT = 9090  # where Label Studio's own backends listen
DESCRIPTION = """Label images for Label Studio: in a project's settings, under Model, connect the address that this
prints. Label Studio then asks for a prediction of each task that is opened, or of all that are retrieved, which people
correct.

The net draws with the tags of the labelling configuration that have labels of its classes' names: brushes
(BrushLabels) with exactly the net's labels, or polygons (PolygonLabels). The version that Label Studio shows is the
net's, and changes with its weights. Nothing is trained here.

Images are read from --local-files, the folder that Label Studio serves as local files, and nothing outside it;
otherwise from Label Studio's server at --url, with the token in the environment variable LABEL_STUDIO_API_KEY (a
personal access token or a legacy one), which no other host gets. Whoever reaches the port may ask: with BASIC_AUTH_USER
and BASIC_AUTH_PASS in the environment, requests have to bring both."""
EXAMPLES = (
    ("fcn-label-studio runs/road --local-files /data/photos", "images lie where both programs read them"),
    ("fcn-label-studio models/road.onnx --url http://localhost:8080", "images come from Label Studio"),
)
CODES = {0: "stopped by SIGTERM, SIGHUP or Ctrl-C"}


def main(argv=None):
    return run("fcn-label-studio", _command, build_parser().parse_args(argv))


def build_parser():
    parser = Parser("fcn-label-studio", DESCRIPTION, examples=EXAMPLES, codes=CODES)
    add = parser.add_argument
    add("model", help="a .keras file, a stage's folder or a workdir; or what fcn-export wrote")
    add("--local-files", metavar="DIR", help="Label Studio's LOCAL_FILES_DOCUMENT_ROOT, as this machine sees it")
    add("--url", type=_url, metavar="URL", help="Label Studio's server, which images are fetched from")
    add(
        "--image-host",
        action="append",
        default=[],
        metavar="HOST",
        help="a further host (name, or name:port) that images may be fetched from; may be repeated",
    )
    add("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 is every one (default: %(default)s)")
    add("--port", type=_port, default=PORT, help="0 takes a free one (default: %(default)s)")
    add("--head", metavar="NAME", help="which head labels, of a model with several")
    add("--background", metavar="NAME", help="the class that gets no shape (default: the one called background)")
    add(
        "--tolerance",
        type=float,
        default=1.0,
        metavar="PIXELS",
        help="how far a polygon's outline may be off, so that it has fewer points (default: %(default)s)",
    )
    scale_options.add_option(parser, "trained")
    add_reporting(parser, progress=False)
    return parser


def _command(arguments):
    require_range("--tolerance", arguments.tolerance, least=0, most=1000)
    if arguments.local_files is not None:
        require_directory(arguments.local_files, "--local-files", "Name the folder that Label Studio serves.")
    if arguments.local_files is None and arguments.url is None and not arguments.image_host:
        raise ValueError("Say where images are: --local-files DIR, --url URL of Label Studio, or both.")
    _require_packages()
    with contextlib.closing(listening_socket(arguments.host, arguments.port)) as listener:
        app = _application(arguments)
        port = listener.getsockname()[1]
        host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
        listener.listen()  # from now on whoever connects is answered, if not at once
        print(f"Label Studio may connect http://{host}:{port}", flush=True)
        asyncio.run(_serve(app, listener))


def _application(arguments):
    """Load the net, and make what answers."""
    from ..labelling.net import LabellingNet
    from .app import Backend, application
    from .images import Images

    given = {"head": arguments.head, "background": arguments.background, "scale": arguments.scale}
    net = LabellingNet(arguments.model, **given)
    token = os.environ.get("LABEL_STUDIO_API_KEY")
    images = Images(arguments.local_files, arguments.url, token, arguments.image_host)
    password = os.environ.get("BASIC_AUTH_USER"), os.environ.get("BASIC_AUTH_PASS")
    if any(password) != all(password):
        raise ValueError("BASIC_AUTH_USER and BASIC_AUTH_PASS go together. Set both, or neither.")
    if not all(password) and arguments.host not in ("127.0.0.1", "::1", "localhost"):
        print(
            f"fcn-label-studio: warning: --host {arguments.host} listens beyond this machine, and whoever reaches it "
            "may ask (BASIC_AUTH_USER and BASIC_AUTH_PASS).",
            file=sys.stderr,
        )
    return application(Backend(net, images, arguments.tolerance), password if all(password) else None)


async def _serve(app, listener):
    """Answer until a signal comes."""
    import uvicorn

    options = {"lifespan": "off", "ws": "none", "log_config": None, "log_level": "error", "access_log": False}
    server = uvicorn.Server(uvicorn.Config(app, http="h11", server_header=False, **options))
    server.capture_signals = contextlib.nullcontext  # they end this command, not only the server
    loop = asyncio.get_running_loop()
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # as nohup asks for
    for number in (signal.SIGTERM, signal.SIGINT, *([] if ignored else [signal.SIGHUP])):
        with contextlib.suppress(RuntimeError, ValueError):  # no main thread, as in a test
            loop.add_signal_handler(number, setattr, server, "should_exit", True)
    await server.serve([listener])


def _require_packages():
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ImportError('A backend needs Starlette and uvicorn: pip install "fcn_keras[label-studio]"') from error


def _url(text):
    if not text.startswith(("http://", "https://")) or not text.partition("://")[2].strip("/"):
        raise argparse.ArgumentTypeError(f"a URL such as http://localhost:8080 is expected. Received: {text}")
    return text


def _port(text):
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port from 0 to 65535 is expected. Received: {text}")
    return int(text)
