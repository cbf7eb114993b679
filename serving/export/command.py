"""Write a network as a SavedModel for TensorFlow Serving: `fcn-export MODEL DIRECTORY`; or as another format's file."""

import errno
import json
import logging
import math
import os
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from fcn_keras_console import run, start_tensorflow
from fcn_keras_console.files import made

from . import options as export_options
from .options import EXTRAS
from .provenance import beside, read_names

LOG = logging.getLogger("fcn-export")
MAX_PIXELS = 480_000  # which a network of full width answers in less than 512 MiB
SIZES = ((375, 500), (500, 375))  # PASCAL VOC's photographs


def export(model, directory, *, version=None, classes=None, max_pixels=MAX_PIXELS, extras=(), sizes=None, origin=None):
    """Write one version of a served model: `directory/<version>/`.

    The SavedModel needs TensorFlow alone, computes in float32 and answers three signatures:

    - `serving_default`: `image_bytes` [N], JPEG, PNG, BMP or WebP files of any mix of sizes -> `label_png_bytes` [N],
      grey PNG of class ids at each image's own size, `height` and `width` [N], and `status` [N]. Pixels are those that
      `fcn-evaluate` reads, bit by bit, turned upright by EXIF. A file that cannot be answered does not disturb its
      neighbours: its `status` is a sentence (and empty otherwise), its PNG is empty, its sizes are 0. An `"rgbd"` net
      takes `depth_png_bytes` [N] as well (16-bit PNG, millimetres); a `LateFusion` takes `rgb_bytes` and `hha_bytes`.
    - `predict_tensors`: `image` [N,H,W,C] uint8 (uint16 with depth) -> `label` [N,H,W] uint8.
    - `predict_scores`: `image` [N,H,W,C] float32, 0-255 -> `scores` [N,H,W,K] float32.

    Several heads answer `<head>_png_bytes`, `<head>_label`, `<head>_scores`. Labels are uint8, and uint16 above 256
    classes.

    Beside the SavedModel lie the palette and class names (`assets/`), requests with which a server warms up
    (`assets.extra/`), `batching_params.pbtxt`, and a model card (`README.md`, `model.json`), for which the written
    SavedModel is loaded and compared with `model`. The folder appears under its name when it is complete; a server that
    polls `directory` never sees a part of it.

    Args:
        model: a network of this package, under any dtype policy.
        directory: the served model's folder, which holds its versions and whose name is the model's; made if missing.
        version: positive int; default one more than the highest there, from 1 on.
        classes: names of the classes, or a mapping head -> names.
        max_pixels: `serving_default` refuses images with a larger height times width, before it decodes them.
        extras: further outputs of `serving_default`, of `"color"` (`color_png_bytes` [N], in VOC's colours), `"counts"`
            (`class_pixels` [N,K] int64) and `"confidence"` (`confidence` [N] float32, the mean over the pixels of the
            largest softmax); `<head>_...` where there are several heads.
        sizes: (H, W) of the photographs to warm up with and to compare: those that will be asked most. Default: those
            of PASCAL VOC, as far as `max_pixels` allows.
        origin: for the model card, as `provenance.beside` finds it: `{"recipe", "training", "metrics", "source"}`.

    Returns:
        `pathlib.Path` of the version's folder.

    Raises:
        ValueError: on a model that is not a network, or an argument outside the values above.
        FileExistsError: if the version is there; versions are never overwritten.
        OSError: if the folder cannot be written.
    """
    _check_model(model)
    _check_options(version=version, max_pixels=max_pixels, extras=extras, sizes=sizes)
    from .saved_model.assets import class_names
    from .saved_model.contents import Settings, write

    settings = Settings(max_pixels, tuple(extras), tuple(sizes or _default_sizes(max_pixels)))
    names = class_names(classes, {head: scores.shape[-1] for head, scores in _heads(model).items()})
    directory = Path(directory).absolute()
    with made(directory):
        _check_absent(directory, version)
        # Not a number, so no server takes it for a version; beside the version, so that renaming is atomic.
        temporary = Path(tempfile.mkdtemp(prefix=".exporting-", dir=directory))
        try:
            folder = temporary / "model"  # with the permissions that the user's umask gives, unlike mkdtemp's own
            LOG.debug("writing the SavedModel, and comparing it with the model")
            facts = {"name": directory.name, **write(folder, directory.name, model, names, settings), **(origin or {})}
            return _publish(folder, directory, version, facts)
        finally:
            shutil.rmtree(temporary)


def _publish(folder, directory, version, facts):
    """Write the model card and rename a finished folder to its version."""
    from . import model_card as card

    while True:
        number = version or max(_versions(directory), default=0) + 1
        _check_absent(directory, version)
        card.write(folder, {**facts, "version": number})
        target = directory / str(number)
        try:
            os.rename(folder, target)
            return target
        except OSError as error:
            if version or error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            # Another export took the number in this moment: take the next.


def _versions(directory):
    return [int(path.name) for path in directory.iterdir() if path.name.isdecimal()]


def _check_absent(directory, version):
    if version in _versions(directory):
        raise FileExistsError(
            f"Version {version} is in {directory} already, and is never overwritten. Choose another, or leave it out "
            "to take the next."
        )


