"""The probe of an exported model: a small image, and what the Keras model answered to it when it was exported.

By it `fcn-check` and `fcn-serve` tell how far another processor or another runtime is from what was measured then. It
is sealed JSON of some dozens of kilobytes: the image, labels of all its pixels, and scores of every so many rows and
columns.
"""

import base64
import math
from typing import NamedTuple

import numpy as np

from fcn_keras_console.digests import FILES, DamagedError, read_sealed, write_sealed
from fcn_keras_console.runtimes.tensors import head_of

SCORES = 48 * 2**10  # bytes of scores that a probe holds, about
MOST_STEP = 64  # rows and columns from one that is scored to the next
DTYPES = ("uint8", "uint16", "float32")


class Deviation(NamedTuple):
    """How far answers are from a probe's.

    Attributes:
        difference: the largest one of a score, as a share of its head's largest score; None where labels were answered.
        agreement: share of the pixels that both label alike, of the head where it is least.
    """

    difference: float | None
    agreement: float

    def is_within(self, allowed):
        """Tell whether it is no more than `Deviation` `allowed`."""
        close = self.difference is None or self.difference <= allowed.difference  # which NaN is not
        return close and self.agreement >= allowed.agreement

    def against(self, allowed):
        """Say it in words, with what is allowed."""
        labels = f"{_percent(self.agreement)} of the labels agree ({_percent(allowed.agreement)} have to)"
        if self.difference is None:
            return labels
        return f"scores differ by {self.difference:.1e} of the largest ({allowed.difference:.1e} is allowed), {labels}"


class Probe(NamedTuple):
    """What a probe's file holds.

    Attributes:
        images: `{name of an input: (H, W, C)}` uint8, or uint16 with depth.
        labels: head -> `(H, W)`, the classes of the highest scores.
        scores: head -> float32 scores of every `step`th row and column.
        step: so that the scores of all heads are few.
        allowed: the `Deviation` within which an answer is the same.
        facts: dict of JSON's types: `"precision"`, `"measured"`, `"runtime"`, `"processor"`, `"threads"` of the export.
    """

    images: dict
    labels: dict
    scores: dict
    step: int
    allowed: Deviation
    facts: dict

    @property
    def pixels(self):
        """The image as `fcn_keras_console.runtimes` take it."""
        return self.images.get("image", self.images)

    def ask(self, run):
        """Ask a SavedModel for the scores of the image.

        Args:
            run: function from a signature's name and `{input: array}` to `{output: array}`.

        Returns:
            head -> `(H, W, K)`.
        """
        answers = run("predict_scores", {name: x[None].astype(np.float32) for name, x in self.images.items()})
        return {head_of(name): array[0] for name, array in answers.items()}

    def deviation(self, answers):
        """Compare answers to the image with the probe's.

        Args:
            answers: head -> labels `(H, W)`, or scores `(H, W, K)`.

        Returns:
            `Deviation`.

        Raises:
            ValueError: if they are of other heads, sizes or classes, or scores where the limits are for labels: the
                probe is another model's.
        """
        if set(answers) != set(self.labels):
            raise ValueError(f"Its heads are {sorted(answers)}, and those of the probe {sorted(self.labels)}.")
        differences, shares = [], []
        for head, answer in answers.items():
            classes = self.scores[head].shape[2:] if answer.ndim == 3 else ()
            expected = self.labels[head].shape + classes
            if answer.shape != expected:
                raise ValueError(f"It answers {answer.shape}, and the probe is {expected}.")
            if classes and self.allowed.difference is None:
                raise ValueError("It answers scores, and the probe is of a file that answers labels.")
            if classes:
                differences.append(_difference(answer[:: self.step, :: self.step], self.scores[head]))
                answer = answer.argmax(axis=-1)
            shares.append(np.mean(answer == self.labels[head]))
        return Deviation(max(differences, key=_order, default=None), float(min(shares)))


