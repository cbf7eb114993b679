"""The addresses that Label Studio asks of a machine-learning backend: /health, /setup, /predict and the rest."""

import base64
import hmac
import json
import logging
import threading

from fcn_keras_console.printing import in_one_line

from .configuration import Configuration
from .predictions import prediction

LOG = logging.getLogger("fcn_keras_console")  # whose notices every command prints
_MOST = 1 << 26  # bytes of a request


class Backend:
    """What is answered, without HTTP.

    Args:
        net: `LabellingNet`.
        images: `images.Images`.
        tolerance: of polygons, in pixels.
    """

    def __init__(self, net, images, tolerance):
        self._net, self._images, self._tolerance = net, images, tolerance
        self._alone = threading.Lock()

    def health(self):
        """Say that the net is ready."""
        return {"status": "UP", "model_class": "fcn-label-studio", "model_version": self._net.version}

    def setup(self, request):
        """Answer for a project that was connected; the token and host that come with it are not kept."""
        try:
            self._tags(request.get("schema"))
        except ValueError as error:  # the project may get its labels later
            LOG.warning("%s", error)
        return {"model_version": self._net.version}

    def versions(self, _):
        """List the versions of the net: one."""
        return {"versions": [self._net.version]}

    def predict(self, request):
        """Label the images of tasks.

        Raises:
            ValueError: if one cannot be read, or the configuration has no label of the net's classes.
        """
        tasks = request.get("tasks")
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise ValueError("Expected a list of tasks.")
        configuration, tags = self._tags(request.get("label_config"))
        results = []
        for task in tasks:
            address = configuration.image_of(task)
            pixels = self._images.read(address, task.get("id"))
            with self._alone:
                labels = self._net.labels(pixels, address)
            results.append(prediction(self._net, labels, tags, tolerance=self._tolerance))
            LOG.info("task %s: %d shapes", task.get("id"), len(results[-1]["result"]))
        return {"results": results, "model_version": self._net.version}

    def _tags(self, text):
        if not isinstance(text, str):
            raise ValueError("Expected the labelling configuration as text.")
        configuration = Configuration(text)
        return configuration, configuration.tags_for([self._net.names[index] for index in self._net.shown])


def application(backend, password=None):
    """Make the ASGI application.

    Args:
        backend: `Backend`.
        password: `(user, password)` that every request has to bring as basic authentication, or None.

    Returns:
        Starlette's application.
    """
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def health(request):
        return JSONResponse(backend.health())

    async def nothing(request):
        return JSONResponse({})

    def answering(answer):
        async def endpoint(request):
            try:
                body = await _body(request)
                return JSONResponse(await run_in_threadpool(answer, body))
            except ValueError as error:
                said = in_one_line(str(error))  # halves of characters are no UTF-8
                LOG.warning("%s: %s", request.url.path, said)
                return JSONResponse({"error": said}, 400)

        return endpoint

    routes = [Route(path, health, methods=["GET"]) for path in ("/", "/health")]
    routes += [Route("/metrics", nothing, methods=["GET"]), Route("/webhook", nothing, methods=["POST"])]
    answers = {"/setup": backend.setup, "/predict": backend.predict, "/versions": backend.versions}
    routes += [Route(path, answering(answer), methods=["POST"]) for path, answer in answers.items()]
    app = Starlette(routes=routes)
    return app if password is None else _guarded(app, ":".join(password).encode())


async def _body(request):
    """Return what a request's JSON holds, of an allowed size."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _MOST:
            raise ValueError(f"A request has at most {_MOST >> 20} MiB.")
        parts.append(part)
    try:
        body = json.loads(b"".join(parts))
    except RecursionError:
        raise ValueError("A request's lists or objects are nested too deeply.") from None
    if not isinstance(body, dict):
        raise ValueError("Expected a JSON object.")
    return body


def _guarded(app, expected):
    """Let in who brings user and password, as basic authentication has them."""
    from starlette.responses import JSONResponse

    wanted = b"Basic " + base64.b64encode(expected)

    async def guarded(scope, receive, send):
        given = dict(scope["headers"]).get(b"authorization", b"")
        if hmac.compare_digest(given, wanted):
            await app(scope, receive, send)
        else:
            refused = JSONResponse({"error": "user and password are needed"}, 401, {"WWW-Authenticate": "Basic"})
            await refused(scope, receive, send)

    return guarded
