"""The page in a real browser, against a server that answers as TF Serving does with labels known here."""

import asyncio
import base64
import io
import json
import shutil
import socket
import struct
import threading
import zlib
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette", reason='needs starlette: pip install "fcn_keras[serve]"')
uvicorn = pytest.importorskip("uvicorn", reason='needs uvicorn: pip install "fcn_keras[serve]"')
webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium to drive a browser: pip install selenium")
for _program in ("chromium", "chromedriver"):
    if shutil.which(_program) is None:
        pytest.skip(f"needs the program {_program}: apt install chromium chromium-driver", allow_module_level=True)

from selenium.webdriver.common.by import By  # noqa: E402  after the skips
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.responses import JSONResponse, Response  # noqa: E402
from starlette.routing import Mount, Route  # noqa: E402

from fcn_keras.color_scale import colors_of_scale  # noqa: E402
from serving.server.page.app import page  # noqa: E402

HOSTILE = "<img src=x onerror=window.hacked=1>"
CLASSES = ["background", "sky", HOSTILE, "cat", "never"]
COLOURS = [[0, 0, 0], [250, 10, 20], [30, 240, 50], [60, 70, 230], [9, 9, 9]]


def encode(image, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def random_labels(height, width, classes, dtype="uint8"):
    """Make blobs and single pixels."""
    generator = np.random.default_rng([height, width])
    labels = np.add.outer(np.arange(height) // 7, np.arange(width) // 5) % classes
    noise = generator.random((height, width)) < 0.7
    return np.where(noise, generator.integers(0, classes, (height, width)), labels).astype(dtype)


def encode_labels(labels):
    """Write a grey PNG whose rows use the five filters in turn and whose data come in two chunks."""
    step = labels.itemsize
    rows = labels.astype(labels.dtype.newbyteorder(">")).view("uint8").reshape(len(labels), -1).astype(int)
    known = np.pad(rows, [(1, 0), (step, 0)])  # zeros stand left of the first column and above the first row
    left, up, corner = known[1:, :-step], known[:-1, step:], known[:-1, :-step]
    estimate = left + up - corner
    away = [np.abs(estimate - x) for x in (left, up, corner)]
    paeth = np.choose(np.argmin(away, axis=0), [left, up, corner])  # argmin takes the first of equals, as PNG does
    kinds = np.arange(len(labels)) % 5
    guesses = np.choose(kinds[:, None], [0 * rows, left, up, (left + up) // 2, paeth])
    packed = zlib.compress(np.column_stack([kinds, (rows - guesses) % 256]).astype("uint8").tobytes())
    header = struct.pack(">IIBBBBB", labels.shape[1], len(labels), 8 * step, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", packed[:20]), (b"IDAT", packed[20:]), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


LABELS = {
    "fcn": {"label_png_bytes": random_labels(30, 41, 4)},
    "heads": {"geo_png_bytes": random_labels(30, 41, 3), "sem_png_bytes": random_labels(30, 41, 700, "uint16")},
    "rgbd": {"label_png_bytes": np.full((30, 41), 1, "uint8")},
    "sure": {
        "label_png_bytes": random_labels(30, 41, 4),
        "confidence_map_bytes": np.arange(30 * 41).reshape(30, 41).astype("uint8"),
    },
}
INPUTS = {"fcn": ["image_bytes"], "heads": ["image_bytes"], "rgbd": ["image_bytes", "depth_png_bytes"]}
INPUTS["sure"] = ["image_bytes"]
VERSIONS = {"numbers": [1], "fcn": [1, 2], "heads": [1], "rgbd": [1], "sure": [1]}
PNGS = {model: {name: encode_labels(x) for name, x in outputs.items()} for model, outputs in LABELS.items()}


class FakeModels:
    """What the page asks of the served models."""

    def __init__(self, folder):
        self.folder, self.served = folder, list(LABELS)

    def names(self):
        return self.served

    def status(self, name):
        return [SimpleNamespace(version=version, state="AVAILABLE") for version in VERSIONS[name]]

    @contextmanager
    def use(self, spec):
        text = SimpleNamespace(dtype=7)
        if spec.name == "numbers":
            yield SimpleNamespace(folder=self.folder, signature_defs={})
            return
        pngs = [name for name in LABELS[spec.name] if name.endswith("_png_bytes")]
        heads = [name.removesuffix("_png_bytes").removesuffix("label") for name in pngs]
        scores = SimpleNamespace(tensor_shape=SimpleNamespace(dim=[SimpleNamespace(size=5)]))
        definition = SimpleNamespace(inputs=dict.fromkeys(INPUTS[spec.name], text), outputs=LABELS[spec.name])
        yield SimpleNamespace(
            folder=self.folder,
            signature_defs={
                "serving_default": definition,
                "predict_tensors": SimpleNamespace(outputs={f"{head}_label".lstrip("_"): None for head in heads}),
                "predict_scores": SimpleNamespace(outputs={f"{head}_scores".lstrip("_"): scores for head in heads}),
            },
        )


class Server:
    """Answers on a free port of this machine; `requests` are the bodies received, `answer` the next answer's."""

    def __init__(self, folder):
        self.requests, self.answer, self.gate = [], None, threading.Event()
        self.gate.set()
        routes = [Route("/v1/models/{model}/versions/{version}:predict", self.predict, methods=["POST"])]
        self.models = FakeModels(folder)
        app = Starlette(routes=[*routes, Mount("/", page(self.models, 64 * 2**20))])
        self.socket = socket.create_server(("127.0.0.1", 0))  # listens at once: who asks early, waits
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],), daemon=True)
        self.thread.start()

    async def predict(self, request):
        body = json.loads(await request.body())
        self.requests.append((request.path_params["model"], request.path_params["version"], body))
        await asyncio.to_thread(self.gate.wait, 10)
        if self.answer is not None:
            return self.answer
        pngs = PNGS[request.path_params["model"]]
        answer = {name: {"b64": base64.b64encode(png).decode()} for name, png in pngs.items()}
        return JSONResponse({"predictions": [{**answer, "height": 30, "width": 41, "status": ""}]})

    def close(self):
        self.server.should_exit = True
        self.thread.join()
        self.socket.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("version")
    (folder / "assets").mkdir()
    (folder / "assets" / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES))
    (folder / "assets" / "palette.txt").write_text("".join("{} {} {}\n".format(*colour) for colour in COLOURS))
    server = Server(folder)
    yield server
    server.close()


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    options = webdriver.ChromeOptions()
    for option in (
        "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
        "disable-component-update disable-sync disable-dev-shm-usage window-size=1200,900 "
        f"user-data-dir={tmp_path_factory.mktemp('profile')}"
    ).split():
        options.add_argument(f"--{option}")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    options.binary_location = shutil.which("chromium")
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    browser = webdriver.Chrome(options, service)
    yield browser
    browser.quit()


class Page:
    """The page as a person meets it."""

    def __init__(self, browser, server, folder):
        self.browser, self.server, self.folder = browser, server, folder

    def find(self, css):
        return self.browser.find_element(By.CSS_SELECTOR, css)

    def until(self, condition):
        return WebDriverWait(self.browser, 10, 0.02).until(lambda _: condition())

    def choose(self, name, contents, field=0):
        """Choose a file in a field's dialogue."""
        path = self.folder / name
        path.write_bytes(contents)
        self.browser.find_elements(By.CSS_SELECTOR, ".field input")[field].send_keys(str(path))

    def give(self, kind, name, contents, target="body"):
        """Drop or paste a file; a name of None makes it mere text."""
        script = """
            const [kind, name, text, target] = arguments, data = new DataTransfer();
            const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
            name === null ? data.items.add("some words", "text/plain") : data.items.add(new File([bytes], name));
            const options = {bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data};
            const event = kind === "drop" ? new DragEvent(kind, options) : new ClipboardEvent(kind, options);
            document.querySelector(target).dispatchEvent(event);"""
        self.browser.execute_script(script, kind, name, base64.b64encode(contents).decode(), target)

    def select(self, chooser, text):
        Select(self.find(f"#{chooser}")).select_by_visible_text(text)

    def answered(self):
        """Wait for the answer to what was asked last: until then the text of the one before may still stand there."""
        self.until(lambda: self.find("#result").get_attribute("aria-busy") != "true")
        self.until(lambda: "answered in" in self.find("#status").text)

    def error(self):
        self.until(lambda: self.find("#error").is_displayed())
        return self.find("#error").text

    def pixels(self):
        """Read the canvas, `(H, W, 3)`."""
        script = "return document.getElementById('canvas').toDataURL().split(',')[1]"
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(self.browser.execute_script(script)))).convert("RGB"))

    def opacity(self, value):
        script = (
            "const o = document.getElementById('opacity'); o.value = arguments[0]; o.dispatchEvent(new Event('input'))"
        )
        self.browser.execute_script(script, value)

    def legend(self):
        """Read the rows on show: `[(name, share in percent as text)]`."""
        script = """
            return [...document.querySelectorAll("#legend li")].filter(row => row.offsetParent)
                .map(row => [".class", ".share"].map(css => row.querySelector(css).textContent))"""
        return [tuple(row) for row in self.browser.execute_script(script)]


