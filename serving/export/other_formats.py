"""Write a network as a file of another runtime's, with its model card: what `fcn-export` does beside SavedModels."""

import itertools
import logging
import tempfile
from pathlib import Path

from fcn_keras_console import Progress
from fcn_keras_console.files import made, publish

from .accuracy.calibration import read_calibration
from .accuracy.mean_iu import VOID, open_examples, validate
from .accuracy.table import markdown, table

PACKAGES = {"onnx": ("tf2onnx", "onnx", "onnxruntime"), "openvino": ("tf2onnx", "onnx", "openvino"), "litert": ()}
NAMES = {"onnx": "ONNX Runtime", "openvino": "OpenVINO", "litert": "LiteRT"}

LOG = logging.getLogger("fcn-export")


def export_file(model, path, *, format, names, least_agreement, arguments, provenance):
    """Export, validate where that is asked for, and put the files and the card beside each other.

    Args:
        model: a network of this package.
        path: of the file.
        format: a key of `NAMES`.
        names: class names by head.
        least_agreement: a share, or None for the precision's.
        arguments: of the command line.
        provenance: `provenance.Provenance`.

    Returns:
        Lines of the table of figures.

    Raises:
        ValueError, OSError, ImportError: as the format's exporter, `read_calibration` and `open_examples`.
    """
    export, runner = _format(format)
    path = Path(path)
    examples = _examples(model, arguments)
    options = {"labels": arguments.labels, "names": names, "precision": arguments.precision}
    if arguments.calibrate:
        options["calibration"] = read_calibration(
            arguments.calibrate, model, sizes=provenance.sizes, any_images=arguments.any_images
        )
    with made(path.parent), tempfile.TemporaryDirectory(prefix=".exporting-", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        LOG.debug("converting to %s, %s, and comparing it with the model", NAMES[format], arguments.precision)
        with Progress("Calibrating and comparing", "images", quiet=arguments.quiet) as progress:
            _watch(options.get("calibration"), progress)
            figures = export(model, temporary, least_agreement=least_agreement, **options)
        with Progress("Validating", "images", quiet=arguments.quiet) as progress:
            validation = examples and validate(model, runner(temporary), examples, progress)
        rows = table(arguments.precision, figures, validation)
        card = temporary.with_name(path.name + ".md")
        notes = _notes(arguments, options.get("calibration"), validation)
        facts = _facts(model, path, format, names, arguments, provenance)
        card.write_text(markdown(facts, rows, notes), encoding="utf-8")
        publish([*(file for file in Path(folder).iterdir() if file != temporary), temporary], path.parent)
    return rows


def _watch(calibration, progress):
    """Follow the images through calibration, and then those that the file is compared with the model on."""
    if calibration is None:
        return
    total, number = len(calibration) + len(calibration.held_out or calibration), itertools.count(1)

    def asked(path):
        LOG.debug("%s: image %d of %d", path, (done := next(number)), total)
        progress(done, total)

    calibration.watch(asked)


def _format(format):
    """Return the function that exports, and the one that loads a file to run it."""
    if format == "onnx":
        from .onnx.export import export_onnx
        from .onnx.run import runner

        return export_onnx, runner
    if format == "litert":
        from .litert.export import export_litert
        from .litert.run import runner

        return export_litert, runner
    from .openvino.export import export_openvino
    from .openvino.run import runner

    return export_openvino, runner


def _examples(model, arguments):
    if not arguments.validate:
        return None
    ignored = arguments.ignore_label
    if ignored is not None and not ignored.isdecimal():
        raise ValueError(f"--ignore-label is a class id. Received: {ignored}.")
    split = None if arguments.split == "none" else arguments.split or "val"
    return open_examples(model, arguments.validate, split, VOID if ignored is None else int(ignored))


def _facts(model, path, format, names, arguments, provenance):
    heads = model.output if isinstance(model.output, dict) else {"": model.output}
    return {
        "file": path.name,
        "format": NAMES[format],
        "answers": "images of bytes in, labels out" if arguments.labels else "float32 images in, scores out",
        "network": model.name,
        "weights": model.count_params(),
        "packages": PACKAGES[format],
        "heads": {head: {"classes": x.shape[-1], "names": names.get(head)} for head, x in heads.items()},
        **provenance.facts,
    }


def _notes(arguments, calibration, validation):
    notes = []
    if calibration is not None:
        notes.append(f"Calibrated on {len(calibration)} images of `{Path(arguments.calibrate).name}`.")
    if validation is not None:
        split = arguments.split or "val"
        notes.append(
            f"Mean IU in percent, on {validation.images} images of `{Path(arguments.validate).name}`, {split}."
        )
    return " ".join(notes)
