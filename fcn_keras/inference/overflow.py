"""Refuse scores that are no numbers, at next to no cost where the weights alone show that there are none."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from fcn_keras.finite import broken_layers, require_finite, weigher
from fcn_keras.inference.bounds import CONVOLUTIONS, is_bounded, norm_of_sizes
from fcn_keras.layers import MatrixConv2D

LARGEST_WEIGHED = 2**22  # weights of a layer; the sums of a larger one are looked at
USUAL = 1e12  # sum of the squares of what fc6 sums up over an image: a thousand times that of a photograph

_watches: weakref.WeakKeyDictionary[keras.Model, Watch] = weakref.WeakKeyDictionary()


def watch_of(model: keras.Model) -> Watch:
    """Return the `Watch` over a model, always the same."""
    if model not in _watches:
        _watches[model] = Watch(model)
    return _watches[model]


class Watch:
    """What has to be known of a network at every image, so that no sum of it can overflow unseen.

    Args:
        model: a network.

    Attributes:
        observed: names of the layers whose sums are looked at.
        weighed: the other layers that have weights.
        is_known: whether something is known of how large every layer's results are.
        is_doubtful: whether the last time something could have overflowed.
    """

    def __init__(self, model: keras.Model) -> None:
        run = [x for x in model.layers if not isinstance(x, keras.layers.InputLayer)]
        weighted = [x for x in run if type(x) in CONVOLUTIONS]
        # fc6 and fc7, however narrow: their sums are few, and what their weights allow leads the layers behind too far.
        observed = [x for x in weighted if isinstance(x, MatrixConv2D) or _weights_of(x) > LARGEST_WEIGHED]
        self.observed = frozenset(x.name for x in observed)
        # Not the model itself, which is the key that the watch lives as long as.
        self._run, self._inputs = run, keras.tree.flatten(model.input)
        self.weighed = [x for x in weighted if x.name not in self.observed]
        self._squares = weigher(self.weighed)
        self._accepted: tuple[Any, float] | None = None
        self.is_doubtful = False
        self.is_known = bool(self.weighed) and self._is_bounded(np.zeros(len(self.weighed)), 0.0)

    def weigh(self) -> Any:
        """Return the sums of the squares of the weights of every weighed layer, as they are now."""
        return np.asarray(self._squares()) if self.weighed else np.zeros(0)

    def accepts(self, squares: Any, observed: float) -> bool:
        """Tell whether nothing can have overflowed.

        Args:
            squares: what `weigh` returned.
            observed: the largest sum of squares of what an observed layer summed up; 0 before they run.

        Returns:
            False also where it is not known.
        """
        # What is as small as something that was accepted needs no look at the layers again. NaN is not.
        self.is_doubtful = False
        if self._accepted and observed <= self._accepted[1] and (squares <= self._accepted[0]).all():
            return True
        for most in (max(observed, USUAL), observed):
            if self._is_bounded(squares, most):
                self._accepted = squares, most
                return True
        self.is_doubtful = True
        return False

    def _is_bounded(self, squares: Any, observed: float) -> bool:
        sizes = np.sqrt(np.asarray(squares, np.float64))
        known = dict(zip((x.name for x in self.weighed), sizes.tolist(), strict=True))
        return math.isfinite(observed) and is_bounded(
            self._run, self._inputs, norm_of_sizes(known, dict.fromkeys(self.observed, math.sqrt(observed)))
        )


def _weights_of(layer: keras.Layer) -> int:
    return sum(math.prod(w.shape) for w in layer.weights)


def require_numbers(model: keras.Model, names: Sequence[str], is_finite: Any) -> None:
    """Refuse an image of which some layers make no numbers.

    Args:
        model: a network.
        names: of its layers, in the order that they run in.
        is_finite: `(layers, N)`, whether a layer's results of an image are numbers.

    Raises:
        ValueError: as `refuse`.
    """
    if broken := [name for name, finite in zip(names, is_finite, strict=True) if not finite.all()]:
        refuse(model, broken)


def refuse(model: keras.Model, layers: Sequence[str]) -> None:
    """Raise the error that says why an image has no scores.

    Args:
        model: a network.
        layers: those whose results are no numbers, in the order that they run in; none if it is not known.

    Raises:
        ValueError: always; it names the layers.
    """
    if broken_layers(model):
        require_finite(model, model.name)
    where = f"sums of {layers[0]}" if layers else "sums"
    dtype = model.get_layer(layers[0]).compute_dtype if layers else "float32"
    advice = "Take float32, or an earlier snapshot." if dtype == "float16" else "Take an earlier snapshot."
    raise ValueError(
        f"The scores of an image must be finite. Received: {where} that leave {dtype}, of {model.name}: its weights "
        f"are finite, but too large for this image. {advice}"
    )
