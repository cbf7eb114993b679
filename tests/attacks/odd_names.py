"""Give files, folders and classes names that steer a terminal, and look at all that the commands print."""

import json
import random
import re
import shutil
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
from PIL import Image

from tests.attacks import forked
from tests.attacks.outcome import Outcome

FORGED = "FORGED"
# What names are made of: each of these between words that anyone may read.
HOSTILE = ("\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\u202e", "\u2066", "\u200b", "\ufeff", "\x08\x08", "\r", "\x7f")
HOSTILE += ("\x85", "\u2028", "\xad", "\x01", "\U000e0041", f"\n{FORGED}: ", f"\r\n{FORGED}: ", "\t")
READABLE = (
    "Größe",
    "日本語",
    "e\u0301tude",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u0645\u06cc\u200c\u06a9\u0646\u0645",
    "a b",
)
_LINE = re.compile(rf"^{FORGED}", re.MULTILINE)


def name_of(generator, *, lines=True):
    """Draw a name; one of a class has no line breaks where `lines` is False."""
    parts = []
    for _ in range(generator.randint(1, 3)):
        odd = generator.choice([x for x in HOSTILE if lines or len(x.splitlines()) == 1])
        parts += [generator.choice(READABLE), odd]
    return "".join([*parts, str(generator.randint(0, 99))])


def hidden_in(text):
    """List what no terminal should get, by Unicode's own categories; joiners may stand in emoji and beyond Latin."""
    found = []
    for i, character in enumerate(text):
        if character in "\u200c\u200d" and min(text[i - 1 : i], text[i + 1 : i + 2]) > "\u02ff":
            continue
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs"):
            found.append(character)
    return found


def data_set(folder, generator):
    """Write images and labels of drawn names, and one that is no image; return the readable name among them."""
    kept = "Größe 日本語 \U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301"
    classes = ["background", *(name_of(generator, lines=False) for _ in range(2)), "ключ"]
    pixels = np.random.default_rng(generator.randint(0, 999))
    for name in (kept, *dict.fromkeys(name_of(generator) for _ in range(3))):
        for kind in ("images", "labels"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.integers(0, 256, (33, 40, 3), np.uint8)).save(folder / "images" / f"{name}.png")
        Image.fromarray(pixels.integers(0, 4, (33, 40), np.uint8)).save(folder / "labels" / f"{name}.png")
    (folder / "classes.txt").write_text("\n".join(classes) + "\n", encoding="utf-8")
    return kept


