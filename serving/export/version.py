"""Write one version of a served model: a SavedModel and what lies beside it."""

import errno
import logging
import math
import os
from pathlib import Path

from fcn_keras_console.digests import digests_below
from fcn_keras_console.disk_errors import naming
from fcn_keras_console.files import made
from fcn_keras_console.publication import sync, sync_entry
from fcn_keras_console.scratch import scratch

from .options import EXTRAS, MEMORY, OF_SAVED_MODEL, SIZES

LOG = logging.getLogger("fcn-export")


def export(
    model,
    directory,
    *,
    version=None,
    classes=None,
    colors=None,
    memory=None,
    max_pixels=None,
    extras=(),
    sizes=None,
    scale=None,
    origin=None,
    precision="fp32",
    least_agreement=None,
):
    """Write one version of a served model: `directory/<version>/`.

    The SavedModel needs TensorFlow alone and answers three signatures:

    - `serving_default`: `image_bytes` [N], JPEG, PNG, BMP or WebP files of any mix of sizes -> `label_png_bytes` [N],
      grey PNG of class ids at each image's own size, `height` and `width` [N], and `status` [N]. Pixels are those that
      `fcn-evaluate` reads, bit by bit, turned upright by EXIF. A file that cannot be answered does not disturb its
      neighbours: its `status` is a sentence (and empty otherwise), its PNG is empty, its sizes are 0. An `"rgbd"` net
      takes `depth_png_bytes` [N] as well (16-bit PNG, millimetres); a `LateFusion` takes `rgb_bytes` and `hha_bytes`.
    - `predict_tensors`: `image` [N,H,W,C] uint8 (uint16 with depth) -> `label` [N,H,W] uint8.

    Both look at photographs at the scale that the model knows, as `fcn_keras.predict_scaled` does, and label them at
    their own size. `serving_default` then answers `scored_height` and `scored_width` [N] too.

    - `predict_scores`: `image` [N,H,W,C] float32, 0-255 -> `scores` [N,H,W,K] float32.

    Several heads answer `<head>_png_bytes`, `<head>_label`, `<head>_scores`. Labels are uint8, and uint16 above 256
    classes.

    Beside the SavedModel lie the palette and class names (`assets/`), requests with which a server warms up
    (`assets.extra/`), `batching_params.pbtxt`, and a model card (`README.md`, `model.json`), for which the written
    SavedModel is loaded and compared with `model`. By a probe in `assets.extra/`, `fcn-check` compares processors.
    `model.json` has the SHA-256 of every file, which `fcn-serve` and `fcn-batch` compare when they load the version.
    The folder appears under its name when it is complete; a server that polls `directory` never sees a part of it.

    Args:
        model: a network of this package, under any dtype policy.
        directory: the served model's folder, which holds its versions and whose name is the model's; made if missing.
        version: positive int; default one more than the highest there, from 1 on.
        classes: names of the classes, or a mapping head -> names.
        colors: `(K, 3)` uint8 RGB by head, an only head being `""`; default `fcn_keras.colors.class_colors`.
        memory: MiB that a request may take besides the loaded model: `serving_default` refuses photographs that would
            take more; where none is scaled, before it decodes them. It is estimated. Default: 2048, which is enough
            for 64 million pixels of an FCN-8s of full width. More are not scored unless `max_pixels` says so.
        max_pixels: refuse those, too, that are scored at a larger height times width. Without `memory`, it is the only
            limit.
        extras: further outputs of `serving_default`, of `"color"` (`color_png_bytes` [N], in the classes' colours),
            `"counts"` (`class_pixels` [N,K] int64), `"confidence"` (`confidence` [N] float32, the mean over the
            pixels of the largest softmax) and `"confidence_map"` (`confidence_map_bytes` [N], a grey PNG of 255 times
            the largest softmax); `<head>_...` where there are several heads.
        sizes: (H, W) of the photographs to warm up with and to compare: those that will be asked most. Default: those
            of PASCAL VOC, as far as `max_pixels` allows. One more is compared, which is computed in several parts.
        scale: another one than the model's own, as for `fcn_keras.predict_scaled`; 1 for the photographs' own size.
        origin: for the model card, `"recipe"`, `"training"`, `"metrics"` and `"source"`: `provenance.Provenance.facts`.
        precision: `"fp32"`; or `"bf16"`, as `fcn_keras.in_bfloat16` computes: half the file, and several times as fast
            where processors have AMX or GPUs a compute capability of 8 or more, and slower elsewhere. What goes in and
            comes out stays of the same types.
        least_agreement: with `"bf16"`, share of the pixels that it has to label as the model does in float32, on every
            size that is compared; default `accuracy.agreement.LEAST_AGREEMENT`.

    Returns:
        `pathlib.Path` of the version's folder.

    Raises:
        ValueError: on a model that is not a network, or an argument outside the values above; or if too few labels of
            bfloat16 agree.
        FileExistsError: if the version is there; versions are never overwritten.
        OSError: if the folder cannot be written.
    """
    from fcn_keras.interface import class_counts
    from fcn_keras.photographs import require_scale
    from fcn_keras.scaled_inference import scale_for

    from .checks import check_model, class_names, colors_of_classes
    from .model_card import describe

    check_model(model)
    require_scale(scale)
    scale = scale_for(model, scale)
    memory = MEMORY if memory is None and max_pixels is None else memory
    _check_options(version=version, memory=memory, max_pixels=max_pixels, extras=extras, sizes=sizes)
    if precision not in OF_SAVED_MODEL:
        raise ValueError(f"`precision` of a SavedModel is one of {OF_SAVED_MODEL}. Received: {precision!r}.")
    from .saved_model.contents import write  # which imports TensorFlow, whatever Keras's backend is

    sizes = tuple(sizes or _default_sizes(max_pixels))
    counts = class_counts(model)
    names = class_names(classes, counts)
    colors = colors_of_classes(names, counts, colors)
    directory = Path(directory).absolute()
    with made(directory):
        check_absent(directory, version)
        with (
            naming(directory),
            scratch(directory) as place,
        ):  # its name is no number, so no server takes it for a version
            folder = place / "model"
            options = {"memory": memory, "max_pixels": max_pixels, "extras": tuple(extras)}
            options |= {"sizes": sizes, "scale": scale, "precision": precision}
            contents = write(folder, directory.name, model, names, colors, **options)
            if precision != "fp32":
                _require_agreement(contents["parity"], directory.name, precision, least_agreement)
            facts = {"name": directory.name, **describe(model, names, colors), **contents, **(origin or {})}
            return _publish(folder, directory, version, facts, digests_below(folder))


