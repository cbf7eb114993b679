"""The page's ASGI app: what it serves, what it lists, what it refuses."""

import asyncio
import base64
import json
import os
import re
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("starlette", reason='needs starlette: pip install "fcn_keras[serve]"')

from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from fcn_keras.color_scale import colors_of_scale
from serving.errors import ServingError
from serving.server.page.app import FILES, STATIC, _asset, page


def signature(inputs, outputs, dtype=types_pb2.DT_STRING):
    made = SignatureDef()
    for name in inputs:
        made.inputs[name].dtype = dtype
    for name, classes in outputs.items():
        shape = made.outputs[name].tensor_shape
        for size in (-1, -1, -1, classes) if classes else ():
            shape.dim.add(size=size)
    return made


def network(inputs=("image_bytes",), heads=(("", 3),), extra=()):
    pngs = dict.fromkeys([*(f"{head or 'label'}_png_bytes" for head, _ in heads), "height", "width", *extra], 1)
    labels = {f"{head}_label".lstrip("_"): 1 for head, _ in heads}
    scores = {f"{head}_scores".lstrip("_"): count for head, count in heads}
    return {
        "serving_default": signature(inputs, pngs),
        "predict_tensors": signature(["image"], labels),
        "predict_scores": signature(["image"], scores),
    }


class FakeModels:
    """What the page asks of `ModelManager`; `served` is `{name: {version: (signatures, folder)}}`."""

    def __init__(self, served, states=None):
        self.served, self.states = served, states or {}

    def names(self):
        return list(self.served)

    def status(self, name):
        if not self.served[name]:
            raise ServingError("NOT_FOUND", f"Could not find any versions of model {name}")
        return [
            SimpleNamespace(version=version, state=self.states.get(version, "AVAILABLE"))
            for version in self.served[name]
        ]

    @contextmanager
    def use(self, spec):
        signatures, folder = self.served[spec.name][spec.version]
        if signatures is None:
            raise ServingError("NOT_FOUND", "Servable not found for request: Specific(gone, 1)")
        yield SimpleNamespace(signature_defs=signatures, folder=folder)