def coco(folder, generator):
    """Write annotations whose names of files and of classes are a stranger's."""
    (folder / "images").mkdir(parents=True)
    name = name_of(generator)
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(folder / "images" / f"{name}.png")
    box = [2, 2, 9, 2, 9, 9, 2, 9]
    content = {
        "images": [{"id": 1, "file_name": f"{name}.png", "width": 30, "height": 20}]
        + [{"id": 2, "file_name": f"{name_of(generator)}.png", "width": 30, "height": 20}] * generator.randint(0, 1),
        "categories": [{"id": 1, "name": name_of(generator)}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [box], "bbox": [2, 2, 7, 7]}],
    }
    (folder / "all.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def spoil(folder, generator):
    """Make one image unreadable."""
    path = generator.choice(sorted((folder / "images").iterdir()))
    path.write_bytes(b"no image")


def commands(work, generator, nets):
    """Return the commands to try, as lists, in the order that they need."""
    data, odd = work / "data", work / name_of(generator)
    out = odd / "out"
    images, net = data / "images", odd / "net.keras"
    odd.mkdir()
    shutil.copyfile(nets / "net.keras", net)
    shutil.copyfile(data / "classes.txt", odd / "classes.txt")
    data_of = ["--data", data, "--split", "none"]
    skip = ["--on-error", "skip"]
    return [
        ["predict", net, images, "--output", out / "labelled", "--format", "palette,coco,labelme", *skip],
        ["predict", net, images, "--output", out / "labelled", *skip, "--json"],
        ["predict", net, images, "--output", out / "labelled", *skip, "-v"],
        ["predict", net, images, "--output", out / "labelled"],
        ["predict", odd / "missing.keras", images, "--output", out],
        ["predict", net, odd / name_of(generator), "--output", out],
        ["rank", net, images, "--output", out / "ranked", "--format", "labelme", *skip],
        ["rank", net, images, "--json", *skip],
        ["evaluate", net, *data_of, "--output", out / "scores", *skip],
        ["evaluate", net, *data_of, "--json", *skip],
        ["evaluate", net, *data_of, "-v"],
        ["compare", net, nets / "net.keras", *data_of, "--output", out / "compared"],
        ["doctor", data, "--output", out / "checked", "--html", out / "page.html"],
        ["doctor", data, "--json"],
        ["doctor", data, "--fix", out / "fixed"],
        ["doctor", "--import", "coco", work / "coco", "--into", out / "imported"],
        ["submit", net, "--data", images, "--output", out / "submitted"],
        ["bound", "--data", data, "--split", "none"],
        ["import_weights", nets / "net.caffemodel", out / f"{name_of(generator)}.keras"],
        ["import_weights", nets / "caffe.keras", out / f"{name_of(generator)}.caffemodel"],
        ["export", net, out / f"{name_of(generator)}.tflite", "--format", "litert", "--classes", odd / "classes.txt"],
        ["check", odd / "missing.onnx"],
        ["check", odd],
        ["kit", name_of(generator), out / "kit"],
        ["batch", "--input", f"{images}/*", "--model", nets / "served", "--output", out / "masks"],
        ["predict", net, images, "--output", out, f"--{name_of(generator)}"],
    ]


def judge(command, ended, pages):
    """Say what was lost, or ""."""
    if ended.code not in (0, 1, 2):
        return f"exit {ended.code}: {ended.err[-200:]!r}"
    as_json = "--json" in command and ended.code == 0
    for name, written in (("stdout", ended.out), ("stderr", ended.err), *pages):
        try:
            text = written.decode("utf-8")
        except UnicodeDecodeError as error:
            return f"{name}: {error}"
        if hidden := hidden_in(text):
            at = text.index(hidden[0])
            return f"{name} holds {hidden[0]!r}: {text[max(0, at - 60) : at + 20]!r}"
        if name in ("stdout", "stderr") and (line := _LINE.search(text)):
            return f"{name} has a line of a stranger's: {text[max(0, line.start() - 80) : line.end()]!r}"
    if as_json:
        try:
            whole = ended.out.decode()
            [json.loads(line) for line in (whole.splitlines() if command[0] == "predict" else [whole])]
        except ValueError as error:
            return f"no JSON: {error}"
    return ""


def attack(workdir, seconds, *, seed=0, least=1):
    """Draw names for about so many seconds; return `Outcome`."""
    from tests.attacks.written_commands import prepare

    nets = workdir / "nets"
    deadline, generator, lost, tries = time.monotonic() + seconds, random.Random(seed), [], 0
    if not nets.exists():
        forked.call(lambda: prepare(nets))
    while time.monotonic() < deadline or tries < least:
        work = workdir / "work"
        shutil.rmtree(work, ignore_errors=True)
        kept = data_set(work / "data", generator)
        coco(work / "coco", generator)
        if generator.random() < 0.5:
            spoil(work / "data", generator)
        for command in commands(work, generator, nets):
            ended = forked.run(command)
            pages = [(path.name, path.read_bytes()) for path in work.rglob("*.html")]
            tries += 1
            found = judge(command, ended, pages)
            if command[0] == "predict" and ended.code == 0 and "--json" not in command:
                found = found or ("" if kept.encode() in ended.out + ended.err else f"not readable: {kept}")
            if found:
                lost.append(f"{[*map(str, command)]!r}: {found}")
            if time.monotonic() > deadline and tries >= least:
                break
    return Outcome("names that steer a terminal", tries, tuple(lost))


def soak(seconds, workdir):
    forked.import_all()
    return [attack(workdir, seconds)]


if __name__ == "__main__":
    forked.import_all()
    found = attack(Path(sys.argv[1]), float(sys.argv[2]), seed=int(sys.argv[3]))
    print(found.tries, len(found.lost), *found.lost, sep="\n")