@pytest.fixture
def page_(browser, server, tmp_path):
    server.requests.clear()
    server.answer = None
    browser.get(server.url)
    opened = Page(browser, server, tmp_path)
    opened.until(lambda: browser.find_elements(By.CSS_SELECTOR, ".field"))
    yield opened
    wrong = [entry for entry in browser.get_log("browser") if "status of 4" not in entry["message"]]
    assert wrong == []
    assert not browser.execute_script("return 'hacked' in window")


def photograph(height=30, width=41):
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype="uint8")


def shares(labels, names):
    """Count by numpy what the legend must say: the largest first."""
    ids, pixels = np.unique(labels, return_counts=True)
    rows = sorted(zip(-pixels, ids, strict=True))
    return [(names[i] if i < len(names) else f"class {i}", f"{-100 * n / labels.size:.1f} %") for n, i in rows]


def test_the_pngs_of_this_test_are_what_pillow_reads():
    for model, pngs in PNGS.items():
        for name, png in pngs.items():
            np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), LABELS[model][name])


def test_the_classes_are_painted_and_counted(page_):
    photo, labels = photograph(), LABELS["fcn"]["label_png_bytes"]
    page_.choose("holiday.png", encode(photo))
    page_.answered()
    (request,) = page_.server.requests
    assert request == ("fcn", "2", {"instances": [{"b64": base64.b64encode(encode(photo)).decode()}]})
    assert page_.find("#status").text.startswith("fcn, version 2, answered in 0.")
    assert page_.legend() == shares(labels, CLASSES)
    assert page_.find("#found").text == "4 of 5 classes"
    page_.opacity(0)
    np.testing.assert_array_equal(page_.pixels(), photo)
    page_.opacity(100)
    solid = np.where((labels == 0)[..., None], photo, np.array(COLOURS)[labels])  # the background is not painted
    np.testing.assert_array_equal(page_.pixels(), solid)
    page_.opacity(40)
    np.testing.assert_allclose(page_.pixels(), 0.6 * photo + 0.4 * solid, atol=2)
    name = page_.find("#canvas").get_attribute("aria-label")
    assert name.startswith("holiday.png with its classes painted over: ")
    assert HOSTILE in name
    script = "return getComputedStyle(document.querySelector('#stage')).backgroundColor"
    assert page_.browser.execute_script(script) == "rgba(0, 0, 0, 0)"  # no strips beside the picture


