"""Plan a run on one's own folder that ends in the minutes that there are."""

import datetime
import functools
import resource
import shutil
import sys
import time
from dataclasses import replace

from fcn_keras_console.workdir import decisions_beside

from ..recipes.overrides import Overrides
from ..workdir.stage import Stage
from .budget import EPOCHS, WHOLE, batch_of, fewest_minutes, schedule
from .plan import EXACT, OVERRULE, Plan, about_classes, about_images, about_sizes, chosen_of, overrides_from
from .run_progress import Expected
from .sizes import Sizes

# What a plan in minutes decides itself. With one of these, and without --minutes, a run is planned by steps.
DECIDED = ("steps", "steps_per_epoch", "width", "accumulate", "buckets", "augment")
HELD_OUT = ("held_out", "held_out_by", "together")  # what says which images are held out
LATEST = 3  # times the minutes that were given may go by before a run trains; more images are refused
KEPT = 13  # bytes of a pixel's maps in a file, of one backbone; its label has one
MODELS = 900_000_000  # bytes of both stages' models, with one backbone, while one more is written


def recipe_of(model, *, hha=False):
    """Return the name of the recipe that is planned in minutes for a network, such as `fcn8s`, with HHA or without."""
    return f"quick_{model}_rgb_hha" if hha else f"quick_{model}"


def suits(given, minutes, *, processor):
    """Tell whether a run is planned in minutes.

    Args:
        given: `Overrides` that the user chose.
        minutes: given, or None.
        processor: whether there is nothing faster.

    Raises:
        ValueError: if minutes are given together with what they decide.
    """
    decided = [name for name in DECIDED if name in given.given()]
    if minutes is not None and decided:
        raise ValueError(
            f"--minutes decides --{decided[0].replace('_', '-')}: leave one of the two out. Without --minutes, "
            "fcn-train plans by steps."
        )
    return minutes is not None or (processor and not decided)


def begun(workdir, name, data, minutes=None, most_pixels=None):
    """Return the overrides of the run of a recipe that was begun in the workdir, None if there is none.

    A run that was stopped amid its feature maps has no checkpoint. It goes on by its plan if the folder is the same,
    and so are the minutes and the most pixels of an image, if they are given: crops and padding were planned for these.
    """
    for stage in (Stage(workdir / name), Stage(workdir / f"{name}_head")):
        decided = decisions_beside(stage.best)
        overrides = decided.get("overrides", {})
        same = (
            decided.get("data") == str(data.resolve())
            and minutes in (None, overrides.get("minutes"))
            and most_pixels in (None, overrides.get("most_pixels"))
        )
        if "minutes" in overrides and (stage.begun() or same):
            return overrides_from(overrides)
    return None


