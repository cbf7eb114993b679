"""How far a written SavedModel's answers are from the model's own."""

import io

import numpy as np

from .warmup import as_files, scene


def compare(model, network, folder, sizes):
    """Load a SavedModel, and answer one drawn scene of each size with it and with `fcn_keras.predict`.

    The first call of every signature makes its graph ready, so this takes some seconds for a large network.

    Args:
        model: the Keras model that was exported.
        network: `network.Network` of it.
        folder: of the SavedModel.
        sizes: (H, W) pairs.

    Returns:
        list of dicts by size and head: `height`, `width`, `head`, `label_agreement` (share of the pixels that
        `serving_default` labels as `fcn_keras.predict` does), `largest_score` and `largest_score_error` (of
        `predict_scores`, absolute).
    """
    import tensorflow as tf

    import fcn_keras as fcn

    loaded = tf.saved_model.load(str(folder))
    from_files, to_scores = (loaded.signatures[name] for name in ("serving_default", "predict_scores"))
    rows = []
    for height, width in sizes:
        pixels = scene(network, height, width)
        image = pixels if len(pixels) > 1 else pixels["image"]
        labels, scores = (_by_head(fcn.predict(model, image, output=output)) for output in ("labels", "scores"))
        files = {name: tf.constant([contents]) for name, contents in as_files(network, pixels).items()}
        answer = from_files(**files)
        theirs = to_scores(**{name: tf.constant(x[None].astype(np.float32)) for name, x in pixels.items()})
        for head in network.classes:
            label = _decode(answer[f"{head or 'label'}_png_bytes"].numpy()[0])
            error = theirs[f"{head}_scores" if head else "scores"].numpy()[0] - scores[head]
            rows.append(
                {
                    "height": height,
                    "width": width,
                    "head": head,
                    "label_agreement": float(np.mean(label == labels[head])),
                    "largest_score": float(np.abs(scores[head]).max()),
                    "largest_score_error": float(np.abs(error).max()),
                }
            )
    return rows


def _by_head(result):
    return result if isinstance(result, dict) else {"": result}


def _decode(png):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)))
