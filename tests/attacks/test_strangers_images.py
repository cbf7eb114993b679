"""Images of strangers: every hostile file is named in one line, and `--on-error skip` goes on without it."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets import images
from fcn_keras.datasets.folder import Folder
from fcn_keras.models import FCN8s
from tests.attacks.images import accepted, attempt, refused, storm
from tests.attacks.images import write as write_files
from tests.training.conftest import models_once  # noqa: F401  # a fixture
from tests.training.faulty import clean
from tests.training.tiny import NARROW, data_set, picture, saved, write
from training.bound import command as bound
from training.doctor import command as doctor
from training.evaluate import command as evaluate
from training.predict import command as predict

ROOT = Path(__file__).parents[2]
REFUSED, ACCEPTED = refused(), accepted()
pytestmark = pytest.mark.usefixtures("models_once")


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return saved(FCN8s(3, channels=NARROW), tmp_path_factory.mktemp("net") / "net.keras")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A folder of every refused file."""
    folder = tmp_path_factory.mktemp("hostile")
    write_files(folder, REFUSED)
    return folder


def run(main, capsys, *arguments):
    """Run a command; return its code, its output, and the lines on stderr but for Pillow's warnings and `next:`."""
    code = main([*map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, [line for line in err.splitlines() if not line.startswith("next: ")]


# --- The readers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_is_named(hostile, name):
    with pytest.raises(ValueError, match=rf"{name}") as error:
        images.read_image(hostile / name)
    assert REFUSED[name][1] in str(error.value)
    assert attempt(hostile / name) == []


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", ACCEPTED)
def test_odd_images_are_read(tmp_path, name):
    contents, size, first = ACCEPTED[name]
    (tmp_path / name).write_bytes(contents)
    image = images.read_image(tmp_path / name)
    assert image.shape == (*size, 3)
    assert images.read_size(tmp_path / name) == size
    if first is not None:
        assert tuple(image[0, 0]) == first


def test_pipes_and_folders_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for name in ("pipe.png", "folder.png"):
        with pytest.raises(ValueError, match=rf"{name} cannot be read as an image: it is no file"):
            images.read_size(tmp_path / name)


def test_postscript_starts_no_program(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))
    write_files(tmp_path, {"a.eps": REFUSED["postscript.jpg"]})
    with pytest.raises(ValueError, match="it is a PostScript file"):
        images.read_image(tmp_path / "a.eps")
    assert not {".eps", ".ps", ".h5", ".mpg", ".pdf"} & images.extensions()
    assert {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".gif", ".pgm"} <= images.extensions()


@pytest.mark.parametrize("cut", range(0, 31, 2))
def test_cut_exif_is_upright(tmp_path, cut):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = exif.tobytes()
    Image.new("RGB", (5, 3)).save(tmp_path / "a.png", exif=data[: len(data) - cut] if cut else data)
    whole = cut <= 4  # the place of the next directory, which nobody follows
    assert images.read_size(tmp_path / "a.png") == ((5, 3) if whole else (3, 5))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")
def test_mutated_images_end_in_pixels_or_a_value_error(tmp_path):
    files = [contents for contents, *_ in {**REFUSED, **ACCEPTED}.values() if len(contents) < 20_000]
    tries, lost = storm(60, tmp_path, files, seed=random.Random(0).randrange(2**32), tries=250)
    assert (tries, lost) == (250, [])


def test_bombs_take_no_memory(hostile):
    """Reading them all fits into what a process has once it has imported the reader, and 200 MiB."""
    code = """
import resource, sys
from tests.attacks.images import attempt
import fcn_keras.datasets.images
have = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (have + 200 * 2**20,) * 2)
print(*(line for path in sys.argv[1:] for line in attempt(path)), sep="\\n")
"""
    bombs = [str(path) for path in sorted(hostile.glob("bomb*"))]
    environment = {**os.environ, "KERAS_BACKEND": "numpy", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *bombs], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("", 0), done.stderr


# --- The commands -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["empty.jpg", "svg.jpg", "bomb.png", "truncated.jpg", "half.png", "html.jpg"])
def test_predict_fails_in_one_line(net, hostile, tmp_path, capsys, name):
    code, _, lines = run(predict.main, capsys, net, hostile / name, "--output", tmp_path / "out")
    assert code == 2
    (line,) = lines
    assert line.startswith("fcn-predict: ")
    assert name in line
    assert REFUSED[name][1] in line
    assert not list(tmp_path.rglob("*.*"))


def test_predict_skips_and_counts(net, hostile, tmp_path, capsys):
    write(hostile / "deeper" / "good.png", picture(24, 30))
    code, out, lines = run(predict.main, capsys, net, hostile, "--output", tmp_path / "out", "--on-error", "skip")
    (hostile / "deeper" / "good.png").unlink()
    assert code == 0
    named = [line for line in lines if line.startswith("fcn-predict: skipped: ")]
    assert len(named) == len(REFUSED)
    for name, (_, reason) in REFUSED.items():
        assert sum(f"/{name}" in line and reason in line for line in named) == 1, name
    assert out.splitlines()[-1] == f"1 image labelled in {tmp_path / 'out'}; {len(REFUSED)} skipped"
    made = sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert made == [".fcn-labels.json", "good.jpg", "good.png", "legend.png"]


def test_predict_with_nothing_left(net, hostile, tmp_path, capsys):
    arguments = (net, hostile / "half.png", "--output", tmp_path / "out", "--on-error", "skip")
    code, _, lines = run(predict.main, capsys, *arguments)
    assert code == 2
    assert lines[-1] == "fcn-predict: None of 1 files can be read, and nothing is left without them."


@pytest.fixture
def data(tmp_path):
    """Three pairs, the first image of which is cut and the last mask of which is a page of HTML."""
    folder = data_set(tmp_path / "data", 3, sizes=((40, 33), (24, 30), (32, 64)))
    first, last = folder / "val" / "images" / "0.png", folder / "val" / "labels" / "2.png"
    first.write_bytes(first.read_bytes()[:-60])
    last.write_bytes(REFUSED["html.jpg"][0])
    return folder


def test_evaluate_fails_in_one_line(net, data, capsys):
    code, out, lines = run(evaluate.main, capsys, net, "--data", data)
    assert (code, out, len(lines)) == (2, "", 1)
    assert "images/0.png cannot be read as an image: " in lines[0]


def test_evaluate_skips_and_scores_what_is_left(net, data, tmp_path, capsys):
    arguments = ("--data", data, "--on-error", "skip")
    code, out, lines = run(evaluate.main, capsys, net, *arguments, "--json")
    assert code == 0
    assert [line.split(" cannot")[0] for line in lines] == [
        f"fcn-evaluate: skipped: {data}/val/{name}" for name in ("images/0.png", "labels/2.png")
    ]
    found = json.loads(out)
    assert found["images"] == 1
    assert [line.split(" cannot")[0] for line in found["skipped"]] == [
        f"{data}/val/{name}" for name in ("images/0.png", "labels/2.png")
    ]
    alone = tmp_path / "alone"
    for kind in ("images", "labels"):
        (alone / "val" / kind).mkdir(parents=True)
        (alone / "val" / kind / "1.png").write_bytes((data / "val" / kind / "1.png").read_bytes())
    expected = json.loads(run(evaluate.main, capsys, net, "--data", alone, "--json")[1])
    assert found["per_class_iu"] == expected["per_class_iu"]
    assert "skipped" not in expected
    text = run(evaluate.main, capsys, net, *arguments)[1]
    assert text.splitlines()[0].endswith("1 image, in percent; 2 skipped")


def test_evaluate_with_nothing_left(net, data, capsys):
    (data / "val" / "images" / "1.png").write_bytes(b"")
    code, out, lines = run(evaluate.main, capsys, net, "--data", data, "--on-error", "skip")
    assert (code, out, len(lines)) == (2, "", 4)
    assert lines[-1] == "fcn-evaluate: None of 3 files can be read, and nothing is left without them."


def test_label_files_are_skipped_too(data, capsys):
    labels = data / "val" / "labels"
    code, _, lines = run(evaluate.main, capsys, labels, "--labels", labels)
    assert (code, len(lines)) == (2, 1)
    assert "2.png cannot be read as an image: it is an HTML page" in lines[0]
    write(labels / "1.png", np.full((24, 30), 255, np.uint8))
    code, out, lines = run(evaluate.main, capsys, labels, "--labels", labels, "--on-error", "skip", "--json")
    assert (code, len(lines)) == (0, 1)
    found = json.loads(out)
    assert found["images"] == 2
    assert len(found["skipped"]) == 1


@pytest.mark.parametrize("kind", ["images", "labels"])
def test_training_reads_are_verified_first(tmp_path, kind):
    folder = data_set(tmp_path / "data", 3, sizes=((8, 8),) * len(REFUSED))
    for index, (name, (contents, _)) in enumerate(REFUSED.items()):
        # A mask may hold floats no more than an image.
        (folder / "val" / kind / f"{index}.png").write_bytes(contents)
        assert name
    pairs = Folder(folder, "val", classes=3)
    for index in range(len(pairs)):
        with pytest.raises(ValueError, match=rf"val/{kind}/") as error:
            pairs[index]
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=rf"{len(REFUSED)} of {len(REFUSED)} examples are bad:\n"):
        pairs.verify()