def test_the_keyboard_does_it_all(page_):
    page_.choose("a.png", encode(photograph()))
    page_.answered()
    painted, slider = page_.pixels(), page_.find("#opacity")
    assert page_.find("#opacity-value").text == "60 %"
    slider.send_keys(Keys.ARROW_RIGHT)
    assert page_.find("#opacity-value").text == "61 %"
    assert (page_.pixels() != painted).any()
    slider.send_keys(Keys.END)
    row = next(row for row in page_.browser.find_elements(By.CSS_SELECTOR, "#legend button") if "sky" in row.text)
    assert row.get_attribute("aria-pressed") == "true"
    row.send_keys(Keys.ENTER)
    assert row.get_attribute("aria-pressed") == "false"
    sky = LABELS["fcn"]["label_png_bytes"] == 1
    np.testing.assert_array_equal(page_.pixels()[sky], photograph()[sky])
    row.send_keys(Keys.SPACE)
    assert (page_.pixels()[sky] == COLOURS[1]).all()
    page_.find("#all").send_keys(Keys.SPACE)
    assert page_.legend()[-1] == ("never", "0.0 %")
    script = "return [...document.querySelectorAll('button, input, select')].filter(e => e.tabIndex < 0).length"
    assert page_.browser.execute_script(script) == 0


