"""Everything in a version's folder but the model card. Importing this imports TensorFlow."""

import logging
import math
import shutil
from pathlib import Path

import tensorflow as tf

from fcn_keras.interface import in_float32
from fcn_keras.photographs import Photographs
from fcn_keras_console.exported.find import PROBE, SAVED_MODEL
from fcn_keras_console.runtimes.tensors import class_list_name, palette_name
from fcn_keras_console.workdir import palette_text

from ..probing import SIDE, write_probe
from . import warmup
from .frozen_network import freeze
from .limits import limits_of
from .parity import compare, loaded
from .signatures import build

LOG = logging.getLogger("fcn-export")
NOTICES = logging.getLogger("fcn_keras_console")  # which is printed without --verbose, too
WARM_UP = "tf_serving_warmup_requests"
BATCHING = Path(__file__).resolve().parents[2] / "kit" / "config" / "batching.config"


def write(folder, name, model, names, colors, *, memory, max_pixels, extras, sizes, scale, precision="fp32"):
    """Write a model as a folder that TensorFlow Serving can load, and compare the two.

    Args:
        folder: to make.
        name: under which the model will be served.
        model: a network of this package.
        names: class names by head, as `checks.class_names` returns them.
        colors: of the classes, `(K, 3)` uint8 by head.
        memory: MiB that a request may take; None for any.
        max_pixels, extras, sizes: as for `version.export`.
        scale: at which photographs are scored, as for `signatures.build`.
        precision: as for `version.export`.

    Returns:
        dict of JSON's types for the model card.
    """
    module = tf.Module()
    memory = None if memory is None else memory * 2**20
    network, module.variables_read = freeze(model, memory, precision=precision)
    maps = len(network.classes) if "confidence_map" in extras else 0
    limits = _limits(network, memory, max_pixels, sizes, maps)
    signatures = build(network, limits=limits, extras=extras, scale=scale, colors=colors)
    traced = {}
    for number, (signature, function) in enumerate(signatures.items(), 1):
        LOG.info("tracing %s, %d of %d", signature, number, len(signatures))
        traced[signature] = function.get_concrete_function()
    LOG.info("writing the SavedModel")
    tf.saved_model.save(module, str(folder), signatures=traced)
    for file, text in _assets(names, colors).items():
        (folder / "assets" / file).write_text(text, encoding="utf-8")
    (folder / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(folder / "assets.extra" / WARM_UP)) as writer:
        for record in warmup.requests(network, name, sizes, scale, limits.decoded):
            writer.write(record)
    shutil.copyfile(BATCHING, folder / "batching_params.pbtxt")
    exact = model if precision == "fp32" else in_float32(model)
    with loaded(folder) as run:
        parity = compare(exact, network, run, [*sizes, *_in_parts(network, limits)], scale)
        options = {"precision": precision, "format": SAVED_MODEL, "side": min(SIDE, math.isqrt(limits.scored))}
        write_probe(folder / PROBE, exact, lambda probe: probe.ask(run), **options)
    if network.is_doubtful:
        NOTICES.warning(
            "The weights of this network are so large that its sums may leave float32. Every layer is looked at, which "
            "takes longer, and an image whose scores are not finite gets a status instead of labels."
        )
    return {
        "precision": precision,
        "inputs": dict(network.channels),
        "memory": memory and memory >> 20,
        "max_pixels": limits.scored,
        **({} if network.reason is None else {"whole_images": network.reason}),
        **({} if scale in (None, 1) else _scale_facts(scale, limits)),
        "extra_outputs": extras,
        "warm_up_sizes": sizes,
        "parity": parity,
    }


def _scale_facts(scale, limits):
    known = scale.config() if isinstance(scale, Photographs) else scale
    return {"scale": known, "max_decoded": limits.decoded}


def _in_parts(network, limits):
    """Choose a size to compare besides, which is computed in several parts of the largest stage, if it is answered."""
    side = network.largest_part
    size = side and (side + side // 8, side + side // 6)
    return [size] if size and math.prod(size) <= limits.scored else []


def _limits(network, memory, max_pixels, sizes, maps=0):
    limits = limits_of(network, memory=memory, max_pixels=max_pixels, maps=maps)
    if network.reason is not None:
        NOTICES.warning(
            "This network is computed in one pass over an image, which takes more memory: at most %d pixels are "
            "scored. %s",
            limits.scored,
            network.reason,
        )
    if min(limits.scored, limits.reduced) < 1:
        raise ValueError(f"`memory` is too little for any image. Received: {memory / 2**20:g}. Allow more.")
    for height, width in sizes:
        if height * width > limits.scored:
            raise ValueError(
                f"`sizes` are at most {limits.scored} pixels, which the memory allows. Received: {height}x{width}."
            )
    return limits


def _assets(names, colors):
    """Make the text files of `assets/`, class names and their colours: `{name: text}`."""
    texts = {f"{palette_name(head)}.txt": palette_text(of_head) for head, of_head in colors.items()}
    for head, listed in names.items():
        texts[f"{class_list_name(head)}.txt"] = "".join(f"{name}\n" for name in listed)
    return texts
