"""Everything in a version's folder but the model card. Importing this imports TensorFlow."""

import shutil
from pathlib import Path

import tensorflow as tf

from fcn_keras.photographs import Photographs
from fcn_keras.visualize import palette

from ..tensors import class_list_name
from . import warmup
from .frozen_network import freeze
from .parity import compare
from .signatures import build

WARM_UP = "tf_serving_warmup_requests"
BATCHING = Path(__file__).resolve().parents[2] / "kit" / "config" / "batching.config"


def write(folder, name, model, names, *, max_pixels, extras, sizes, scale):
    """Write a model as a folder that TensorFlow Serving can load, and compare the two.

    Args:
        folder: to make.
        name: under which the model will be served.
        model: a network of this package.
        names: class names by head, as `checks.class_names` returns them.
        max_pixels, extras, sizes: as for `version.export`.
        scale: at which photographs are scored, as for `signatures.build`.

    Returns:
        dict of JSON's types for the model card.
    """
    module = tf.Module()
    network, module.variables_read = freeze(model)
    signatures = build(network, max_pixels=max_pixels, extras=extras, scale=scale)
    tf.saved_model.save(module, str(folder), signatures=signatures)
    for file, text in _assets(names).items():
        (folder / "assets" / file).write_text(text, encoding="utf-8")
    (folder / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(folder / "assets.extra" / WARM_UP)) as writer:
        for record in warmup.requests(network, name, sizes):
            writer.write(record)
    shutil.copyfile(BATCHING, folder / "batching_params.pbtxt")
    return {
        "inputs": dict(network.channels),
        "max_pixels": max_pixels,
        **({} if scale in (None, 1) else {"scale": scale.config() if isinstance(scale, Photographs) else scale}),
        "extra_outputs": extras,
        "warm_up_sizes": sizes,
        "parity": compare(model, network, folder, sizes, scale),
    }


def _assets(names):
    """Make the text files of `assets/`, class names and palette: `{name: text}`."""
    texts = {"palette.txt": "".join(f"{red} {green} {blue}\n" for red, green, blue in palette())}
    for head, listed in names.items():
        texts[f"{class_list_name(head)}.txt"] = "".join(f"{name}\n" for name in listed)
    return texts