def test_the_pointer_names_the_class_below_it(page_):
    page_.choose("a.png", encode(photograph()))
    page_.answered()
    canvas = page_.find("#canvas")
    for x, y in [(0, 0), (40, 29), (17, 11)]:
        size = canvas.size
        across = round((x + 0.5) / 41 * size["width"] - size["width"] / 2)
        down = round((y + 0.5) / 30 * size["height"] - size["height"] / 2)
        webdriver.ActionChains(page_.browser, 0).move_to_element_with_offset(canvas, across, down).perform()
        name = CLASSES[LABELS["fcn"]["label_png_bytes"][y, x]]
        assert page_.find("#pointed").text == f"{name} · x {x}, y {y}"
    webdriver.ActionChains(page_.browser, 0).move_to_element(page_.find("h1")).perform()
    assert not page_.find("#pointed").is_displayed()


def test_the_mask_is_saved_as_it_came_and_the_overlay_as_it_shows(page_, downloads):
    page_.choose("my.holiday.png", encode(photograph()))
    page_.answered()
    page_.opacity(100)
    shown = page_.pixels()
    page_.find("#save-mask").click()
    page_.find("#save-overlay").click()
    mask, overlay = downloads / "my.holiday_label.png", downloads / "my.holiday_overlay.png"
    page_.until(lambda: mask.exists() and overlay.exists())
    assert mask.read_bytes() == PNGS["fcn"]["label_png_bytes"]
    np.testing.assert_array_equal(np.asarray(Image.open(overlay).convert("RGB")), shown)
    page_.browser.execute_script(
        "OffscreenCanvas.prototype.convertToBlob = () => Promise.reject(new Error('no memory'))"
    )
    page_.find("#save-overlay").click()
    error = page_.error().replace("\N{MULTIPLICATION SIGN}", "x")
    assert error == "This browser cannot draw 41 x 30 pixels at once: no memory"


