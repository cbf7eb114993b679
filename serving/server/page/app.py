"""The page at `/`: drop a photograph, see its classes."""

import re
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...errors import ServingError
from ..models.manager import ModelSpec

STATIC = Path(__file__).parent
FILES = {  # path: name in `STATIC`, media type
    "/": ("index.html", "text/html"),
    "/page/page.css": ("page.css", "text/css"),
    "/page/page.js": ("page.js", "text/javascript"),
    "/page/paint.js": ("paint.js", "text/javascript"),
    "/page/png.js": ("png.js", "text/javascript"),
    "/page/openapi.json": ("openapi.json", "application/json"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
PHOTOGRAPHS = ("image_bytes", "rgb_bytes")  # the inputs that the page shows
AROUND = 1024  # bytes of a request's JSON besides its files, at most
LARGEST_ASSET = 1 << 20  # bytes of class names or colours that are read
CONFIDENCE = "confidence_map_bytes"  # the output of an only head, and how those of several end
STRING = 7  # DT_STRING of tensorflow/core/framework/types.proto


def page(models, max_body=None):
    """Make the ASGI app of the page: `GET /`, and what it loads from `/page/`.

    It reads the whole path, so it is called as it is and not mounted below another. The page itself asks
    `/v1/models/...:predict`, which another app answers.

    Args:
        models: the served `ModelManager`.
        max_body: bytes of a request that the other app takes at most, or None for any.
    """

    def listing(_):  # not async: starlette runs it in a thread, as it reads files
        return JSONResponse(_list(models), headers=HEADERS)

    async def limits(_):
        return JSONResponse({"file_bytes": largest_file(max_body)}, headers=HEADERS)

    routes = [_file(path, *named) for path, named in FILES.items()]
    routes += [Route("/page/models", listing), Route("/page/limits", limits)]
    app = Starlette(routes=routes, exception_handlers={404: _refuse, 405: _refuse})
    app.router.redirect_slashes = False
    return app


def largest_file(max_body):
    """Return how many bytes of files a request of `max_body` bytes holds: they travel as base64, in JSON."""
    return None if max_body is None else max(0, max_body - AROUND) // 4 * 3


def _file(path, name, media_type):
    contents = (STATIC / name).read_bytes()

    async def answer(_):
        return Response(contents, media_type=media_type, headers=HEADERS)

    return Route(path, answer)


async def _refuse(_, error):
    return Response(error.detail, error.status_code, {**(error.headers or {}), **HEADERS}, "text/plain")


def _list(models):
    """List what is served and available; `versions` is empty where the page has no use for a model."""
    listed = []
    for name in sorted(models.names()):
        try:
            numbers = [status.version for status in models.status(name) if status.state == "AVAILABLE"]
        except ServingError:  # its first version is not there yet
            numbers = []
        versions = [_describe(models, name, number) for number in sorted(numbers, reverse=True)]
        listed.append({"name": name, "versions": [version for version in versions if version]})
    return listed


def _describe(models, name, number):
    """Describe a version, or return None where it is gone or answers no photographs."""
    try:
        with models.use(ModelSpec(name, number)) as servable:
            labels = _labels(servable.signature_defs)
            signature = servable.signature_defs.get("serving_default")
            if not labels or any(tensor.dtype != STRING for tensor in signature.inputs.values()):
                return None
            inputs = sorted(signature.inputs, key=lambda name: (name not in PHOTOGRAPHS, name))
            for label in labels:
                text = _asset(servable.folder, f"classes_{label['head']}.txt" if label["head"] else "classes.txt")
                label["classes"] = text.removesuffix("\n").split("\n") if text else []
                own = f"palette_{label['head']}.txt" if label["head"] else "palette.txt"
                label["palette"] = _palette(_asset(servable.folder, own) or _asset(servable.folder, "palette.txt"))
    except ServingError:  # unloaded meanwhile
        return None
    return {"version": number, "inputs": inputs, "labels": labels}


def _labels(signature_defs):
    """Name the heads: the outputs of `predict_tensors` tell label PNGs from coloured ones."""
    if not {"serving_default", "predict_tensors", "predict_scores"} <= set(signature_defs):
        return []
    labels = []
    for name in signature_defs["predict_tensors"].outputs:
        head = name.removesuffix("label").removesuffix("_")
        output = f"{head or 'label'}_png_bytes"
        scores = signature_defs["predict_scores"].outputs.get(f"{head}_scores".lstrip("_"))
        if output in signature_defs["serving_default"].outputs and scores:
            sizes = [dim.size for dim in scores.tensor_shape.dim]
            sure = f"{head}_{CONFIDENCE}".lstrip("_")
            more = {"confidence": sure} if sure in signature_defs["serving_default"].outputs else {}
            count = sizes[-1] if sizes and sizes[-1] > 0 else None
            labels.append({"head": head, "output": output, "count": count, **more})
    return sorted(labels, key=lambda label: label["head"])


def _asset(folder, name):
    """Read a text file that a version brings, "" where there is none. No name and no link leads out of the folder."""
    try:
        for path in Path(folder, "assets").iterdir():
            if path.name == name and path.is_file() and path.resolve().is_relative_to(Path(folder).resolve()):
                with path.open("rb") as file:
                    return file.read(LARGEST_ASSET).decode("utf-8", "replace")
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        pass
    return ""


def _palette(text):
    """Read `r g b` lines; what is none is left out, with all behind it."""
    colours = []
    for line in text.splitlines():
        if not re.fullmatch(r"\d{1,3} \d{1,3} \d{1,3}", line):
            break
        colours.append([min(255, int(value)) for value in line.split()])
    return colours
