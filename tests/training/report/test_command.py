"""`fcn-report`, the real command on a really trained run: its figures, what it loads, what it says where it cannot."""

import base64
import io
import json
import re
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.synthetic import Synthetic
from fcn_keras.models import FCN32s
from fcn_keras_console.words import percent
from tests.training import tiny
from tests.training.report.page_reader import Page
from tests.training.small_run import TINY, recipes_by_name
from tests.training.tiny import data_set
from training.evaluate import command as evaluate
from training.recipes import catalogue as recipes
from training.report.command import main
from training.scoring.summary import span
from training.train import command as train

HOSTILE = "<img src=x onerror=window.hacked=1>"
STAGE = "a_stage_whose_name_has_no_end_" * 3
scored = partial(tiny.printed, evaluate.main)
error_of = partial(tiny.error_of, main)
pytestmark = pytest.mark.usefixtures("models_once")
COMMAND = "fcn-train folder_fcn8s --data '</code><script>window.hacked=1</script>'"


@pytest.fixture(scope="module")
def run(tmp_path_factory, models_once):
    """Train an FCN-32s and the FCN-16s that starts from it for two epochs each, and report them."""
    workdir = tmp_path_factory.mktemp("runs") / "seven"
    with pytest.MonkeyPatch.context() as patch:
        for name, recipe in recipes_by_name().items():
            patch.setitem(recipes.RECIPES, name, recipe)
        assert train.main(["tiny_fcn16s", "--workdir", str(workdir), "--quiet", "--no-watchdog"]) == 0
        assert main([str(workdir), "--images", "1"]) == 0
        yield workdir


@pytest.fixture(scope="module")
def page(run):
    return Page(run / "report.html")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, nets, models_once):
    """A model that nobody logged, on photographs of several sizes, with names that are markup."""
    folder = tmp_path_factory.mktemp("hostile")
    data = data_set(folder / "data", 4, sizes=((40, 33), (1, 1), (32, 64), (33, 700)))
    (data / "classes.txt").write_text(f"{HOSTILE}\nroad\n</style>\ntree\n")
    for kind in ("images", "labels"):
        (data / "val" / kind / "2.png").rename(data / "val" / kind / f"{HOSTILE}.png")
    settings = tiny.stage(folder / "runs" / STAGE, nets["fine"], "folder_fcn8s", data=data) / "recipe.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "command": COMMAND}))
    assert main([str(folder / "runs"), "--output", str(folder / "page.html")]) == 0
    return folder


def test_the_figures_are_those_of_fcn_evaluate(run, page, capsys):
    printed = scored(capsys, run / "tiny_fcn16s")
    for metric in ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu"):
        assert page.metrics["", metric] == f"{percent(printed[metric])} %"
    matrix = np.array(printed["matrix"])
    rows = page.table("Every class")[1:]
    assert [row[0] for row in rows] == printed["classes"]
    sure = printed["intervals"]
    assert page.metrics["", "mean_iu"] == f"{percent(printed['mean_iu'])} %"
    assert span(sure["mean_iu"]) in page.text
    for index, (name, iu, ends, accuracy, _, _, pixels, predicted, _) in enumerate(rows):
        assert ends == span(sure["per_class_iu"][name])
        assert (iu, accuracy) == (percent(printed["per_class_iu"][name]), percent(printed["per_class_accuracy"][name]))
        assert pixels == percent(matrix[index].sum() / matrix.sum())
        assert predicted == percent(matrix[:, index].sum() / matrix.sum())
    wrong = matrix - np.diag(matrix.diagonal())
    truth, prediction = np.unravel_index(wrong.argmax(), wrong.shape)
    most = page.table("Most confused")[1]
    assert most[0] == f"{printed['classes'][truth]} as {printed['classes'][prediction]}"
    assert most[1:] == [percent(wrong.max() / matrix.sum()), percent(wrong.max() / matrix[truth].sum())]


def test_boundaries_are_those_of_fcn_evaluate(run, page, capsys):
    printed = scored(capsys, run / "tiny_fcn16s", "--boundaries")
    rows = page.table("Pixels near the true boundaries")[1:]
    bands = printed["boundaries"]["trimap"]
    total = np.sum(printed["matrix"])
    assert [row[0] for row in rows] == [*(f"{width} px" for width in bands), "everywhere"]
    for row, band in zip(rows, bands.values(), strict=False):
        share = band["pixels"] / total
        assert row[1:] == [percent(x) for x in (share, band["pixel_accuracy"], band["mean_iu"])]
    assert rows[-1][1:] == [percent(1), percent(printed["pixel_accuracy"]), percent(printed["mean_iu"])]
    assert page.metrics["", "boundary_f1"] == f"{percent(printed['boundaries']['boundary_f1'])} %"
    assert page.metrics["", "boundary_iou"] == f"{percent(printed['boundaries']['boundary_iou'])} %"
    rows = page.table("Every class")
    for head, name in (("boundary F1", "f1"), ("Boundary IoU", "iou")):
        found = {row[0]: row[rows[0].index(head)] for row in rows[1:]}
        assert found == {x: percent(y) for x, y in printed["boundaries"][f"per_class_boundary_{name}"].items()}


