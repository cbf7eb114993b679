"""A folder in which a page's code blocks run as they are printed, one after the other, in this process.

What is not as a reader has it, so that all pages take seconds:

- Networks are narrow: the default of `channels` is a table of few channels instead of VGG16's, and of few layers where
  a page loads no file of VGG16 or Caffe.
- "Keras's published VGG16" is a file of random weights of that width.
- `fit` stops after two steps; the recipes of one's own folder have two, and one stage instead of three, from scratch. A
  run in minutes is planned for a machine that takes a second for a pixel, so that its stages have one step an epoch.
- Exported models are compared and warmed up on pictures of 48x64 pixels, not of 375x500, and half of an int8 file's
  labels have to agree: the scores of a net that nobody trained lie close together.
- `fcn-serve` serves from a thread with the options that its parser read, on free ports: `localhost:8500` and
  `localhost:8501` in the text become those, of the server with TLS behind `https` and `grpcs`. Its model has the label
  `canary` too.
- An exported model is loaded once for a page: whoever loads the same bytes again, in a session as `fcn-serve` and the
  comparison at an export do or with `tf.saved_model.load`, gets what is loaded. A photograph of twelve million pixels
  has a hundredth of them.
- A command that the page has shown before, word for word, is not run again.
- Commands run by their `main(argv)`, `python -c` by `exec`, everything else by bash.
"""

import contextlib
import functools
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import fcn_keras_serving as installed  # which the page's Python imports
import fcn_keras_serving.export.saved_model.parity
import fcn_keras_serving.server.models.servable
import keras
import numpy as np
import tensorflow as tf
from fcn_keras_serving.export.accuracy import agreement as parity
from PIL import Image

import fcn_keras as fcn
from fcn_keras import vgg16_files
from fcn_keras.datasets.synthetic import SEM, Synthetic
from serving.export import version as export
from serving.export.saved_model import parity as comparison
from serving.server.models import servable
from tests.docs.blocks import ROOT
from tests.training.quick_small import TINY, make_quick_small
from tools.pages import commands as our_commands
from training.recipes import catalogue as recipes
from training.train import budget, measurement