def _check_options(*, version, max_pixels, extras, sizes):
    _check_positive("max_pixels", max_pixels)
    if version is not None:
        _check_positive("version", version)
    if unknown := [extra for extra in extras if extra not in EXTRAS]:
        raise ValueError(f"`extras` are among {EXTRAS}. Received: {unknown[0]!r}.")
    for height, width in sizes or ():
        _check_positive("sizes", height)
        _check_positive("sizes", width)
        if height * width > max_pixels:
            raise ValueError(f"`sizes` are at most `max_pixels` = {max_pixels}. Received: {height}x{width}.")


def _default_sizes(max_pixels):
    side = math.isqrt(max_pixels)
    return [size for size in SIZES if math.prod(size) <= max_pixels] or [(side, side)]


def _check_positive(name, value):
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise ValueError(f"`{name}` is a positive whole number. Received: {value!r}.")


def _check_model(model):
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"A SavedModel is written by TensorFlow. Received the Keras backend {keras.backend.backend()!r}. "
            "Save the model as .keras, and export it in a process with KERAS_BACKEND=tensorflow."
        )
    expected = "`model` is a network of fcn_keras: (N, H, W, 3 or 4) of any size to scores of the same size."
    try:
        inputs, outputs = ([tuple(x.shape) for x in tensors] for tensors in (model.inputs, model.outputs))
        named = model.input if isinstance(model.input, dict) else {"image": model.input}
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"{expected} Received: {type(model).__name__}.") from None
    known = [{"image": 3}, {"image": 4}, {"rgb": 3, "hha": 3}]
    dense = all(len(shape) == 4 and shape[:3] == (None,) * 3 for shape in inputs + outputs)
    if not dense or {name: x.shape[-1] for name, x in named.items()} not in known:
        raise ValueError(f"{expected} Received: {inputs} to {outputs}.")


def main(argv=None):
    """Run `fcn-export` and return its exit code: 0, or 2 with one line on stderr."""
    return run("fcn-export", _command, _parser().parse_args(argv))


def _parser():
    return export_options.parser(MAX_PIXELS)


def _command(arguments):
    # What is wrong on the command line shows at once, before TensorFlow takes its seconds to start.
    export_options.check(arguments)
    least_agreement = export_options.share("--least-agreement", arguments.least_agreement)
    version = _whole("--model-version", arguments.model_version)
    max_pixels = _whole("--max-pixels", arguments.max_pixels)
    path = _model_file(Path(arguments.model))
    found = beside(path, arguments.metrics)
    sizes = [_size(text) for text in arguments.sizes or []] or found.sizes
    classes = _read_classes(arguments.classes)
    if version and Path(arguments.output).is_dir():
        _check_absent(Path(arguments.output), version)
    LOG.debug("reading %s", path)
    model = _load(path)
    LOG.debug("%s: %d weights", model.name, model.count_params())
    classes = classes or _fitting(found.classes, model)
    if arguments.format != "savedmodel":
        return _to_file(model, arguments, classes, least_agreement, found)
    folder = export(
        model,
        arguments.output,
        version=version,
        classes=classes,
        max_pixels=max_pixels or max(MAX_PIXELS, *map(math.prod, sizes or SIZES)),
        extras=arguments.extras,
        sizes=sizes,
        origin=found.facts,
    )
    shown = str(folder) if os.path.isabs(arguments.output) else os.path.relpath(folder)
    print(json.dumps({"path": shown}) if arguments.json else shown)


def _model_file(path):
    """Return the `.keras` file that is meant: the one named, or the best of a folder that fcn-train wrote."""
    if path.is_dir():
        if not (path / "best.keras").is_file():
            raise ValueError(f"{path} holds no best.keras. Name a stage's folder, or a .keras file.")
        return path / "best.keras"
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist.")
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise ValueError(f"MODEL is a .keras file, as model.save(...) writes it. Received: {path}.")
    return path


def _to_file(model, arguments, classes, least_agreement, found):
    from .other_formats import export_file
    from .saved_model.assets import class_names

    _check_model(model)
    rows = export_file(
        model,
        arguments.output,
        format=arguments.format,
        names=class_names(classes, {head: x.shape[-1] for head, x in _heads(model).items()}),
        least_agreement=least_agreement,
        arguments=arguments,
        found=found,
    )
    told = json.dumps({"path": arguments.output, "figures": rows})
    print(told if arguments.json else "\n".join([arguments.output, *rows]))


def _whole(option, text):
    if text is not None and (not text.isdecimal() or int(text) == 0):
        raise ValueError(f"{option} is a positive whole number. Received: {text}.")
    return None if text is None else int(text)


def _size(text):
    found = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text)
    if not found:
        raise ValueError(f"--size is a height and a width, as in 375x500. Received: {text}.")
    return int(found[1]), int(found[2])


def _read_classes(options):
    """Read `FILE` into names, or `HEAD=FILE`s into a dict of names."""
    heads = {}
    for option in options or []:
        head, _, path = option.rpartition("=")
        heads[head] = read_names(path)
    return heads


def _fitting(names, model):
    """Return of the names beside a model those of its heads; `classes.txt` fits the only head of so many classes."""
    counts = {head: scores.shape[-1] for head, scores in _heads(model).items()}
    found = {head: listed for head, listed in names.items() if counts.get(head) == len(listed)}
    heads = [head for head, count in counts.items() if count == len(names.get("", ()))]
    return found or ({heads[0]: names[""]} if len(heads) == 1 else None)


def _heads(model):
    return model.output if isinstance(model.output, dict) else {"": model.output}


def _load(path):
    start_tensorflow()
    import fcn_keras.models  # noqa: F401  the layers that a .keras file may name
    from fcn_keras import keras_files

    return keras_files.load_model(path)
