"""How far a written SavedModel's answers are from the model's own. Importing this imports TensorFlow."""

import contextlib
import io
import logging
from functools import partial

import numpy as np
from PIL import Image

import fcn_keras as fcn
from fcn_keras.interface import heads_of
from fcn_keras.photographs import Photographs, scaled_size

from ...sessions import ask, open_session
from ..drawn_images import draw_inputs, for_predict
from ..tensors import output_name
from .signatures import NAMES, png_name
from .warmup import as_files

LOG = logging.getLogger("fcn-export")


def compare(model, network, run, sizes, scale=None):
    """Answer one drawn image of each size with it and with `fcn_keras.predict`.

    Where the SavedModel scales a photograph, its labels are compared with those of `fcn_keras.predict_scaled`.

    The first call of every signature makes its graph ready, so this takes some seconds for a large network.

    Args:
        model: the Keras model that was exported.
        network: `frozen_network.Network` of it.
        run: what `loaded` gave of the SavedModel.
        sizes: (H, W) pairs.
        scale: as for `signatures.build`.

    Returns:
        list of dicts by size and head: `height`, `width`, `head`, `label_agreement` (share of the pixels that
        `serving_default` labels as the model does), `largest_score` and `largest_score_error` (of
        `predict_scores`, absolute); and, where it answers confidence maps, `largest_confidence_error` (in
        probability, of which a map's rounding is up to 0.002).
    """
    rows = []
    for number, (height, width) in enumerate(sizes, 1):
        LOG.info("comparing at %dx%d, %d of %d", height, width, number, len(sizes))
        rows += _compared(model, network, run, (height, width), scale)
    return rows


def _compared(model, network, run, size, scale):
    height, width = size
    images = draw_inputs(network.channels, height, width)
    files = {name: np.array([contents], object) for name, contents in as_files(network, images).items()}
    pngs = run("serving_default", files)
    theirs = run("predict_scores", {name: x[None].astype(np.float32) for name, x in images.items()})
    rows = []
    pixels = for_predict(images)
    is_same = scaled_size((height, width), scale) == (height, width)
    labels = None if is_same else _scaled(model, pixels, scale, "labels")
    sure = {}
    if any(name.endswith(NAMES["confidence_map"]) for name in pngs):
        sure = heads_of(fcn.predict(model, pixels, output="confidence")) if is_same else {}
        sure = sure or _scaled(model, pixels, scale, "confidence")
    for head, scores in heads_of(fcn.predict(model, pixels, output="scores")).items():
        expected = scores.argmax(axis=-1) if labels is None else labels[head]
        label = _decoded(pngs[png_name(head)][0])
        error = theirs[output_name(head, "scores")][0] - scores
        if not np.isfinite(error).all():
            raise ValueError(f"The SavedModel gives scores that are NaN or infinite, of a drawn {height}x{width}.")
        rows.append(
            {
                "height": height,
                "width": width,
                "head": head,
                "label_agreement": float(np.mean(label == expected)),
                "largest_score": float(np.abs(scores).max()),
                "largest_score_error": float(np.abs(error).max()),
            }
        )
        if head in sure:
            found = _decoded(pngs[output_name(head, NAMES["confidence_map"])][0])
            rows[-1]["largest_confidence_error"] = float(np.abs(found / 255 - sure[head]).max())
    return rows


def _decoded(png):
    return np.asarray(Image.open(io.BytesIO(png)))


@contextlib.contextmanager
def loaded(folder):
    """Load a SavedModel as a server does.

    Yields:
        function from a signature's name and `{input: array}` to `{output: array}`.
    """
    LOG.info("loading it, to compare it with the model")
    session, meta_graph = open_session(folder)
    with contextlib.closing(session):
        yield partial(ask, session, meta_graph)


def _scaled(model, pixels, scale, output):
    own = None if isinstance(scale, Photographs) else scale
    return heads_of(fcn.predict_scaled(model, pixels, scale=own, output=output))