NARROW = ((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32  # the width of tests/parity's Caffe files
NETWORKS = (fcn.FCN32s, fcn.FCN16s, fcn.FCN8s, fcn.LateFusion)
PORTS = {"localhost:8500": "grpc", "localhost:8501": "rest"}
SMALLER = {"[1, 3000, 4000, 3]": "[1, 300, 400, 3]"}
OPENING = comparison, servable, installed.export.saved_model.parity, installed.server.models.servable
SECURE = {"grpcs://localhost:8500": "grpc", "https://localhost:8501": "rest"}


def make_small(patch, folder, page):
    """Put small nets and two steps in the place of VGG16 and hours, for one page; `patch` is a `pytest.MonkeyPatch`."""
    loads = re.search("load_imagenet|load_caffemodel", (ROOT / page).read_text(encoding="utf-8"))
    for network in NETWORKS:
        patch.setitem(network.__kwdefaults__, "channels", NARROW if loads else TINY)
    if loads:
        patch.setattr(vgg16_files, "download", lambda with_classifier: str(_random_vgg16(folder / "vgg16.npz")))
    for name in ("folder_fcn32s", "folder_fcn16s", "folder_fcn8s"):
        short = {"steps": 2, "steps_per_epoch": 2, "validation_images": 1, "imagenet": False, "init_from": None}
        small = recipes.replace(recipes.RECIPES[name], model_options={"channels": TINY}, **short)
        patch.setitem(recipes.RECIPES, name, small)
    make_quick_small(patch, recipes, budget, measurement)
    patch.setattr(export, "SIZES", ((48, 64),))
    patch.setitem(parity.LEAST_AGREEMENT, "int8", 0.5)
    load_once(patch)
    fit = keras.Model.fit

    def short_fit(model, *arguments, **options):
        if options.get("steps_per_epoch", 0) > 2:
            options |= {"steps_per_epoch": 2, "epochs": 1}
        return fit(model, *arguments, **options)

    patch.setattr(keras.Model, "fit", short_fit)


def load_once(patch):
    """Load every SavedModel once, whatever its folder is called by then; `patch` is a `pytest.MonkeyPatch`."""
    loaded = {}

    def once(load, folder):
        contents = hashlib.sha256()
        for file in (Path(folder, "saved_model.pb"), *sorted(Path(folder, "variables").glob("*"))):
            contents.update(file.read_bytes())
        key = load, contents.digest()
        if key not in loaded:
            loaded[key] = load(folder)
        return loaded[key]

    opened = functools.partial(once, functools.partial(_kept_open, comparison.open_session))
    for module in OPENING:
        patch.setattr(module, "open_session", opened)
    patch.setattr(tf.saved_model, "load", functools.partial(once, tf.saved_model.load))


def _kept_open(open_session, folder):
    session, meta_graph = open_session(folder)
    session.close = lambda: None  # whoever asks next has the same
    return session, meta_graph


def _random_vgg16(path):
    """Write a file of the narrow trunk's weights as they are at the start."""
    arrays = {}
    for layer in fcn.FCN32s(2).layers:
        if re.fullmatch(r"conv\d_\d|fc[67]", layer.name):
            arrays[f"{layer.name}_W"], arrays[f"{layer.name}_b"] = layer.get_weights()
    np.savez(path, **arrays)
    return path


def prepare(folder, page):
    """Put into `folder` what a page names: photographs, data sets, a trained net and what else a reader has."""
    scenes = Synthetic(8, seed=3, height=48, width=64)
    for number, split in enumerate(["train", "train", "train", "val", "val"]):
        _write(folder / f"photos/{split}/images/{number}.jpg", scenes[number]["image"])
        _write(folder / f"photos/{split}/labels/{number}.png", scenes[number]["label"])
    (folder / "photos/classes.txt").write_text("\n".join(SEM) + "\n")
    for name in ("a.jpg", "b.png", "photo.jpg", "photos/1.jpg", "new_photos/1.png", "new_photos/2.jpg"):
        _write(folder / name, scenes[5]["image"])
    if page == "docs/next-round.md":  # more than the 20 that are labelled there
        for number, scene in enumerate(Synthetic(22, seed=5, height=48, width=64)):
            _write(folder / f"new_photos/scene{number}.png", scene["image"])
    shutil.copy(ROOT / "tests/parity/data/voc-fcn8s.caffemodel", folder / "fcn8s-heavy-pascal.caffemodel")
    for number in range(100):  # the fewest that int8 is calibrated on
        _write(folder / f"data/train/images/{number}.png", Synthetic(1, seed=number, height=32, width=48)[0]["image"])
    model = scored(fcn.FCN32s(len(SEM), channels=TINY))
    if "runs/road" in (ROOT / page).read_text(encoding="utf-8"):
        stage = folder / "runs/road"
        stage.mkdir(parents=True)
        model.save(stage / "best.keras")
        (stage / "classes.txt").write_text("\n".join(SEM) + "\n")
    return {"image": scenes[6]["image"], "examples": [scenes[0], scenes[1]], "model": model}


def scored(model):
    """Give a fresh net's scoring layers, which start at zero, something to say."""
    generator = np.random.default_rng(0)
    for variable in model.trainable_variables:
        if "score" in variable.path:
            variable.assign(generator.normal(0, 0.3, variable.shape))
    return model


def _write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


class Workshop:
    """Runs the blocks of one page; the working directory is its folder.

    Args:
        names: what Python blocks find: they share one namespace, as cells of a notebook do.
    """

    def __init__(self, names):
        self.names = dict(names)
        self.commands = our_commands()
        self.servers, self.addresses = contextlib.ExitStack(), {}

    def close(self):
        self.servers.close()

    def python(self, block):
        """Execute a Python block; its errors point to its line on the page."""
        source = "\n" * (block.line - 1) + self._here(block.text)
        exec(compile(source, block.page, "exec"), self.names)

    def run(self, command):
        """Run one command of a shell block, and fail where it fails."""
        words = [self._here(os.path.expandvars(word)) for word in command.words]
        if words[0] in self.commands:
            (self.serve if words[0] == "fcn-serve" else self.call)(*words)
        elif words[:2] == ["python", "-c"]:
            self.execute(*words[2:])
        else:
            subprocess.run(["bash", "-euc", self._here(command.text)], check=True, stdout=subprocess.DEVNULL)

    def call(self, name, *arguments):
        code = self.commands[name].main(arguments)
        assert code == 0, f"{name} {' '.join(arguments)} ended with exit code {code}"

    def execute(self, code, arrow=None, file=os.devnull):
        """Run `python -c CODE`, or `python -c CODE > FILE`."""
        assert arrow in (None, ">")
        with open(file, "w") as stdout, contextlib.redirect_stdout(stdout):
            exec(compile(code, "python -c", "exec"), {"__name__": "__main__"})

    def serve(self, name, *arguments):
        """Do what `fcn-serve` does before it waits for a signal."""
        from serving.server.command import Options, _check, running
        from serving.server.security import read_token
        from serving.server.settings import ModelConfig

        given = self.commands[name].build_parser().parse_args(arguments)
        _check(given)
        options = {field: getattr(given, field) for field in Options._fields if field != "token"}
        options |= {"host": "127.0.0.1", "port": 0, "rest_api_port": 0, "token": read_token(given.token_file)}
        options["allow_version_labels_for_unavailable_models"] = True  # the label is there from the start
        path = Path(given.model_base_path)
        first = min(int(version.name) for version in path.iterdir() if version.name.isdecimal())
        model = ModelConfig(given.model_name, str(path.absolute()), labels={"canary": first})
        addresses = self.servers.enter_context(running([model], **options))
        for text, kind in (SECURE if given.ssl_config_file else PORTS).items():
            port = getattr(addresses, kind).rsplit(":", 1)[1]
            self.addresses[text] = re.sub(r"\d+$", port, text)

    def _here(self, text):
        for printed, smaller in SMALLER.items():
            text = text.replace(printed, smaller)
        for printed, address in sorted(self.addresses.items(), key=lambda pair: -len(pair[0])):  # with a scheme first
            text = text.replace(printed, address)
        return text