def test_dropped_and_pasted_files_are_asked_too(page_):
    sent = [encode(np.full((30, 41, 3), grey, "uint8")) for grey in (1, 2, 3)]
    for kind, target, contents in zip(["drop", "drop", "paste"], [".field", "h1", "body"], sent, strict=True):
        page_.give(kind, f"{kind}.png", contents, target)
        page_.until(lambda: page_.find("#status").text.startswith("fcn, version 2, answered"))
        assert page_.find(".name").text == f"{kind}.png"
        page_.browser.execute_script("document.getElementById('status').textContent = ''")
    assert [body["instances"][0]["b64"] for *_, body in page_.server.requests] == [
        base64.b64encode(contents).decode() for contents in sent
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (JSONResponse({"error": f"Bad {HOSTILE}"}, 400), f"{HOSTILE}: Bad {HOSTILE} (HTTP 400)"),
        (Response("<h1>Too large</h1>", 413), f"{HOSTILE}: <h1>Too large</h1> (HTTP 413)"),
        (
            JSONResponse({"predictions": [{"label_png_bytes": {"b64": ""}, "status": "It is no picture."}]}),
            f"{HOSTILE}: It is no picture.",
        ),
    ],
    ids=["TF Serving's", "a proxy's", "one image's status"],
)
def test_errors_are_told_and_go_away(page_, answer, message):
    page_.server.answer = answer
    page_.give("drop", HOSTILE, encode(photograph()))
    assert page_.error() == message
    assert page_.find("#error").get_attribute("role") == "alert"
    assert not page_.find("#panel").is_displayed()
    np.testing.assert_array_equal(page_.pixels(), photograph())
    page_.server.answer = None
    page_.choose("good.png", encode(photograph()))
    page_.answered()
    assert not page_.find("#error").is_displayed()


def test_a_photograph_that_was_scaled_says_so(page_):
    answer = {"label_png_bytes": {"b64": base64.b64encode(PNGS["fcn"]["label_png_bytes"]).decode()}, "status": ""}
    sizes = {"height": 30, "width": 41, "scored_height": 3, "scored_width": 4}
    page_.server.answer = JSONResponse({"predictions": [{**answer, **sizes}]})
    page_.choose("a.png", encode(photograph()))
    page_.answered()
    assert "Scaled 41x30 -> 4x3." in page_.find("#status").text


def test_what_is_no_picture_is_still_asked_and_its_error_told(page_):
    page_.server.answer = JSONResponse({"predictions": [{"label_png_bytes": {"b64": ""}, "status": "Not decoded."}]})
    page_.choose("notes.txt", b"no picture")
    assert page_.error() == "notes.txt: Not decoded."
    assert not page_.find("#canvas").is_displayed()


def test_a_dead_server_is_told(page_):
    page_.browser.execute_script("window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))")
    page_.choose("a.png", encode(photograph()))
    assert page_.error() == "a.png: The server does not answer. Is it running?"


def test_models_may_come_later(page_):
    models = page_.server.models
    try:
        for models.served, message in (
            ([], "No model is loaded yet."),
            (["numbers"], "No served model takes photographs."),
        ):
            page_.browser.refresh()
            page_.until(lambda message=message: page_.find("#status").text == message)
            assert page_.browser.find_elements(By.CSS_SELECTOR, ".field") == []
    finally:
        models.served = list(LABELS)
    page_.until(lambda: page_.browser.find_elements(By.CSS_SELECTOR, ".field"))
    page_.choose("a.png", encode(photograph()))
    page_.answered()


def test_a_model_may_change_its_inputs(page_, monkeypatch):
    monkeypatch.setitem(INPUTS, "fcn", ["image_bytes", "depth_png_bytes"])
    page_.choose("a.png", encode(photograph()))
    page_.until(lambda: page_.find("#status").text == "Now a depth image.")
    assert page_.server.requests == []
    page_.choose("depth.png", encode(photograph()), field=1)
    page_.answered()


def test_dropped_text_is_told(page_):
    page_.give("drop", None, b"", "h1")
    assert page_.error() == "That holds no file. Save the picture first, then drop the file."


def test_a_file_that_went_is_told(page_):
    page_.select("model", "rgbd")
    page_.choose("a.png", encode(photograph()))
    page_.until(lambda: page_.find("#status").text == "Now a depth image.")
    (page_.folder / "a.png").unlink()
    page_.choose("depth.png", encode(photograph()), field=1)
    assert page_.error() == "a.png: The file a.png cannot be read. Choose it again."
    (logged,) = page_.browser.get_log("browser")
    assert "ERR_FILE_NOT_FOUND" in logged["message"]


