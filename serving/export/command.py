"""Write a network as a SavedModel for TensorFlow Serving: `fcn-export MODEL DIRECTORY`; or as another format's file."""

import json
import logging
import os
import re
from pathlib import Path

from fcn_keras_console import run, start_tensorflow
from fcn_keras_console.left_alone import as_line
from fcn_keras_console.next_step import free_folder, photographs_of, say_next
from fcn_keras_console.printing import in_one_line
from fcn_keras_console.workdir import find_model

from . import options
from .options import build_parser
from .version import check_absent, export

LOG = logging.getLogger("fcn-export")


def main(argv=None):
    """Run `fcn-export` and return its exit code: 0, or 2 with one line on stderr."""
    return run("fcn-export", _command, build_parser().parse_args(argv))


def _command(arguments):
    from fcn_keras.photographs import scale_from_text

    from .provenance import colors_beside, names_beside, provenance_of

    # What is wrong on the command line shows at once, before TensorFlow takes its seconds to start.
    options.check(arguments)
    least_agreement = options.share("--least-agreement", arguments.least_agreement)
    version = _whole("--model-version", arguments.model_version)
    max_pixels = _whole("--max-pixels", arguments.max_pixels)
    memory = _whole("--memory", arguments.memory)
    scale = None if arguments.scale is None else scale_from_text(arguments.scale)
    temperature = None if arguments.temperature is None else options.temperature_of(arguments.temperature)
    path = find_model(arguments.model)
    provenance = provenance_of(path, arguments.metrics)
    sizes = [_size(text) for text in arguments.sizes or []] or provenance.sizes
    classes = _read_classes(arguments.classes)
    if version and Path(arguments.output).is_dir():
        check_absent(Path(arguments.output), version)
    if not arguments.quiet:
        LOG.setLevel(min(LOG.level, logging.INFO))  # its stages take long, and are told as they begin
    LOG.info("loading %s", path)
    model, counts = _load(path)
    if temperature is not None:
        from fcn_keras.temperature import apply_temperature

        apply_temperature(model, temperature)
        provenance.facts["temperature"] = temperature
    LOG.debug("%s: %d weights", model.name, model.count_params())
    classes = classes or names_beside(path, counts)
    colors = colors_beside(path, classes)
    if arguments.format != "savedmodel":
        return _to_file(model, arguments, classes, counts, colors, least_agreement, provenance)
    folder = export(
        model,
        arguments.output,
        version=version,
        classes=classes,
        colors=colors,
        memory=memory,
        max_pixels=max_pixels,
        extras=arguments.extras,
        sizes=sizes,
        scale=scale,
        origin=provenance.facts,
        precision=arguments.precision,
        least_agreement=least_agreement,
    )
    shown = str(folder) if os.path.isabs(arguments.output) else os.path.relpath(folder)
    print(json.dumps({"path": shown}) if arguments.json else in_one_line(shown))
    say_next(arguments, "fcn-serve", "--model_base_path", Path(arguments.output))


def _to_file(model, arguments, classes, counts, colors, least_agreement, provenance):
    from .checks import class_names, colors_of_classes
    from .other_formats import export_file

    names = class_names(classes, counts)
    rows, kinds = export_file(
        model,
        arguments.output,
        format=arguments.format,
        names=names,
        colors=colors_of_classes(names, counts, colors),
        least_agreement=least_agreement,
        arguments=arguments,
        provenance=provenance,
    )
    as_json = json.dumps({"path": arguments.output, "figures": rows} | ({"left_alone": kinds} if kinds else {}))
    print(as_json if arguments.json else "\n".join([in_one_line(arguments.output), *rows]) + as_line(kinds))
    photos = arguments.validate or arguments.calibrate or provenance.data
    say_next(
        arguments, "fcn-predict", Path(arguments.output), photographs_of(photos), "--output", free_folder("labelled")
    )


def _whole(option, text):
    if text is not None and (not text.isdecimal() or int(text) == 0):
        raise ValueError(f"{option} is a positive whole number. Received: {text}.")
    return None if text is None else int(text)


def _size(text):
    size = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text)
    if not size:
        raise ValueError(f"--size is a height and a width, as in 375x500. Received: {text}.")
    return int(size[1]), int(size[2])


def _read_classes(files):
    """Read `FILE`, or `HEAD=FILE`s, into names by head."""
    from .provenance import read_names

    heads = {}
    for given in files or []:
        head, _, path = given.rpartition("=")
        heads[head] = read_names(path)
    return heads


def _load(path):
    """Return the model in a file, and its number of classes by head."""
    start_tensorflow()
    from fcn_keras import keras_files
    from fcn_keras.interface import class_counts

    from .checks import check_model

    model = keras_files.load_model(path)
    check_model(model)
    return model, class_counts(model)