def ask(app, path, method="GET"):
    """Send one request to an ASGI app: status, headers, body."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [], "root_path": ""}
    asyncio.run(app(scope, receive, send))
    headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent)


def listing(served, **options):
    status, headers, body = ask(page(FakeModels(served, **options)), "/page/models")
    assert (status, headers["content-type"]) == (200, "application/json")
    return json.loads(body)


@pytest.mark.parametrize("max_body", [0, 1024, 1100, 2**20, 64 * 2**20])
def test_files_as_large_as_told_fit_into_a_request(max_body):
    status, _, body = ask(page(FakeModels({}), max_body), "/page/limits")
    size = json.loads(body)["file_bytes"]
    assert status == 200
    instances = json.dumps({"instances": [{"image_bytes": {"b64": ""}, "depth_png_bytes": {"b64": ""}}]})
    assert size == 0 or len(base64.b64encode(bytes(size))) + len(instances) <= max_body
    assert len(base64.b64encode(bytes(size))) > max_body - 1100
    assert json.loads(ask(page(FakeModels({})), "/page/limits")[2]) == {"file_bytes": None}


@pytest.fixture
def folder(tmp_path):
    assets = tmp_path / "fcn" / "1" / "assets"
    assets.mkdir(parents=True)
    (assets / "classes.txt").write_text("background\n<img src=x onerror=alert(1)>\ncat\u2028 & dog\n", "utf-8")
    (assets / "palette.txt").write_text("0 0 0\n128 0 0\n0 128 0\n")
    return assets.parent


def test_the_page_and_its_files_are_served_with_strict_headers(tmp_path):
    app = page(FakeModels({}))
    for path, kind in [
        ("/", "text/html; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
        ("/page/page.js", "text/javascript; charset=utf-8"),
        ("/page/models", "application/json"),
        ("/nothing", "text/plain; charset=utf-8"),
    ]:
        status, headers, body = ask(app, path)
        assert status == (404 if path == "/nothing" else 200)
        assert headers["content-type"] == kind
        assert body
        policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' blob: data:",
            "connect-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_every_file_of_the_page_is_served_and_names_nothing_outside():
    app = page(FakeModels({}))
    folder = Path(__file__).parents[4] / "serving" / "server" / "page"
    files = [path.name for path in folder.iterdir() if path.suffix not in (".py", ".md", "")]
    assert sorted(name for name, _ in FILES.values()) == sorted(files)
    for path in FILES:
        text = ask(app, path)[2].decode()
        for word in ("innerHTML", "insertAdjacentHTML", "document.write", "eval(", "onclick=", "style=", "//cdn"):
            assert word not in text, (path, word)
        for known in ("http://www.w3.org/2000/svg", '"type": "http"'):  # a name space, and a kind of log-in
            text = text.replace(known, "")
        for url in text.split("http")[1:]:
            assert url.startswith("s://www.w3.org/TR/png-3/"), (path, url[:40])  # a comment's source


def test_a_model_is_listed_with_its_names_and_colours(folder):
    assert listing({"fcn": {1: (network(), folder)}}) == [
        {
            "name": "fcn",
            "versions": [
                {
                    "version": 1,
                    "inputs": ["image_bytes"],
                    "labels": [
                        {
                            "head": "",
                            "output": "label_png_bytes",
                            "count": 3,
                            "classes": ["background", "<img src=x onerror=alert(1)>", "cat\u2028 & dog"],
                            "palette": [[0, 0, 0], [128, 0, 0], [0, 128, 0]],
                        }
                    ],
                }
            ],
        }
    ]


def test_heads_have_their_own_names_and_coloured_pngs_are_none(folder):
    (folder / "assets" / "classes_sem.txt").write_text("sky\nsea\n")
    heads = network(
        heads=[("sem", 2), ("geo", 300), ("any", -1), ("none", None)], extra=["color_png_bytes", "sem_color_png_bytes"]
    )
    labels = listing({"fcn": {1: (heads, folder)}})[0]["versions"][0]["labels"]
    assert [(x["head"], x["output"], x["count"], x["classes"]) for x in labels] == [
        ("any", "any_png_bytes", None, []),
        ("geo", "geo_png_bytes", 300, []),
        ("none", "none_png_bytes", None, []),
        ("sem", "sem_png_bytes", 2, ["sky", "sea"]),
    ]


def test_heads_say_which_output_is_their_confidence(folder):
    for heads, extra, expected in (
        ([("", 3)], ["confidence_map_bytes", "confidence"], {"": "confidence_map_bytes"}),
        ([("sem", 2), ("geo", 3)], ["sem_confidence_map_bytes"], {"sem": "sem_confidence_map_bytes", "geo": None}),
    ):
        labels = listing({"fcn": {1: (network(heads=heads, extra=extra), folder)}})[0]["versions"][0]["labels"]
        assert {label["head"]: label.get("confidence") for label in labels} == expected


def test_the_colours_of_confidence_are_those_of_the_commands():
    steps = [int(step, 16) for step in re.findall(r"\b[0-9a-f]{6}\b", (STATIC / "paint.js").read_text())]
    expected = colors_of_scale()[[*range(0, 256, 8), 255]].astype(int) @ [65536, 256, 1]
    assert steps == expected.tolist()


@pytest.mark.parametrize("second", ["depth_png_bytes", "hha_bytes"])
def test_the_photograph_comes_first(folder, second):
    first = {"depth_png_bytes": "image_bytes", "hha_bytes": "rgb_bytes"}[second]
    for inputs in ([first, second], [second, first]):
        assert listing({"fcn": {1: (network(inputs), folder)}})[0]["versions"][0]["inputs"] == [first, second]


def test_versions_are_those_available_the_newest_first(folder):
    versions = {number: (network(), folder) for number in (2, 10, 9, 11)}
    listed = listing({"b": versions, "a": {}}, states={11: "LOADING"})
    assert [(model["name"], [x["version"] for x in model["versions"]]) for model in listed] == [
        ("a", []),
        ("b", [10, 9, 2]),
    ]


def test_what_takes_no_photographs_has_no_versions_here(folder):
    numbers = network()
    numbers["serving_default"] = signature(["image_bytes"], {"label_png_bytes": 1}, types_pb2.DT_FLOAT)
    half_plus_two = {"serving_default": signature(["x"], {"y": 1}, types_pb2.DT_FLOAT)}
    listed = listing({"half": {1: (half_plus_two, folder)}, "numbers": {1: (numbers, folder)}, "gone": {1: (None, "")}})
    assert listed == [{"name": name, "versions": []} for name in ("gone", "half", "numbers")]


def test_missing_or_broken_assets_leave_names_and_colours_out(folder, tmp_path):
    (folder / "assets" / "palette.txt").write_text("0 0 0\n1 2 999\nred green blue\n3 3 3\n")
    (folder / "assets" / "classes.txt").write_bytes(b"sk\xff\n")
    (tmp_path / "odd" / "assets" / "classes.txt").mkdir(parents=True)
    served = {"bare": {1: (network(), tmp_path / "nothing")}, "broken": {1: (network(), folder)}}
    listed = listing({**served, "odd": {1: (network(), tmp_path / "odd")}})
    (bare,), (broken,), (odd,) = (model["versions"][0]["labels"] for model in listed)
    assert (bare["classes"], bare["palette"]) == (odd["classes"], odd["palette"]) == ([], [])
    assert (broken["classes"], broken["palette"]) == (["sk\ufffd"], [[0, 0, 0], [1, 2, 255]])


def test_no_other_path_is_read(folder):
    (folder / "secret.txt").write_text("secret")
    (folder / "assets" / "classes_").mkdir()
    escape = "/../../secret"  # a head named so asks for assets/classes_/../../secret.txt
    app = page(FakeModels({"fcn": {1: (network(heads=[(escape, 3)]), folder)}}))
    assert json.loads(ask(app, "/page/models")[2])[0]["versions"][0]["labels"][0]["classes"] == []
    for path in (
        "/page",
        "/page/",
        "/page/index.html",
        "/index.html",
        "/page/models/",
        "/page/models/fcn",
        "/page/../page.py",
        "/page/..%2fpage.py",
        "/page//etc/passwd",
        f"/page/{folder}/secret.txt",
        "/v1/models/fcn",
    ):
        status, _, body = ask(app, path)
        assert (status, body) == (404, b"Not Found"), path
    assert ask(app, "/page/models", "POST")[0] == 405
    assert ask(app, "/", "HEAD")[0] == 200


def test_links_among_assets_lead_nowhere(tmp_path):
    outside, version = tmp_path / "outside", tmp_path / "m" / "1"
    (version / "assets").mkdir(parents=True)
    outside.write_text("secret")
    (version / "inside").write_text("cat\n")
    for name, target in {"out": outside, "in": version / "inside", "circle": version / "assets" / "circle"}.items():
        (version / "assets" / name).symlink_to(target)
    os.mkfifo(version / "assets" / "pipe")
    (version / "assets" / "large").write_text("x" * (2 << 20))
    assert _asset(version, "out") == _asset(version, "circle") == _asset(version, "pipe") == ""
    assert _asset(version, "../inside") == _asset(version, "/etc/passwd") == ""
    assert _asset(version, "in") == "cat\n"
    assert len(_asset(version, "large")) == 1 << 20
    linked = tmp_path / "linked"
    linked.symlink_to(version)  # the operator's own link to a version
    assert _asset(linked, "in") == "cat\n"