def _require_agreement(parity, name, precision, least_agreement):
    """Refuse a SavedModel that labels too many pixels otherwise; the differences of its scores are told in its card."""
    from .accuracy.agreement import Figures, require

    least = min(row["label_agreement"] for row in parity)
    require(Figures(least, None, "drawn"), name, precision, least_agreement)


def _publish(folder, directory, version, facts, digests):
    """Write the model card and rename a finished folder to its version."""
    from .model_card import write_version_card

    while True:
        number = version or max(_versions(directory), default=0) + 1
        check_absent(directory, version)
        write_version_card(folder, {**facts, "version": number}, digests)
        sync(folder)
        target = directory / str(number)
        try:
            os.rename(folder, target)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            # Another export took the number in this moment: take the next, or say so.
        else:
            sync_entry(directory)
            return target


def _versions(directory):
    return [int(path.name) for path in directory.iterdir() if path.name.isdecimal()]


def check_absent(directory, version):
    """Raise a `FileExistsError` if a version is there already."""
    if version in _versions(directory):
        raise FileExistsError(
            f"Version {version} is in {directory} already, and is never overwritten. Choose another, or leave it out "
            "to take the next."
        )


def _check_options(*, version, memory, max_pixels, extras, sizes):
    for name, value in {"version": version, "memory": memory, "max_pixels": max_pixels}.items():
        if value is not None:
            _check_positive(name, value)
    if unknown := [extra for extra in extras if extra not in EXTRAS]:
        raise ValueError(f"`extras` are among {EXTRAS}. Received: {unknown[0]!r}.")
    for height, width in sizes or ():
        _check_positive("sizes", height)
        _check_positive("sizes", width)
        if max_pixels is not None and height * width > max_pixels:
            raise ValueError(f"`sizes` are at most `max_pixels` = {max_pixels}. Received: {height}x{width}.")


def _default_sizes(max_pixels):
    if max_pixels is None:
        return SIZES
    side = math.isqrt(max_pixels)
    return [size for size in SIZES if math.prod(size) <= max_pixels] or [(side, side)]


def _check_positive(name, value):
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise ValueError(f"`{name}` is a positive whole number. Received: {value!r}.")