def test_waiting_shows_and_the_last_photograph_wins(page_):
    page_.server.gate.clear()
    try:
        page_.choose("first.png", encode(photograph()))
        page_.until(lambda: page_.find("#result").get_attribute("aria-busy") == "true" and page_.server.requests)
        page_.until(lambda: page_.find("#status").text.startswith("fcn, version 2, is computing …"))
        assert not page_.find("#sent").is_displayed()
        page_.choose("second.png", encode(photograph()))
        page_.until(lambda: len(page_.server.requests) == 2)
    finally:
        page_.server.gate.set()
    page_.answered()
    assert page_.find("#result").get_attribute("aria-busy") == "false"
    assert page_.find("#canvas").get_attribute("aria-label").startswith("second.png")


def test_a_file_larger_than_a_request_is_refused_before_it_is_sent(page_):
    assert page_.find(".field span").text.endswith("· up to 50 MB")
    page_.choose("large.jpg", bytes(51 * 10**6))
    assert page_.error() == (
        "large.jpg: It has 51 MB, and this server takes up to 50 MB. Save it smaller, as a JPEG for example."
    )
    assert page_.server.requests == []
    page_.choose("small.png", encode(photograph()))
    page_.answered()


def test_another_version_is_asked_again(page_):
    page_.choose("a.png", encode(photograph()))
    page_.answered()
    page_.select("version", "1")
    page_.until(lambda: page_.find("#status").text.startswith("fcn, version 1, answered"))
    assert [version for _, version, _ in page_.server.requests] == ["2", "1"]


def test_two_files_are_asked_together(page_):
    page_.select("model", "rgbd")
    titles = [field.text for field in page_.browser.find_elements(By.CSS_SELECTOR, ".field strong")]
    assert titles == ["Drop or choose a photograph", "Drop or choose a depth image"]
    depth = encode(np.full((30, 41), 1234, "uint16"))
    page_.choose("a.png", encode(photograph()))
    page_.until(lambda: page_.find("#status").text == "Now a depth image.")
    assert page_.server.requests == []
    page_.choose("depth.png", depth, field=1)
    page_.answered()
    (instance,) = page_.server.requests[0][2]["instances"]
    files = {"image_bytes": encode(photograph()), "depth_png_bytes": depth}
    assert instance == {name: {"b64": base64.b64encode(contents).decode()} for name, contents in files.items()}
    assert page_.legend() == [("sky", "100.0 %")]


def test_heads_are_chosen_and_700_classes_shown(page_, downloads):
    page_.select("model", "heads")
    page_.choose("a.png", encode(photograph()))
    page_.answered()
    geo, sem = LABELS["heads"].values()
    assert page_.legend() == shares(geo, [])
    page_.select("head", "sem")
    assert page_.legend() == shares(sem, [])
    page_.opacity(100)
    pixels = page_.pixels().reshape(-1, 3)
    colours = {(i, *colour) for i, colour in zip(sem.ravel().tolist(), pixels.tolist(), strict=True)}
    assert len(colours) == len(np.unique(sem))  # one colour a class
    np.testing.assert_array_equal(pixels[sem.ravel() == 3], [COLOURS[3]] * (sem == 3).sum())
    page_.find("#save-mask").click()
    page_.until((downloads / "a_sem.png").exists)
    assert (downloads / "a_sem.png").read_bytes() == PNGS["heads"]["sem_png_bytes"]
    assert len(page_.server.requests) == 1