def test_images_that_hold_a_class_are_counted(page):
    examples = recipes_by_name()["tiny_fcn16s"].data(None, "val")
    rows = page.table("Every class")[1:]
    for index, row in enumerate(rows):
        assert int(row[-1]) == sum((examples[i]["label"] == index).any() for i in range(6))


def test_every_stage_has_its_curves_and_its_row(run, page):
    rows = page.table("The stages")
    assert [row[0] for row in rows[1:]] == ["tiny_fcn32s", "tiny_fcn16s"]
    assert rows[1][1:3] == ["2", "4"]  # epochs, batches
    summary = json.loads((run / "tiny_fcn32s" / "summary.json").read_text())
    assert rows[1][3] == str(summary["best"]["epoch"] + 1)
    assert rows[1][rows[0].index("mean IU")] == percent(summary["best"]["val_mean_iu"])
    # Five quantities, two stages of two epochs, training and validation.
    assert sum(tag == "circle" and found["class"] in ("training", "validation") for tag, found in page.tags) == 40
    assert sum(tag == "polyline" for tag, _ in page.tags) == 20
    assert "tiny_fcn32s, epoch 2, validation: " in page.text


def test_commands_versions_sizes_and_timings_are_told(run, page):
    settings = json.loads((run / "tiny_fcn16s" / "recipe.json").read_text())
    assert settings["command"].split() == [word for word in settings["command"].split() if word in page.text]
    assert page.table("Versions")[0] == ["version", "tiny_fcn32s, tiny_fcn16s", "this report"]
    assert ["keras", *[settings["versions"]["keras"]] * 2] in page.table("Versions")
    assert page.table("Sizes") == [["width x height", "images"], ["32 x 32", "6"]]
    rows = {row[0]: row[1:] for row in page.table("Images/s")[1:]}
    assert [*rows] == [
        *(f"{stage}: {what}" for stage in ("tiny_fcn32s", "tiny_fcn16s") for what in ("training", "validation")),
        "this report: 6 images scored",
    ]
    assert float(rows["tiny_fcn32s: training"][1]) > 0
    assert {row[2] for row in rows.values()} == {settings["machine"]}


def test_the_pictures_are_the_images_and_nothing_is_shown_twice(page):
    pictures = [found for tag, found in page.tags if tag == "img"]
    assert len(pictures) == 3 * 4  # one image of each kind
    places = {found["alt"].partition(", ")[2] for found in pictures}
    assert len(places) == 3
    examples = recipes_by_name()["tiny_fcn16s"].data(None, "val")
    for found in pictures:
        if found["alt"].startswith("photograph"):
            index = examples.ids.index(found["alt"].partition(", image ")[2])
            shown = np.asarray(decoded(found), int)
            assert np.argmin([np.abs(shown - examples[i]["image"]).mean() for i in range(6)]) == index


def decoded(found):
    kind, text = found["src"].split(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_a_stage_alone_and_no_photographs(run, tmp_path, capsys):
    assert main([str(run / "tiny_fcn32s"), "--images", "0", "--output", str(tmp_path / "new" / "page.html")]) == 0
    page = Page(tmp_path / "new" / "page.html")
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'new' / 'page.html'}: 6 images, mean IU ")
    assert not any(tag == "img" for tag, _ in page.tags)
    assert [row[0] for row in page.table("The stages")[1:]] == ["tiny_fcn32s"]
    assert page.metrics["", "mean_iu"] == f"{percent(scored(capsys, run / 'tiny_fcn32s')['mean_iu'])} %"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["page.html"]


