"""Everything in a version's folder but the model card."""

import shutil
from pathlib import Path
from typing import NamedTuple

WARM_UP = "tf_serving_warmup_requests"
BATCHING = Path(__file__).resolve().parents[2] / "kit" / "config" / "batching.config"


class Settings(NamedTuple):
    """How a model is exported, as `export.export` explains."""

    max_pixels: int
    extras: tuple
    sizes: tuple  # of (H, W)


def write(folder, name, model, names, settings):
    """Write a model as a folder that TensorFlow Serving can load, and compare the two.

    Args:
        folder: to make.
        name: under which the model will be served.
        model: a network of this package.
        names: class names by head, as `assets.class_names` returns them.
        settings: `Settings`.

    Returns:
        dict of JSON's types for the model card.
    """
    import tensorflow as tf

    from . import assets, warmup
    from .frozen_network import freeze
    from .parity import compare
    from .signatures import build

    module = tf.Module()
    network, module.variables_read = freeze(model)
    signatures = build(network, max_pixels=settings.max_pixels, extras=settings.extras)
    tf.saved_model.save(module, str(folder), signatures=signatures)
    for file, text in assets.files(names).items():
        (folder / "assets" / file).write_text(text, encoding="utf-8")
    (folder / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(folder / "assets.extra" / WARM_UP)) as writer:
        for record in warmup.requests(network, name, settings.sizes):
            writer.write(record)
    shutil.copyfile(BATCHING, folder / "batching_params.pbtxt")
    return {
        "network": model.name,
        "weights": model.count_params(),
        "inputs": dict(network.channels),
        "heads": {head: {"classes": count, "names": names.get(head)} for head, count in network.classes.items()},
        "max_pixels": settings.max_pixels,
        "extra_outputs": settings.extras,
        "warm_up_sizes": settings.sizes,
        "parity": compare(model, network, folder, settings.sizes),
    }
