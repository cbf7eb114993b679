"""Choose how to train on one's own images, from what the doctor saw of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fcn_keras.datasets.names import find_split, split_of
from fcn_keras.photographs import size_within
from fcn_keras_console.left_alone import left_alone
from fcn_keras_console.words import counted, rough

from ..doctor.report import verdict
from ..doctor.resized import DOUBTFUL
from ..hold_out import THRESHOLD, TOGETHER, held_out, usable_groups
from ..recipes.overrides import Overrides
from ..recipes.solvers import PIXELS
from ..workdir.hardware import bfloat16_unit
from .sizes import Sizes

MODELS = {"fcn32s": "FCN-32s", "fcn16s": "FCN-16s", "fcn8s": "FCN-8s"}
HELD_OUT = 0.2  # of the images, where the folder has no split to validate on
LEARNING_RATE = 1e-4  # Adam's for one image a batch, from ImageNet weights; the CamVid run's for four
FROM_SCRATCH = 10  # times that without ImageNet weights
ROUNDS = (50, 25)  # how often an image is seen in the first stage, and in every later one
FEWEST, MOST = 2_000, 100_000  # images seen in the first stage
EPOCHS = 20  # checkpoints and scores of a stage
LARGEST = 1_000_000  # pixels: where an image has more, all are reduced to at most PIXELS, the paper's
CROP = 512  # of larger images that are not to be reduced; covers the receptive field, 404 pixels
# Largest class / rarest class, from which on the rare weigh more. At 105 that cost 2.1 of mean IU: docs/training.md.
UNEVEN = 1000
EXACT, HALF = "float32", "mixed_bfloat16"  # dtype policies: the usual one, and that of machines which are made for it
OVERRULE = f"--dtype-policy {EXACT} trains in float32"
SEES_LITTLE = "a network sees little of a larger one at a time"  # why large images are reduced
_NAMED = 3  # findings an error names before it only counts


@dataclass(frozen=True)
class Plan:
    """What was chosen.

    Attributes:
        recipe: its name.
        overrides: of all its stages.
        reasons: lines of `(what, how and why)`.
        warning: what is wrong with the images held out, or None.
        expected: what its stages are planned to take, `Expected` by name, where that was measured.
    """

    recipe: str
    overrides: Overrides
    reasons: tuple
    warning: str | None = None
    expected: Mapping = field(default_factory=dict)


def plan(
    report, ids, model, given, *, near_duplicates=lambda keys: [], begun=None, pretrained=False, devices=1, pads=False
):
    """Choose batches, crops, padding, class weights, learning rate and steps for one's own folder.

    Args:
        report: of the doctor, without errors.
        ids: of the images by split.
        model: key of `MODELS`.
        given: `Overrides` that the user chose; they stay.
        near_duplicates: function from ids to the groups of them that show nearly the same, as `Examination` has it.
        begun: overrides of the run that goes on, whose images stay held out; None where none was begun.
        pretrained: whether a net of any width starts from weights.
        devices: that share a batch.
        pads: whether every size costs a compilation, as on Keras's JAX backend: then batches of one are padded too.

    Returns:
        `Plan`, the same for the same report.

    Raises:
        ValueError: if the doctor found errors, or the folder has neither train nor undivided images.
    """
    chosen, trained, validated, warning, uneven = chosen_of(report, ids, given, near_duplicates, begun)
    chosen |= reduced_to(report, given, begun)
    sizes = Sizes.of(report, given.most_pixels or chosen.get("most_pixels"))
    crop = sizes.largest > LARGEST
    chosen |= {"crop": [CROP, CROP]} if crop else {}
    chosen["batch_size"] = given.batch_size or _batch(sizes, trained, crop, devices)
    padded = (chosen["batch_size"] > 1 or pads) and not crop and len(sizes.counts) > 1
    chosen |= {"buckets": [list(size) for size in sizes.buckets]} if padded else {}
    chosen["learning_rate"] = _learning_rate(chosen["batch_size"], given, pretrained)
    policy, precision = chosen_precision(given, begun)
    chosen |= {"dtype_policy": policy} if policy != EXACT else {}
    stages = [f"folder_{name}" for name in list(MODELS)[: list(MODELS).index(model) + 1]]
    if given.steps is None:
        chosen["stages"] = {name: _steps(i, trained, chosen["batch_size"]) for i, name in enumerate(stages)}
    overrides = Overrides(**{**chosen, **given.given()})
    reasons = (*_reasons(report, sizes, overrides, given, trained, validated, uneven), *precision)
    return Plan(stages[-1], overrides, reasons, warning)


def chosen_precision(given, begun=None):
    """Choose the dtype policy where it is not measured: bfloat16 where the machine is known to multiply it faster.

    Args:
        given, begun: as for `plan`. A run keeps what it began with, on whatever machine it goes on.

    Returns:
        the policy, and what is to be said of it: pairs as of a plan's reasons, none of float32.
    """
    if given.dtype_policy is not None:
        return given.dtype_policy, [("precision", f"{given.dtype_policy} (as given)")]
    if begun is not None:
        policy = begun.get("dtype_policy", EXACT)
        return policy, [] if policy == EXACT else [("precision", f"{policy}, in which this run began")]
    unit = bfloat16_unit()
    if unit is None:
        return EXACT, []
    return HALF, [("precision", f"{HALF}, as this machine has {unit}; {OVERRULE}")]


def reduced_to(report, given, begun):
    """Choose whether images are reduced: where one is so large that a network would see a small part of it at a time.

    Args:
        report, given, begun: as for `plan`. A run that was begun without goes on without.

    Returns:
        the override as a dict, empty if images keep their size.
    """
    pixels = most_pixels_of(report.sizes)
    if given.most_pixels is not None or pixels is None or (begun is not None and "most_pixels" not in begun):
        return {}
    return {"most_pixels": pixels}


def most_pixels_of(sizes):
    """Return what images of these sizes, `(H, W, count)`, are reduced to: None where none is too large."""
    return PIXELS if any(height * width > LARGEST for height, width, _ in sizes) else None


def chosen_of(report, ids, given, near_duplicates, begun):
    """Choose what every plan has in common: the images held out, and the class weights.

    Args:
        report, ids, given, near_duplicates, begun: as for `plan`.

    Returns:
        the choices by name, the numbers of images to train and to validate on, what is wrong with those held out or
        None, and how many times the rarest class's pixels the largest has.

    Raises:
        ValueError: as `plan`.
    """
    _require_sound(report)
    split, trained, validated = _splits(report.directory, ids, given)
    chosen, warning = {}, None
    if validated is None:
        chosen, warning = _hold_out(ids[split], near_duplicates, begun)
        validated = len(held_out(ids[split], HELD_OUT, chosen["held_out_by"], chosen.get("together")))
        trained -= validated
    weights, uneven = _weights(report, split)
    return chosen | ({"class_weights": weights} if weights else {}), trained, validated, warning, uneven


def overrides_from(value):
    """Make `Overrides` from what `Overrides.as_json` gave.

    Raises:
        ValueError: if another version wrote names that this one does not know.
    """
    try:
        stages = {name: Overrides(**own) for name, own in value.get("stages", {}).items()}
        return Overrides(**{**value, "stages": stages})
    except TypeError as error:
        raise ValueError(f"The run in the workdir was begun by another version ({error}).") from None


def _require_sound(report):
    if report.errors:
        named = " ".join(f"{each.code}: {each.message} {each.advice}" for each in report.errors[:_NAMED])
        more = f" And {len(report.errors) - _NAMED} more." if len(report.errors) > _NAMED else ""
        raise ValueError(
            f"The doctor finds {verdict(report)} in {report.directory}. {named}{more} See fcn-doctor "
            f"{report.directory}, and train on the copy that fcn-doctor {report.directory} --fix OUT mends."
        )


def _splits(directory, ids, given):
    """Return the split whose statistics count, and the numbers of its images and of those to validate on, or None."""
    if given.splits:
        train, val = (find_split(split, ids) for split in given.splits)
        missing = [split for split, found in zip(given.splits, (train, val), strict=True) if found is None]
        if missing:
            raise ValueError(f"{directory} has no split {missing[0]!r}, but {', '.join(ids)}: --splits names two.")
        return train, len(ids[train]), len(ids[val])
    split = next((name for name in ("train", "all") if name in ids), None)
    if split is None:
        raise ValueError(
            f"{directory} has the splits {', '.join(ids)}, but not train. Name those to train and "
            "to validate on: --splits TRAIN VAL."
        )
    if "val" not in ids and (same := [name for name in ids if split_of(name) == "val"]):
        raise ValueError(
            f"{directory} has {' and '.join(same)}, which both mean val. Name the one to validate on: --splits TRAIN "
            "VAL."
        )
    images = len(ids[split])
    if "val" in ids:
        return split, images, len(ids["val"])
    if images < 2:
        raise ValueError(f"{directory} holds {images} image. One to train on and one to validate on are needed.")
    return split, images, None


def _hold_out(ids, near_duplicates, begun):
    """Choose how images are held out: overrides, and what is wrong with that or None."""
    if begun is not None:
        kept = {name: begun[name] for name in ("held_out_by", "together") if name in begun}
        return {"held_out": HELD_OUT, "held_out_by": None, **kept}, None
    groups, warning = usable_groups(near_duplicates(ids), len(ids))
    chosen = {"held_out": HELD_OUT, "held_out_by": THRESHOLD if warning else TOGETHER}
    return chosen | ({"together": groups} if groups else {}), warning


def _batch(sizes, trained, crop, devices):
    """As many images a device as two of the paper's have pixels, at most 8."""
    area = CROP**2 if crop else float(np.median(sizes.areas))
    return devices * max(1, min(8, trained // devices, round(2 * PIXELS / area)))


def _weights(report, split):
    """Weigh rare classes by the square root of median frequency balancing, and only where classes are very uneven.

    Whole weights cost the frequent classes more than they give the rare ones: `docs/fidelity.md` has the measurement.
    """
    shares = np.array(report.class_frequencies[split])
    present = shares[shares > 0]
    uneven = present.max() / present.min() if present.size else 1.0
    if uneven < UNEVEN:
        return None, uneven
    return tuple(round(math.sqrt(weight), 4) for weight in report.class_weights), uneven


def _learning_rate(batch_size, given, pretrained):
    scratch = FROM_SCRATCH if given.width is not None and given.width < 1 and not pretrained else 1
    return float(f"{LEARNING_RATE * scratch * math.sqrt(batch_size):.2g}")


def _steps(place, trained, batch_size):
    first, later = ROUNDS
    images = min(max(first * trained, FEWEST), MOST)
    if place:
        images = images * later // first
    epoch = max(1, round(images / batch_size / EPOCHS))
    return Overrides(steps=epoch * EPOCHS, steps_per_epoch=epoch)


def _reasons(report, sizes, overrides, given, trained, validated, uneven):
    """Yield what was chosen and why, a pair a line."""

    yield from about_images(report, overrides, trained, validated)
    yield from about_sizes(report, overrides, SEES_LITTLE)
    crops = f", crops of {CROP}x{CROP} cut out at random" if overrides.crop else ""
    yield _line(given, "batch size", f"{overrides.batch_size}{crops}", "batch_size")
    if overrides.buckets:
        buckets = " ".join(f"{height}x{width}" for height, width in overrides.buckets)
        yield _line(given, "padded to", f"{buckets}; {100 * sizes.padding:.0f} % of that is padding", "buckets")
    else:
        yield "padded to", "nothing: all are of one size" if len(sizes.counts) == 1 else "nothing"
    yield from about_classes(overrides, given, uneven)
    descent = overrides.optimizer or "Adam"
    yield _line(given, "learning rate", f"{overrides.learning_rate:g} at first ({descent})", "learning_rate")
    for name, stage in overrides.stages.items():
        yield name, f"{stage.steps} steps, scored and saved every {stage.steps_per_epoch}"
    if given.steps is not None:
        yield "steps", f"{given.steps} of every stage (as given)"


def _line(given, what, text, name):
    return what, text + (" (as given)" if name in given.given() else "")


def about_images(report, overrides, trained, validated):
    """Yield what is to be said of the images, a pair a line."""
    notes = len(report.findings)
    used = {find_split(name, report.images) for name in overrides.splits or ("train", "val")}
    how = " held out" if overrides.held_out else ""
    yield "images", f"{trained} to train on, {validated}{how} to validate on; {report.num_classes} classes"
    scored = min(validated, overrides.validation_images or validated)
    if few := rough(scored):
        yield "rough", few
    if overrides.together:
        alike = sum(map(len, overrides.together))
        yield "held out", f"{counted(len(overrides.together), 'group')} of near-duplicates ({alike} images) in one part"
    unused = [name for name in report.images if len(report.images) > 1 and name not in used]
    kinds = report.left_alone | {f"image of the split {name}": report.images[name] for name in unused}
    if told := left_alone(kinds):
        yield "left alone", told.removeprefix("left alone: ")
    if notes:
        yield "doctor", f"{counted(notes, 'note')}, no error: fcn-doctor {report.directory}"
    for doubt in (finding for finding in report.findings if finding.code == DOUBTFUL):
        yield "in doubt", f"{doubt.message} {doubt.advice}"


def about_sizes(report, overrides, reason):
    """Yield what is to be said of images that are reduced, and why they are."""
    most = overrides.most_pixels
    larger = [size for size in report.sizes if most and size_within(size[:2], most) != size[:2]]
    if larger:
        height, width, _ = larger[0]
        low, narrow = size_within((height, width), most)
        count, total = (sum(number for *_, number in sizes) for sizes in (larger, report.sizes))
        which = "" if count == total else f"{count} of {total} images, such as "
        yield "size", f"{which}{width}x{height} reduced to {narrow}x{low} ({reason}); --most-pixels 0 keeps it"


def about_classes(overrides, given, uneven):
    """Yield what is to be said of the class weights."""
    ratio = f"the largest has {uneven:.0f} times the pixels of the rarest"
    if overrides.class_weights:
        low, high = min(overrides.class_weights), max(overrides.class_weights)
        yield _line(given, "class weights", f"{low:.2g} to {high:.2g}: {ratio}", "class_weights")
    else:
        yield "class weights", f"equal: {ratio}"
