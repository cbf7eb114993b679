"""Write the probe of a model: what it answers to a small image, and how far the file that was written is from that."""

import fcn_keras as fcn
from fcn_keras.interface import heads_of, in_float32, inputs_of
from fcn_keras_console.environment import processor, threads
from fcn_keras_console.exported.runtime import runtime_of

from ..probe import Deviation, make, write
from .accuracy.agreement import LARGEST_ERROR, LEAST_AGREEMENT
from .drawn_images import draw_inputs, for_predict

SIDE = 64  # pixels; a server warms up with as few, and has room for hundreds of borders between labels
# Of what was measured at the export, elsewhere so much more is allowed: another order of sums, another rounding.
FACTOR, MORE_DIFFERENCE, MORE_LABELS = 2, 1e-3, 0.005
BFLOAT16 = 0.03  # 1.3e-2 of the largest score was seen


def write_probe(path, model, answer, *, precision, format, side=SIDE):
    """Write the probe beside a file, or into a version's folder.

    Args:
        path: of the probe.
        model: the Keras model that was exported, under any dtype policy.
        answer: function from a `probe.Probe` to head -> labels or scores: what the file, or the SavedModel, that was
            written answers to it.
        precision: of `options.PRECISIONS`.
        format: as in `fcn_keras_console.exported.find`.
        side: of the image.

    Returns:
        `probe.Deviation` of what was written.

    Raises:
        ValueError: as `fcn_keras.predict`, if a score of the model is no number.
        OSError: if it cannot be written.
    """
    model = in_float32(model)
    images = draw_inputs({name: x.shape[-1] for name, x in inputs_of(model).items()}, side, side)
    scores = heads_of(fcn.predict(model, for_predict(images), output="scores"))
    probe = make(images, scores)
    measured = probe.deviation(answer(probe))
    facts = {
        "precision": precision,
        "measured": measured._asdict(),
        "runtime": runtime_of(format),
        "processor": processor(),
        "threads": threads(),
    }
    write(path, probe._replace(allowed=_allowed(precision, measured), facts=facts))
    return measured


def _allowed(precision, measured):
    """Allow float32 what an export allows, and rounded numbers more than the rounding itself was measured to do.

    What is to be computed in bfloat16 was measured in float32 where the processor has none: bfloat16 keeps 8 bits.
    """
    difference, disagreement = (None if each is None else FACTOR * each for each in (measured[0], 1 - measured[1]))
    if precision == "fp32":
        largest = None if difference is None else max(LARGEST_ERROR["fp32"], difference)
        return Deviation(largest, min(LEAST_AGREEMENT["fp32"], max(0.0, 1 - disagreement)))
    difference = None if difference is None else difference + MORE_DIFFERENCE
    agreement = max(0.0, 1 - disagreement - MORE_LABELS)
    if precision == "bf16":
        difference = None if difference is None else max(BFLOAT16, difference)
        agreement = min(LEAST_AGREEMENT["bf16"], agreement)
    return Deviation(difference, agreement)
