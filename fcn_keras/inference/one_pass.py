"""Apply a model to one whole array, and refuse scores that are no numbers."""

import weakref
from typing import Any

import keras
import numpy as np

from fcn_keras.inference.overflow import refuse, require_numbers, watch_of
from fcn_keras.inference.parts import can_be_one_part, part_of_all
from fcn_keras.inference.whole import finish_of, require_output, without_xla

# model -> compiled model on the same layers
_scorers: weakref.WeakKeyDictionary[keras.Model, keras.Model] = weakref.WeakKeyDictionary()


def run(model: keras.Model, images: Any, output: str) -> Any:
    """Apply the model to one checked image, or dict of them.

    Args:
        model: as for `predict`.
        images: what `as_input` returns.
        output: as for `predict`.

    Returns:
        As `predict`.

    Raises:
        ValueError: if `output` is unknown, or a sum on the way is no number.
    """
    require_output(output)
    batch = keras.tree.map_structure(lambda x: x[None], images)
    watch = watch_of(model)
    if watch.is_known and not (watch.is_doubtful and not watch.accepts(watch.weigh(), 0.0)):
        part = part_of_all(model, output, watch.observed, watch.weighed)
        *found, squares = part.predict_on_batch(keras.tree.flatten(batch))
        observed = found.pop().max() if part.looked_at else 0.0
        if watch.accepts(squares, observed):
            return _as_output(model, found)
    return _thorough(model, batch, output)


def _as_output(model: keras.Model, found: list[Any]) -> Any:
    return keras.tree.pack_sequence_as(model.output, [x[0] for x in found])


def _thorough(model: keras.Model, batch: Any, output: str) -> Any:
    """Look at the sums of all layers, or at the scores alone where a layer is used several times."""
    if not can_be_one_part(model):
        scores = keras.tree.map_structure(lambda x: x[0], _scorer(model).predict_on_batch(batch))
        if not all(np.isfinite(x).all() for x in keras.tree.flatten(scores)):
            refuse(model, ())
        return keras.tree.map_structure(lambda x: _finished(x, output), scores)
    part = part_of_all(model, output, None)
    *found, is_finite = part.predict_on_batch(keras.tree.flatten(batch))
    require_numbers(model, part.looked_at, is_finite)
    return _as_output(model, found)


def _finished(scores: Any, output: str) -> Any:
    return keras.ops.convert_to_numpy(finish_of(output)(keras.ops.convert_to_tensor(scores)))


def _scorer(model: keras.Model) -> keras.Model:
    """Build, once per model, a model on the same layers that ends in float32 scores."""
    if model not in _scorers:
        outputs = keras.tree.map_structure(finish_of("scores"), model.output)
        _scorers[model] = without_xla(keras.Model(model.input, outputs))
    return _scorers[model]