def test_how_sure_the_model_is_shows_on_a_toggle(page_):
    assert not page_.find("#confidence").is_displayed()
    page_.select("model", "sure")
    page_.choose("a.png", encode(photograph()))
    page_.answered()
    classes = page_.pixels()
    assert not page_.find("#scale").is_displayed()
    page_.find("#confidence").click()
    assert page_.find("#scale").is_displayed()
    page_.opacity(100)
    sure = LABELS["sure"]["confidence_map_bytes"]
    np.testing.assert_allclose(page_.pixels().astype(int), colors_of_scale()[sure].astype(int), atol=1)
    webdriver.ActionChains(page_.browser, 0).move_to_element(page_.find("#canvas")).perform()
    assert "% sure · x " in page_.find("#pointed").text
    page_.opacity(60)
    page_.find("#confidence").click()
    np.testing.assert_array_equal(page_.pixels(), classes)
    page_.select("model", "fcn")
    page_.answered()
    assert not page_.find("#confidence").is_displayed()


def predictions(png):
    return JSONResponse({"predictions": [{"label_png_bytes": {"b64": base64.b64encode(png).decode()}, "status": ""}]})


def test_a_rotated_photograph_is_upright_as_the_labels_are(page_):
    exif = Image.Exif()
    exif[0x0112] = 6  # the first row is the right side
    upright = np.zeros((41, 30, 3), "uint8")
    upright[:8, :8] = 255  # top left
    page_.server.answer = predictions(encode(np.ones((41, 30), "uint8")))
    page_.choose("phone.jpg", encode(np.rot90(upright), "JPEG", exif=exif, quality=95))
    page_.answered()
    assert "may not lie where they belong" not in page_.find("#status").text
    page_.opacity(0)
    np.testing.assert_allclose(page_.pixels()[:6, :6], 255, atol=9)
    np.testing.assert_allclose(page_.pixels()[12:, 12:], 0, atol=9)


def test_labels_of_another_size_are_told(page_):
    page_.server.answer = predictions(encode(np.ones((30, 20), "uint8")))
    page_.choose("a.png", encode(photograph()))
    page_.answered()
    status = page_.find("#status").text.replace("\N{MULTIPLICATION SIGN}", "x")
    assert "reads the photograph as 41 x 30 pixels, the server as 20 x 30:" in status


@pytest.mark.parametrize("labels", [random_labels(3, 5000, 4), np.full((1, 1), 3, "uint8")], ids=["5000x3", "1x1"])
def test_large_and_tiny_labels_are_counted_whole(page_, labels):
    page_.server.answer = predictions(encode_labels(labels))
    page_.choose("a.png", encode(photograph(*labels.shape)))
    page_.answered()
    assert page_.legend() == shares(labels, CLASSES)
    assert page_.pixels().shape[1] == min(2048, labels.shape[1])
    assert page_.find("#canvas").size["width"] > 100


@pytest.mark.parametrize(
    ("png", "reason"),
    [
        (b"GIF89a", "it is not a PNG"),
        (encode(np.zeros((3, 4, 3), "uint8")), "it is not a grey PNG of 8 or 16 bits"),
    ],
    ids=["GIF", "colours"],
)
def test_a_mask_that_cannot_be_shown_can_be_saved(page_, downloads, png, reason):
    page_.server.answer = predictions(png)
    name = reason.replace(" ", "-")
    page_.choose(f"{name}.png", encode(photograph()))
    page_.answered()
    assert page_.find("#panel h2").text == f"The mask cannot be shown: {reason}. It can still be downloaded."
    assert not page_.find("#opacity").is_displayed()
    assert not page_.find("#save-overlay").is_displayed()
    page_.find("#save-mask").click()
    page_.until((downloads / f"{name}_label.png").exists)
    assert (downloads / f"{name}_label.png").read_bytes() == png


def test_nothing_is_asked_elsewhere(page_):
    page_.choose("a.png", encode(photograph()))
    page_.answered()
    messages = [json.loads(entry["message"])["message"] for entry in page_.browser.get_log("performance")]
    sent = [x["params"] for x in messages if x["method"] == "Network.requestWillBeSent"]
    # The browser's own pages ask for their parts as well.
    urls = {request["request"]["url"] for request in sent if request["documentURL"].startswith(page_.server.url)}
    assert {f"{page_.server.url}page/models", f"{page_.server.url}v1/models/fcn/versions/2:predict"} <= urls
    assert [url for url in urls if not url.startswith((page_.server.url, "blob:http://127.0.0.1", "data:"))] == []


