"""Write a network as a file of another runtime's, with its model card: what `fcn-export` does beside SavedModels."""

import itertools
import logging
from pathlib import Path

from fcn_keras_console import Progress
from fcn_keras_console.files import made, written_together
from fcn_keras_console.left_alone import kinds_of
from fcn_keras_console.words import rough_sentence

from .accuracy.calibration import read_calibration
from .accuracy.validation import VOID, open_examples, usual_split, validate
from .model_card import describe, figures_table, write_file_card

PACKAGES = {"onnx": ("tf2onnx", "onnx", "onnxruntime"), "openvino": ("tf2onnx", "onnx", "openvino"), "litert": ()}
NAMES = {"onnx": "ONNX Runtime", "openvino": "OpenVINO", "litert": "LiteRT"}

LESS = (
    "Wide convolutions are Winograd's F(4, 3), for processors that compute in float32. In bfloat16, float16 or TF32 "
    "they lose accuracy: `fcn-check` tells how much."
)

LOG = logging.getLogger("fcn-export")


def export_file(model, path, *, format, names, colors, least_agreement, arguments, provenance):
    """Export, validate where that is asked for, and put the files and the card beside each other.

    Args:
        model: a network of this package.
        path: of the file.
        format: a key of `NAMES`.
        names: class names by head.
        colors: of the classes, `(K, 3)` uint8 by head.
        least_agreement: a share, or None for the precision's.
        arguments: of the command line.
        provenance: `provenance.Provenance`.

    Returns:
        Lines of the table of figures, and a `dict` of how many files of the folders were left alone, by kind.

    Raises:
        ValueError, OSError, ImportError: as the format's exporter, `read_calibration` and `open_examples`.
    """
    export, runner = _format(format)
    path = Path(path)
    examples = _examples(model, arguments)
    options = {"labels": arguments.labels, "names": names, "colors": colors, "precision": arguments.precision}
    if arguments.fewer_multiplications:
        options["multiplies_less"] = True
    if arguments.calibrate:
        options["calibration"] = read_calibration(
            arguments.calibrate, model, sizes=provenance.sizes, any_images=arguments.any_images
        )
    with made(path.parent), written_together(path.parent, path.name) as folder:
        temporary = folder / path.name
        LOG.info("converting to %s, %s: %s", NAMES[format], arguments.precision, _follows(options, examples))
        with Progress("Calibrating and comparing", "images", quiet=arguments.quiet, logged=True) as progress:
            _watch(options.get("calibration"), progress)
            figures = export(model, temporary, least_agreement=least_agreement, **options)
        with Progress("Validating", "images", quiet=arguments.quiet, logged=True) as progress:
            validation = examples and validate(model, runner(temporary), examples, progress)
        rows = figures_table(arguments.precision, figures, validation)
        answers = "images of bytes in, labels out" if arguments.labels else "float32 images in, scores out"
        facts = {**describe(model, names, colors, PACKAGES[format]), **provenance.facts}
        notes = _notes(arguments, options.get("calibration"), validation)
        write_file_card(temporary, f"for {NAMES[format]}: {answers}", facts, rows, notes)
    read = [each for each in (options.get("calibration"), examples) if each is not None]
    return rows, kinds_of(path for each in read for path in each.others)


def _follows(options, examples):
    """Name what the conversion's images are for."""
    parts = ["comparing with the model"]
    if (calibration := options.get("calibration")) is not None:
        parts.insert(0, f"calibrating on {len(calibration)} images")
    if examples is not None:
        parts.append(f"validating on {len(examples)}")
    return ", ".join(parts)


def _watch(calibration, progress):
    """Follow the images through calibration, and then those that the file is compared with the model on."""
    if calibration is None:
        return
    total, number = len(calibration) + len(calibration.held_out or calibration), itertools.count(1)

    def report(path):
        LOG.debug("%s: image %d of %d", path, (done := next(number)), total)
        progress(done, total)

    calibration.watch(report)


def _format(format):
    """Return the function that exports, and the one that loads a file to run it."""
    if format == "onnx":
        from fcn_keras_console.runtimes.onnx_file import runner

        from .onnx.export import export_onnx as export
    elif format == "litert":
        from fcn_keras_console.runtimes.litert_file import runner

        from .litert.export import export_litert as export
    else:
        from fcn_keras_console.runtimes.openvino_files import runner

        from .openvino.export import export_openvino as export
    return export, runner


def _examples(model, arguments):
    if not arguments.validate:
        return None
    ignored = arguments.ignore_label
    split = None if arguments.split == "none" else arguments.split or usual_split(arguments.validate)
    if split is None and arguments.split is None:
        LOG.warning(
            "--validate %s is not divided: all its images are taken, also those of the training.", arguments.validate
        )
    return open_examples(model, arguments.validate, split, VOID if ignored is None else int(ignored))


def _notes(arguments, calibration, validation):
    notes = []
    if arguments.fewer_multiplications:
        notes.append(LESS)
    if arguments.format == "openvino":
        from .openvino.export import about_hint

        notes.append(about_hint(arguments.precision))
    if calibration is not None:
        notes.append(f"Calibrated on {len(calibration)} images of `{Path(arguments.calibrate).name}`.")
    if validation is not None:
        split = arguments.split or usual_split(arguments.validate) or "all of them, as it is not divided"
        notes.append(
            f"Mean IU in percent, on {validation.images} images of `{Path(arguments.validate).name}`, {split}."
        )
        notes += filter(None, [rough_sentence(validation.images)])
    return " ".join(notes)
