"""What is wrong on a command line is told before TensorFlow, Keras or Apache Beam start: in less than a second."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {
    "fcn-train": "training.train",
    "fcn-evaluate": "training.evaluate",
    "fcn-predict": "training.predict",
    "fcn-rank": "training.rank",
    "fcn-label-studio": "training.label_studio",
    "fcn-bound": "training.bound",
    "fcn-compare": "training.compare",
    "fcn-report": "training.report",
    "fcn-figures": "training.figures",
    "fcn-submit": "training.submit",
    "fcn-import-weights": "training.import_weights",
    "fcn-doctor": "training.doctor",
    "fcn-export": "serving.export",
    "fcn-check": "serving.check",
    "fcn-kit": "serving.kit",
    "fcn-serve": "serving.server",
    "fcn-query": "serving.client",
    "fcn-batch": "serving.batch",
}
# In a folder of photos/val, net.keras, a.jpg and runs without a stage. A line of the command, and what it says.
CASES = (
    ("fcn-train voc_fcn8x --data photos", "No recipe is called 'voc_fcn8x'. Did you mean voc_fcn8s?"),
    ("fcn-train photos", "No recipe is called 'photos'. Your own folder? Say --data photos."),
    ("fcn-train fcn8s --data photos", "For your own folder say --data DIR --model fcn8s."),
    (
        "fcn-train --data phots",
        "--data phots is not a folder. Name the folder of images and masks. Did you mean photos?",
    ),
    ("fcn-train --data a.jpg", "--data a.jpg is not a folder but a file."),
    ("fcn-train voc_fcn8s", "This recipe reads images: give their folder with --data DIR."),
    ("fcn-train synthetic_fcn8s --data photos", "The synthetic scenes are drawn, not read."),
    ("fcn-train voc_fcn8s --data photos --classes 3", "knows how its data is read: leave out --classes"),
    ("fcn-train --data photos --classes gone.txt", "--classes gone.txt is missing. Name a class file"),
    ("fcn-train --data photos --classes 0", "--classes is a number of classes from 1 on"),
    ("fcn-train --data photos --weights gone.h5", "--weights gone.h5 is missing."),
    ("fcn-train --data photos --workdir a.jpg", "--workdir a.jpg cannot be written to"),
    ("fcn-train --data photos --steps 0", "--steps is at least 1. Received: 0."),
    ("fcn-train --data photos --learning-rate nan", "--learning-rate is above 0. Received: nan."),
    ("fcn-train --data photos --loss dise", "Received: 'dise'. Did you mean dice?"),
    ("fcn-train --data photos --loss 0.5*dice+", "--loss adds up crossentropy, focal, dice, tversky, lovasz."),
    ("fcn-train --data photos --dtype-policy mixed_float61", "--dtype-policy is one of float32, mixed_bfloat16,"),
    ("fcn-train --modle fcn8s", "unrecognized arguments: --modle (did you mean --model?)"),
    ("fcn-evaluate gone.keras", "gone.keras is missing."),
    ("fcn-evaluate a.jpg", "a.jpg is not a .keras file."),
    ("fcn-evaluate net.keras", "There is no recipe.json beside net.keras: say --data DIR, or --recipe NAME."),
    ("fcn-evaluate net.keras --data gone", "gone is not a folder. Name the data set's folder."),
    ("fcn-evaluate net.keras --data photos --split test", "photos has no split 'test'"),
    ("fcn-evaluate net.keras --data photos --recipe voc_fcn8x", "Did you mean voc_fcn8s?"),
    ("fcn-evaluate net.keras --data photos --output a.jpg", "--output a.jpg cannot be written to"),
    ("fcn-evaluate net.keras --data photos --tta-scales 1", "--tta-scales belongs to --tta."),
    ("fcn-evaluate net.keras --data photos --scale big", "big"),
    ("fcn-evaluate gone --labels photos", "gone is missing. Name predicted label files."),
    ("fcn-predict gone.keras a.jpg --output out", "gone.keras is missing."),
    ("fcn-predict net.keras b.jpg --output out", "b.jpg is missing. Name images, or folders of images."),
    ("fcn-predict net.keras photo --output out", "Did you mean photos?"),
    ("fcn-predict net.keras *.webp --output out", "*.webp matches no image."),
    ("fcn-predict net.keras a.jpg --output net.keras", "--output net.keras cannot be written to"),
    ("fcn-predict net.keras a.jpg --ouput out", "unrecognized arguments: --ouput (did you mean --output?)"),
    ("fcn-rank gone.keras photos", "gone.keras is missing."),
    ("fcn-rank net.keras phots", "phots is not a folder. Name the folder of photographs. Did you mean photos?"),
    ("fcn-rank net.keras photos --top 0", "--top is at least 1. Received: 0."),
    ("fcn-rank net.keras photos --by agreement", "say --tta too."),
    ("fcn-rank net.keras photos --format cvat", "Say where with --output DIR."),
    ("fcn-predict net.keras a.jpg --output out --tile 33", "--tile is a positive multiple of 32."),
    ("fcn-label-studio net.keras", "Say where images are: --local-files DIR, --url URL of Label Studio, or both."),
    ("fcn-bound --data gone", "gone is not a folder. Name the data set's folder."),
    ("fcn-bound --recipe voc_fcn8x --data photos", "Did you mean voc_fcn8s?"),
    ("fcn-bound --recipe voc_fcn8s", "This recipe reads images: give their folder with --data DIR."),
    ("fcn-bound --data photos --factors 0", "--factors is at least 1. Received: 0."),
    ("fcn-compare net.keras gone.keras", "gone.keras is missing."),
    ("fcn-compare net.keras net.keras --data gone", "gone is not a folder."),
    ("fcn-compare net.keras net.keras --data photos --output a.jpg", "--output a.jpg cannot be written to"),
    ("fcn-compare gone photos --labels photos", "gone is missing."),
    ("fcn-report gone", "gone is not a folder. Name the --workdir of fcn-train"),
    ("fcn-report runs", "runs holds no trained models."),
    ("fcn-report rnus", "Did you mean runs?"),
    ("fcn-figures gone", "gone is not a folder. Name the --workdir of fcn-train."),
    ("fcn-figures runs", "runs holds 0 stages whose names end in _fcn8s."),
    ("fcn-submit net.keras --data gone --output out", "gone is not a folder. Name VOCdevkit"),
    ("fcn-submit gone.keras --data photos/val/images --output out", "gone.keras is missing."),
    ("fcn-import-weights gone.caffemodel net2.keras", "gone.caffemodel is missing."),
    ("fcn-import-weights gone.keras net.caffemodel", "gone.keras is missing."),
    ("fcn-import-weights net.keras gone/net.caffemodel", "gone is not a folder."),
    ("fcn-doctor gone", "gone is not a folder."),
    ("fcn-doctor --data photos", "unrecognized arguments: --data (give DIR by its place, without --data)"),
    ("fcn-doctor phots", "Did you mean photos?"),
    ("fcn-doctor photos --fix out --output a.jpg", "--output a.jpg cannot be written to"),
    ("fcn-doctor gone --import --into out", "gone"),
    ("fcn-export gone.keras models/fcn", "gone.keras is missing."),
    ("fcn-export net.keras a.jpg/fcn", "a.jpg"),
    ("fcn-export net.keras models/fcn --classes gone.txt", "gone.txt"),
    ("fcn-export net.keras net.onnx --format onnx --validate gone", "--validate gone is not a folder."),
    (
        "fcn-export net.keras net.onnx --format onnx --precision int8 --calibrate gone",
        "--calibrate gone is not a folder",
    ),
    ("fcn-check gone", "gone is missing. Name a version's folder"),
    ("fcn-check net.keras", "net.keras is nothing that fcn-export wrote."),
    ("fcn-kit Fcn out", "A model's name is at most 40"),
    ("fcn-serve --model_base_path gone", "gone is not a folder."),
    ("fcn-serve models/fcn", "unrecognized arguments: models/fcn (did you mean --model_base_path models/fcn?)"),
    ("fcn-serve --model_config_file gone", "gone"),
    ("fcn-serve --model_base_path photos --token_file gone", "gone"),
    ("fcn-query http://localhost:1 gone --output out", "gone is missing. Name images, or folders of images."),
    ("fcn-query http://localhost:1 a.jpg --ouput out", "unrecognized arguments: --ouput (did you mean --output?)"),
    ("fcn-query http://localhost:1 a.jpg --output net.keras", "--output net.keras cannot be written to"),
    ("fcn-batch --inpt a.jpg --model photos --output out", "--inpt is none of its options (did you mean --input?)."),
    ("fcn-batch --input gone --model photos --output out", "No file matches gone."),
    ("fcn-batch --input a.jpg --model gone --output out", "--model gone is not a folder."),
    ("fcn-batch --input a.jpg --model photos --output out", "photos holds no SavedModel."),
    ("fcn-batch --input a.jpg --modle photos --output out", "unrecognized arguments: --modle (did you mean --model?)"),
)
RUN = """
import contextlib, importlib, io, json, sys
HEAVY = {"tensorflow", "keras", "apache_beam", "torch"}
told = []
for words, module in json.load(sys.stdin):
    err, before = io.StringIO(), set(sys.modules)
    with contextlib.redirect_stderr(err):
        try:
            code = importlib.import_module(module).main(words)
        except SystemExit as end:
            code = end.code
    told.append([code, err.getvalue(), sorted(HEAVY & set(sys.modules) - before)])
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What every case says, from one process."""
    place = tmp_path_factory.mktemp("place")
    for name in ("photos/val/images/a.jpg", "photos/val/labels/a.png", "net.keras", "a.jpg", "runs/none/log.csv"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    Image.new("RGB", (8, 8)).save(place / "a.jpg")
    calls = [[line.split()[1:], COMMANDS[line.split()[0]]] for line, _ in CASES]
    before = sorted(place.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps(calls), cwd=place, env={"PYTHONPATH": str(ROOT)}, text=True,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(place.rglob("*")) == before
    return dict(zip((line for line, _ in CASES), json.loads(done.stdout), strict=True))


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_it_is_told_at_once(line, expected, told):
    code, said, heavy = told[line]
    assert (code, heavy) == (2, []), said
    assert said.startswith(f"{line.split()[0]}: ")
    assert said.count("\n") == 1
    assert expected in said


def test_every_command_is_here():
    assert {line.split()[0] for line, _ in CASES} == set(COMMANDS)