def test_hostile_names_and_answers_are_shown_as_text(page_, monkeypatch):
    for table in (LABELS, INPUTS, VERSIONS, PNGS):
        monkeypatch.setitem(table, HOSTILE, table["fcn"])
    monkeypatch.setattr(page_.server.models, "served", [HOSTILE, "fcn"])
    page_.browser.refresh()
    page_.until(lambda: page_.browser.find_elements(By.CSS_SELECTOR, ".field"))
    assert [option.text for option in Select(page_.find("#model")).options] == [HOSTILE, "fcn"]
    page_.give("drop", f"{HOSTILE}.png", encode(photograph()))
    page_.until(lambda: page_.find("#error").is_displayed() or "answered in" in page_.find("#status").text)
    page_.select("model", "fcn")
    page_.answered()
    assert page_.find(".field .name").text == f"{HOSTILE}.png"
    assert HOSTILE in page_.find("#canvas").get_attribute("aria-label")
    assert HOSTILE in [name for name, _ in page_.legend()]
    page_.server.answer = JSONResponse({"error": f"<b>{HOSTILE}</b><script>hacked=1</script>"}, 400)
    page_.choose("b.png", encode(photograph()))
    assert page_.error() == f"b.png: <b>{HOSTILE}</b><script>hacked=1</script> (HTTP 400)"
    assert page_.browser.execute_script("return document.querySelectorAll('img, b, main script').length") == 0


def test_the_browser_runs_and_loads_nothing_else(page_):
    """What an attacker might get into the page after all: each is held back by the policy that the server sends."""
    script = """
        const [done] = arguments, held = new Set();
        document.addEventListener("securitypolicyviolation", (event) => held.add(event.effectiveDirective));
        const add = (tag, properties) => document.body.append(Object.assign(document.createElement(tag), properties));
        add("script", { textContent: "window.hacked = 1" });
        add("script", { src: "http://localhost:9/x.js" });
        add("img", { src: "http://localhost:9/x.png" });
        add("iframe", { src: "/" });
        add("style", { textContent: "body { display: none }" });
        add("base", { href: "http://localhost:9/" });
        add("object", { data: "/page/page.js" });
        fetch("http://localhost:9/").catch(() => 0);
        setTimeout(() => done([...held].sort()), 300);"""
    held = page_.browser.execute_async_script(script)
    assert {"base-uri", "connect-src", "frame-src", "img-src", "object-src"} < set(held)
    assert {"script-src-elem", "style-src-elem"} < set(held)
    messages = [entry["message"] for entry in page_.browser.get_log("browser")]  # which empties it
    assert all("Content Security Policy" in text or "base" in text for text in messages), messages


def test_the_page_asks_for_the_token_and_keeps_it_nowhere(browser, tmp_path):
    from serving.server.command import running

    token = "0123456789abcdef"
    with running({"fcn": tmp_path}, token=token) as addresses:
        browser.get(f"{addresses.rest}/")
        opened = Page(browser, None, tmp_path)
        assert opened.error() == "A bearer token is needed: Authorization: Bearer TOKEN. (HTTP 401)"
        for given, text in (
            ("wrong", "A bearer token is needed"),
            (f" {token}\n", "No served model takes photographs."),
        ):
            opened.until(lambda: opened.find("#ask-token").is_displayed())
            opened.find("#token").send_keys(given.strip())
            opened.find("#ask-token button").click()
            opened.until(lambda text=text: text in opened.find("#status").text + opened.find("#error").text)
        assert not opened.find("#ask-token").is_displayed()
        script = "return [document.cookie, JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage})]"
        assert browser.execute_script(script) == ["", "{}", "{}"]
        assert opened.find("#token").get_attribute("value") == ""
    browser.get("about:blank")
    browser.get_log("browser")