def make(images, scores):
    """Make a probe of images and a model's scores, of which nothing was measured yet.

    Args:
        images: as in `Probe`.
        scores: head -> `(H, W, K)` float32.
    """
    step = 1
    while sum(each[::step, ::step].nbytes for each in scores.values()) > SCORES and step < MOST_STEP:
        step *= 2
    labels = {head: each.argmax(axis=-1).astype(np.uint16) for head, each in scores.items()}
    kept = {head: np.ascontiguousarray(each[::step, ::step]) for head, each in scores.items()}
    return Probe(images, labels, kept, step, Deviation(0.0, 1.0), {})


def write(path, probe):
    """Write a probe, sealed."""
    arrays = {
        kind: {name: _to_json(array) for name, array in getattr(probe, kind).items()}
        for kind in ("images", "labels", "scores")
    }
    write_sealed(path, {**probe.facts, **arrays, "step": probe.step, "allowed": probe.allowed._asdict()}, {})


def read(path):
    """Read what `write` wrote.

    Raises:
        DamagedError: if it is damaged, or no probe; a `ValueError` that names it.
        OSError: if it cannot be read.
    """
    facts, sealed = read_sealed(path)
    facts.pop(FILES, None)
    try:
        arrays = [
            {name: _from_json(array) for name, array in facts.pop(kind).items()}
            for kind in ("images", "labels", "scores")
        ]
        probe = Probe(*arrays, facts.pop("step"), Deviation(**facts.pop("allowed")), facts)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        probe = None
    if probe is None or sealed is None or not _fits(probe):
        raise DamagedError(f"{path} is damaged: it is no probe of fcn-export. Copy it again, or export the model anew.")
    return probe


def _fits(probe):
    """Tell whether the limits are limits, and images, labels and scores are of one size, and of the same heads."""
    difference, agreement = probe.allowed
    limited = (difference is None or _is_within(difference, math.inf)) and _is_within(agreement, 1)
    sizes = {array.shape[:2] for arrays in (probe.images, probe.labels) for array in arrays.values()}
    return (
        limited
        and type(probe.step) is int
        and 1 <= probe.step <= MOST_STEP
        and probe.images
        and probe.labels
        and probe.labels.keys() == probe.scores.keys()
        and len(sizes) == 1
        and all(image.ndim == 3 and image.size and image.dtype.kind == "u" for image in probe.images.values())
        and all(_are_answers(labels, probe.scores[head], probe.step) for head, labels in probe.labels.items())
    )


def _is_within(limit, most):
    """Tell whether a limit is a finite number from 0 to `most`."""
    return type(limit) in (int, float) and 0 <= limit <= most and limit < math.inf


def _are_answers(labels, scores, step):
    """Tell whether labels are ids of the classes scored, and the scores numbers of every `step`th row and column."""
    return (
        labels.ndim == 2
        and labels.dtype.kind == "u"
        and scores.ndim == 3
        and scores.dtype.kind == "f"
        and scores.shape[:2] == labels[::step, ::step].shape
        and labels.max() < scores.shape[2]
        and np.isfinite(scores).all()
    )


def _to_json(array):
    data = base64.b64encode(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes())
    return {"dtype": array.dtype.name, "shape": array.shape, "data": data.decode()}


def _from_json(stored):
    if stored["dtype"] not in DTYPES:
        raise ValueError(stored["dtype"])
    dtype = np.dtype(stored["dtype"])
    data = np.frombuffer(base64.b64decode(stored["data"]), dtype.newbyteorder("<"))
    return data.reshape(stored["shape"]).astype(dtype)


def _difference(ours, theirs):
    difference, largest = float(np.abs(ours - theirs).max()), float(np.abs(theirs).max())
    return difference / largest if largest > 0 else difference


def _order(difference):
    """Let NaN count as more than any number."""
    return math.inf if math.isnan(difference) else difference


def _percent(share):
    return f"{100 * share:.2f} %"