def test_what_machines_are_told(run, tmp_path, capsys):
    """All that `fcn-evaluate --boundaries` tells, and where the page is."""
    file = tmp_path / "page.html"
    assert main([str(run), "--images", "0", "--output", str(file), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    expected = scored(capsys, run / "tiny_fcn16s", "--boundaries")
    own = {"report": str(file), "bytes": file.stat().st_size, "skipped": []}
    assert printed == {**expected, **own, "model": str((run / "tiny_fcn16s" / "best.keras").resolve())}


def test_names_are_text(hostile):
    page = Page(hostile / "page.html")
    tags = {tag for tag, _ in page.tags}
    assert "script" not in tags
    assert all(found["src"].startswith("data:image/jpeg;base64,") for tag, found in page.tags if tag == "img")
    assert not any(name.startswith("on") for _, found in page.tags for name in found)
    assert sum(tag == "style" for tag, _ in page.tags) == 1
    assert HOSTILE in [row[0] for row in page.table("Every class")]
    assert " ".join(COMMAND.split()) in " ".join(page.text.split())
    assert "700" in page.text  # wider than a panel


def test_nothing_in_the_page_points_outside(page):
    (policy,) = [found["content"] for _, found in page.tags if found.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")
    for tag, found in page.tags:
        assert set(found) & {"href", "src", "srcset", "action", "data", "poster"} <= {"href", "src"}
        assert found.get("href", "#").startswith("#"), tag
        assert found.get("src", "data:").startswith("data:"), tag
    assert "url(" not in page.source
    assert "@import" not in page.source


def test_a_net_that_fcn_train_did_not_write_has_no_curves(hostile):
    page = Page(hostile / "page.html")
    assert "The stages" not in " ".join(page.tables)
    assert page.table("Images/s")[1] == [f"{STAGE}: training", "-", "-", "-"]
    assert f"{STAGE}: trained by a version that did not write timings." in page.text
    assert sorted(row[0] for row in page.table("Sizes")[1:]) == ["1 x 1", "33 x 40", "64 x 32", "700 x 33"]
    assert "Widths from 1 to 700, heights from 1 to 40 pixels." in page.text


def test_a_head_each(nets, two_heads, tmp_path, capsys):
    tiny.stage(tmp_path / "two", nets["heads"], two_heads)
    assert main([str(tmp_path)]) == 0
    page = Page(tmp_path / "report.html")
    capsys.readouterr()
    printed = scored(capsys, tmp_path / "two")["heads"]
    assert main([str(tmp_path), "--images", "0", "--json"]) == 0
    heads = json.loads(capsys.readouterr().out)["heads"]
    assert {head: value["mean_iu"] for head, value in heads.items()} == {
        h: printed[h]["mean_iu"] for h in ("sem", "geo")
    }
    for head in ("sem", "geo"):
        assert page.metrics[head, "mean_iu"] == f"{percent(printed[head]['mean_iu'])} %"
        assert [row[0] for row in page.table(f"Every class of {head}")[1:]] == printed[head]["classes"]
    assert sum(tag == "img" for tag, _ in page.tags) == 2 * 2 * 4  # two images, two heads, four panels


def test_a_net_that_takes_no_photograph(tmp_path, monkeypatch):
    """A net for HHA shows the photographs that the data set has as well."""

    def scenes(directory, split):
        return Synthetic(2, seed=5, height=33, width=40)

    monkeypatch.setitem(recipes.RECIPES, "hha", replace(recipes.SYNTHETIC_FCN8S, name="hha", data=scenes))
    net = tiny.saved(FCN32s(8, modality="hha", channels=TINY), tmp_path / "net.keras")
    tiny.stage(tmp_path / "runs" / "hha", net, "hha")
    assert main([str(tmp_path / "runs"), "--images", "1"]) == 0
    page = Page(tmp_path / "runs" / "report.html")
    assert page.table("Sizes")[1:] == [["40 x 33", "2"]]
    photograph = next(found for tag, found in page.tags if tag == "img")
    shown = np.asarray(decoded(photograph), int)
    assert min(np.abs(shown - example["image"]).mean() for example in scenes(None, "val")) < 8


def test_unreadable_files_are_skipped_and_named(hostile, tmp_path, capsys):
    data = shutil.copytree(hostile / "data", tmp_path / "data")
    (data / "val" / "images" / "0.png").write_bytes(b"no image")
    options = [str(hostile / "runs"), "--data", str(data), "--output", str(tmp_path / "page.html")]
    assert main(options) == 2
    assert not (tmp_path / "page.html").exists()
    capsys.readouterr()
    assert main([*options, "--on-error", "skip", "--json"]) == 0
    out, err = capsys.readouterr()
    printed = json.loads(out)
    assert printed["images"] == 3
    assert "0.png" in printed["skipped"][0]
    assert "0.png" in err
    page = Page(tmp_path / "page.html")
    assert "1 file skipped" in page.text
    assert "0.png" in page.text


def test_runs_that_are_not_there(hostile, tmp_path, capsys):
    assert "gone is not a folder. Name the --workdir of fcn-train" in error_of(capsys, tmp_path / "gone")
    assert "holds no trained models. Train one: fcn-train" in error_of(capsys, tmp_path)
    for name in ("a", "b"):
        shutil.copytree(hostile / "runs" / STAGE, tmp_path / name)
    message = error_of(capsys, tmp_path)
    assert f"holds several nets as fine as each other. Name one: {tmp_path / 'a'}, {tmp_path / 'b'}." in message
    assert not (tmp_path / "report.html").exists()


def test_what_cannot_be_written_or_scored(hostile, tmp_path, capsys):
    runs = hostile / "runs"
    assert f"--output {tmp_path} is a folder. Name the file" in error_of(capsys, runs, "--output", tmp_path)
    (tmp_path / "file").touch()
    assert "cannot be written to" in error_of(capsys, runs, "--output", tmp_path / "file" / "page.html")
    assert "has no split 'test'" in error_of(capsys, runs, "--split", "test")
    assert "The model has 4 classes, the data set 5." in error_of(capsys, runs, "--classes", "5")
    data = data_set(tmp_path / "void", 4, sizes=((8, 8),))
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save(data / "val" / "labels" / "0.png")
    assert "Every pixel of the split is void (255)" in error_of(capsys, runs, "--data", data, "--classes", "4")
    with pytest.raises(SystemExit):
        main([str(runs), "--images", "-1"])
    assert "a number from 0 on is expected. Received: -1" in capsys.readouterr().err


def test_tensorboard_shows_the_same_panels_and_the_matrix(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tiny_fcn16s" / "tensorboard" / "overlays"), size_guidance={"tensors": 0})
    events.Reload()
    assert set(events.Tags()["tensors"]) == {"overlay/0", "overlay/1", "overlay/2", "confusion"}
    assert [event.step for event in events.Tensors("confusion")] == [0, 1]
    printed = {tag: events.SummaryMetadata(tag).summary_description for tag in ("overlay/0", "confusion")}
    assert printed["overlay/0"] == "photograph, truth, prediction, errors"
    assert printed["confusion"].startswith("rows truth, columns prediction")
    width, height, png = events.Tensors("overlay/1")[-1].tensor_proto.string_val
    assert int(width) == 4 * 32
    assert int(height) > 32  # the legend
    shown = np.asarray(Image.open(io.BytesIO(png)))[:32]
    examples = recipes_by_name()["tiny_fcn16s"].data(None, "val")
    np.testing.assert_array_equal(shown[:, :32], examples[2]["image"])  # three of six, evenly spaced
    label = examples[2]["label"]
    red = (shown[:, 96:].astype(int) * [1, -1, -1]).sum(axis=-1) > 0
    assert not red[label == 255].any()
    assert red.any()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install selenium")
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            pytest.skip(f"needs the program {program}: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    for option in (
        "headless=new no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update "
        "disable-sync disable-dev-shm-usage window-size=1200,900 "
        f"user-data-dir={tmp_path_factory.mktemp('profile')}"
    ).split():
        options.add_argument(f"--{option}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    options.binary_location = shutil.which("chromium")
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield browser
    browser.quit()


class TestInABrowser:
    def opened(self, browser, path):
        """Open a page; return the addresses that it asked for, but for those that hold their data."""
        browser.get_log("performance")
        browser.get(path.as_uri())
        messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        asked = [x["params"] for x in messages if x["method"] == "Network.requestWillBeSent"]
        urls = [x["request"]["url"] for x in asked if x["documentURL"] == path.as_uri()]
        return [url for url in urls if not url.startswith("data:")]

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_opens_without_an_error_or_a_request(self, browser, run, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        asked = self.opened(browser, run / "report.html")
        assert asked == [(run / "report.html").as_uri()]
        assert browser.get_log("browser") == []
        assert browser.title == "seven: report"
        script = "return [...document.images].map(i => i.complete && i.naturalWidth)"
        assert browser.execute_script(script) == [32] * 12
        pixels = np.asarray(Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB"))
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50
        assert (np.median(pixels) > 128) == (scheme == "light")

    def test_names_that_are_markup_are_seen_as_written(self, browser, hostile):
        asked = self.opened(browser, hostile / "page.html")
        assert asked == [(hostile / "page.html").as_uri()]
        assert browser.get_log("browser") == []
        assert not browser.execute_script("return 'hacked' in window")
        text = browser.execute_script("return document.body.innerText")
        assert HOSTILE in text
        assert COMMAND in re.sub(r"\s+", " ", text)

    @pytest.mark.parametrize("width", [320, 390, 1280])
    def test_it_is_never_wider_than_the_window(self, browser, hostile, width):
        view = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", view)
        self.opened(browser, hostile / "page.html")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width

    def test_links_lead_to_sections_and_every_picture_has_a_text(self, browser, run):
        self.opened(browser, run / "report.html")
        links = browser.execute_script("return [...document.querySelectorAll('nav a')].map(a => a.hash)")
        sections = "training classes confusion boundaries images sizes timings made"
        assert links == [f"#{x}" for x in sections.split()]
        assert browser.execute_script("return arguments[0].every(h => document.querySelector(h))", links)
        script = "return [...document.querySelectorAll('img, svg')].filter(x => !(x.alt || x.ariaLabel)).length"
        assert browser.execute_script(script) == 0
