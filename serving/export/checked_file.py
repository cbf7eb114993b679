"""Put a network's file into its place once it answers as the network does: the same for every format."""

import logging
from pathlib import Path

from fcn_keras_console.exported.find import probe_of
from fcn_keras_console.files import made, written_together

from .accuracy.agreement import check_precision, measure, require
from .checks import check_halves, check_model
from .probing import write_probe

LOG = logging.getLogger("fcn-export")
NOTICES = logging.getLogger("fcn_keras_console")  # which is printed without --verbose, too


def write_checked(model, path, write, load, *, format, suffix, precision, calibration, least_agreement):
    """Write a file, compare it with the model, and put it into its place with its probe and what `write` put beside it.

    Args:
        write: function that writes the file at a path.
        load: function from that path to one that answers an image, as `runner` of `fcn_keras_console.runtimes`.
        format: as in `fcn_keras_console.exported.find`.
        suffix: how the file's name has to end, or None.
        model, path, precision, calibration, least_agreement: as for `onnx.export.export_onnx`.

    Returns:
        `accuracy.agreement.Figures`.

    Raises:
        ValueError: if the arguments do not fit, or the file does not answer as the model does. Nothing is written then.
        OSError: if it cannot be written.
    """
    path = Path(path)
    if suffix and path.suffix != suffix:
        raise ValueError(f"The file's name ends in {suffix}. Received: {path}.")
    check_precision(precision, calibration)
    check_model(model)
    if precision == "fp16":
        check_halves(model)
    with made(path.parent), written_together(path.parent, path.name) as folder:
        temporary = folder / path.name
        write(temporary)
        LOG.info("comparing %s with the model", path.name)
        answer = load(temporary)
        figures = measure(model, answer, calibration)
        require(figures, path.name, precision, least_agreement)
        place = probe_of(temporary)
        write_probe(place, model, lambda probe: answer(probe.pixels), precision=precision, format=format)
    _warn_of_overflow(model, path.name)
    return figures


def _warn_of_overflow(model, name):
    from fcn_keras.inference.bounds import is_sure
    from fcn_keras.interface import in_float32

    if not is_sure(in_float32(model)):
        NOTICES.warning(
            "The weights of this network are so large that its sums may leave float32. Nothing in %s looks at them: "
            "what it answers to such an image means nothing. A SavedModel answers a status.",
            name,
        )