def quick_plan(report, ids, name, given, *, minutes, spent, workdir, measure, detail, near_duplicates=lambda keys: []):
    """Choose size, views, steps, precision and batches so that the run ends in time.

    Args:
        report, ids, given, near_duplicates: as for `plan`.
        name: of `recipe_of`.
        minutes: that the whole run may take.
        spent: seconds of them that are over.
        workdir: where the files go.
        measure: function from `(batch_size, num_classes, (H, W))` to a dtype policy, how much of float32's time it
            takes or None if it was not compared, and `Costs`.
        detail: function from the overrides `HELD_OUT`, a dict, to a `Detail`.

    Returns:
        `Plan`.

    Raises:
        ValueError: as `plan`; and if the images are too many for the time, or the disk is too small.
    """
    chosen, trained, validated, warning, uneven = chosen_of(report, ids, given, near_duplicates, None)
    began = time.monotonic()
    looked = detail({name: chosen[name] for name in HELD_OUT if name in chosen})
    most = looked.most_pixels if given.most_pixels is None else given.most_pixels
    spent += time.monotonic() - began
    sizes = Sizes.of(report, most)
    images = replace(sizes.images(trained, validated), reading=looked.reading)
    policy, ratio, costs, took = measure(
        given.batch_size or batch_of(images.area, trained), report.num_classes, sizes.middling
    )
    over = spent + took
    used = schedule(images, 60 * minutes - over, costs, given.batch_size)
    fewest = functools.partial(fewest_minutes, images, costs, over, given.batch_size)
    _require_time(images, minutes, used, over, fewest)
    backbones = 2 if name.endswith("_rgb_hha") else 1
    space = _require_space(workdir, used, images, backbones)
    stages = zip((f"{name}_head", name), used.steps, used.epochs, strict=True)
    chosen |= {
        "minutes": minutes,
        "batch_size": used.batch_size,
        "views": used.views,
        "validation_images": used.validation_images,
        "most_pixels": most,
        "dtype_policy": policy,
        "stages": {stage: Overrides(steps=n, steps_per_epoch=n // epochs) for stage, n, epochs in stages},
    }
    if used.crop is not None:
        chosen["crop"] = [used.crop, used.crop]
    if used.views > trained:  # several views of an image are to differ
        chosen |= {"augment": ["scale"], "crop": chosen.get("crop", list(sizes.middling))}
    elif used.crop is None and len(sizes.counts) > 1:
        chosen["buckets"] = [list(bucket) for bucket in sizes.buckets]
    overrides = Overrides(**{**chosen, **given.given()})
    reasons = [
        *_about_too_little(minutes, over, used, trained, fewest),
        *about_images(report, overrides, trained, validated),
        *about_sizes(report, overrides, looked.reason if given.most_pixels is None else "as given"),
        *([("depth", "HHA images: a backbone for them beside that for colour, scores averaged")] * (backbones - 1)),
        *_about_time(minutes, over, used),
        *_about_reductions(used, images, fewest),
        *_about_work(used, policy, ratio, costs, images, given),
        *about_classes(overrides, given, uneven),
        ("memory", f"about {_gigabytes(_peak())}; {_gigabytes(space)} of disk in {workdir}"),
    ]
    return Plan(name, overrides, tuple(reasons), warning, _expected(name, used))


def _expected(name, used):
    """Tell what each stage is planned to take."""
    start = used.seconds["start"] / 2
    head, last = (used.seconds[part] / steps for part, steps in zip(("head", "last block"), used.steps, strict=True))
    return {
        f"{name}_head": Expected(used.seconds["feature maps"] + start, head, used.scoring),
        name: Expected(start, last, used.scoring),
    }


def _require_time(images, minutes, used, over, fewest):
    """Refuse minutes that are not nearly enough for so many images."""
    if over + used.seconds["feature maps"] > LATEST * 60 * minutes:
        give = f"--minutes {enough} or more, or " if (enough := fewest()) else ""
        raise ValueError(
            f"{images.trained} images are too many for --minutes {minutes:.3g} on this machine as it is: looking at "
            f"them and measuring took {over:.0f} s. Give {give}fewer images."
        )


def _is_too_little(minutes, over, used):
    return over + used.total > 60 * minutes


def _about_too_little(minutes, over, used, trained, fewest):
    """Yield that the minutes are too few, and what is done: the one sentence on time, whose numbers are the plan's."""
    if _is_too_little(minutes, over, used):
        enough = fewest()
        yield (
            "minutes",
            f"{minutes:g} is too little for {trained} images on this machine as it is: {_minutes(over)} are over, and "
            f"the least, which is trained now, takes {_minutes(used.total)} more, until about {_end(used)}"
            + (f"; --minutes {enough} is enough" if enough else ""),
        )


def _about_reductions(used, images, fewest):
    """Yield what is less than it would be in more time."""
    less = []
    if used.crop is not None and images.largest <= WHOLE:
        whole = fewest(whole=True)
        from_then_on = f" (those from about --minutes {whole} on)" if whole else ""
        less.append(f"crops of {used.crop}x{used.crop}, and no whole images{from_then_on}")
    if used.validation_images < images.validated:
        less.append(f"{used.validation_images} of {images.validated} images scored")
    if used.is_least:
        less.append("the fewest steps")
    if used.epochs != EPOCHS[0]:
        head, last, most, many = *used.epochs, *EPOCHS[0]
        less.append(f"scores after {head} and {last} epochs, not {most} and {many}")
    if less:
        yield "for the time", ", ".join(less)


def _about_time(minutes, over, used):
    parts = ", ".join(f"{name} {_minutes(seconds)}" for name, seconds in used.seconds.items() if seconds >= 1)
    if _is_too_little(minutes, over, used):
        yield "time", f"{_minutes(used.total)} more: {parts}"
    else:
        yield "time", f"{minutes:g} min, of which {_minutes(over)} are over; ends about {_end(used)} ({parts})"


def _end(used):
    return f"{datetime.datetime.now() + datetime.timedelta(seconds=used.total):%H:%M:%S}"


def _about_work(used, policy, ratio, costs, images, given):
    area = images.area if used.crop is None else used.crop**2
    what = "whole images" if used.crop is None else f"crops of {used.crop}x{used.crop} at random places"
    what += ", at scales from 0.5 to 2," if used.views > images.trained else ","
    yield "views", f"{used.views} {what} each with its mirror image; {used.validation_images} images are scored"
    step = costs.head * used.batch_size * area
    yield (
        "machine",
        f"an image's maps {area * costs.maps:.2g} s, a step of {used.batch_size} {step:.2g} s; {policy}"
        + ("" if policy == EXACT or ratio is None else f" takes {ratio:.0%} of float32's time"),
    )
    if given.dtype_policy is not None:
        yield "precision", f"{policy} (as given)"
    elif policy != EXACT:
        yield "precision", f"{policy} for layers; {OVERRULE}"
    yield "what learns", f"the head for {used.steps[0]} steps; then conv5 too, for {used.steps[1]}"


def _require_space(workdir, used, images, backbones):
    area = images.area if used.crop is None else used.crop**2
    maps = (backbones * KEPT + 1) * (2 * used.views * area + used.validation_images * images.area)
    needed = int(maps) + backbones * MODELS
    folder = next(path for path in (workdir.absolute(), *workdir.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if free < 1.1 * needed:
        raise ValueError(
            f"{workdir} needs about {_gigabytes(needed)} for feature maps and models, and its disk has "
            f"{_gigabytes(free)} free. Make room, or choose another --workdir."
        )
    return needed


def _peak():
    """Return the largest memory of this process so far, in bytes: a step of every stage was measured in it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _gigabytes(count):
    return f"{count / 1e9:.1f} GB"


def _minutes(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