def test_doctor_and_bound_name_them(data, capsys):
    code, out, lines = run(doctor.main, capsys, data, "--classes", "3", "--json")
    assert (code, lines) == (1, [])
    findings = {finding["code"]: finding for finding in json.loads(out)["findings"]}
    assert findings["image-unreadable"]["files"] == ["val/images/0.png"]
    assert findings["mask-unreadable"]["files"] == ["val/labels/2.png"]
    code, out, lines = run(bound.main, capsys, "--data", data, "--classes", "3")
    assert (code, out, len(lines)) == (2, "", 1)
    assert "0.png cannot be read as an image" in lines[0]


def test_doctor_fixes_an_image_whose_exif_loops(tmp_path, capsys):
    folder = clean(tmp_path / "data")
    path = folder / "train" / "images" / "0.png"
    pixels = np.asarray(Image.open(path))
    loop = ACCEPTED["exif-loop.png"][0]
    start = loop.index(b"eXIf") - 4
    exif = loop[start + 8 : start + 8 + int.from_bytes(loop[start : start + 4], "big")]
    Image.fromarray(np.rot90(pixels).copy()).save(path, exif=exif)
    code, _, lines = run(doctor.main, capsys, folder, "--fix", tmp_path / "fixed")
    assert (code, lines) == (0, [])
    fixed = tmp_path / "fixed" / "train" / "images" / "0.png"
    assert images.orientation(fixed) == 1
    np.testing.assert_array_equal(images.read_image(fixed), pixels)
