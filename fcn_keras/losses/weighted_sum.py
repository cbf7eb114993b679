"""Several losses added up, and losses by name."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fcn_keras.labels import Tensor
from fcn_keras.losses.crossentropy import PixelCrossentropy
from fcn_keras.losses.focal import FocalCrossentropy
from fcn_keras.losses.lovasz import LovaszSoftmax
from fcn_keras.losses.overlap import SoftDice, Tversky
from fcn_keras.losses.pixels import require_wide

BY_NAME = {
    "crossentropy": PixelCrossentropy,
    "focal": FocalCrossentropy,
    "dice": SoftDice,
    "tversky": Tversky,
    "lovasz": LovaszSoftmax,
}


@keras.saving.register_keras_serializable("fcn_keras")
class SumOfLosses(keras.losses.Loss):
    """Add up losses, each times a factor.

    Args:
        losses: pairs of a factor, finite and not negative, and a `keras.losses.Loss`. Every loss takes the labels, the
            scores and the sample weights as it would alone.
        name: of the loss.
        dtype: of the result, `"float32"` or `"float64"`.

    Raises:
        ValueError: if there is no pair, or on a pair or dtype that is something else; and as each of the losses.

    Example:
        >>> import numpy as np
        >>> loss = SumOfLosses([(1.0, PixelCrossentropy()), (0.5, SoftDice())])
        >>> round(float(loss(np.array([[[0, 1]]]), np.zeros((1, 1, 2, 2)))), 4)  # ln(2) + 0.5 * 0.5
        0.9431
    """

    def __init__(
        self,
        losses: Sequence[tuple[float, keras.losses.Loss]],
        name: str = "sum_of_losses",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction="sum_over_batch_size", dtype=dtype or "float32")
        require_wide(self.dtype)
        if not losses:
            raise ValueError("`losses` has at least one pair of a factor and a loss. Received: none.")
        self.losses = [_checked(pair) for pair in losses]

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        terms = [ops.cast(loss(y_true, y_pred, sample_weight), self.dtype) * factor for factor, loss in self.losses]
        return sum(terms[1:], terms[0])

    def get_config(self) -> dict[str, Any]:
        losses = [[factor, keras.losses.serialize(loss)] for factor, loss in self.losses]
        return {"losses": losses, "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SumOfLosses":
        losses = [(factor, keras.losses.deserialize(loss)) for factor, loss in config["losses"]]
        return cls(**{**config, "losses": losses})


def from_text(
    text: str, *, ignore_label: int = 255, class_weights: Sequence[float] | None = None, **crossentropy: Any
) -> keras.losses.Loss:
    """Make a loss of what a command line says of it, such as `"crossentropy"` or `"crossentropy+0.5*dice"`.

    Args:
        text: names of `BY_NAME`, each after a factor and `*` unless that is 1, with `+` between.
        ignore_label, class_weights: of every loss.
        crossentropy: further arguments of `PixelCrossentropy` where it is among them: `label_smoothing`, say.

    Returns:
        The loss, or `SumOfLosses` of them if there are several or a factor is given.

    Raises:
        ValueError: on a name that is none, a factor that is no number, or an argument out of range.

    Example:
        >>> from_text("crossentropy+0.5*lovasz").get_config()["losses"][1][0]
        0.5
    """
    pairs: list[tuple[float, keras.losses.Loss]] = []
    for term in text.split("+"):
        factor, _, name = term.rpartition("*")
        name = name.strip()
        if name not in BY_NAME:
            raise ValueError(
                f"A loss is one of {', '.join(BY_NAME)}, or a sum of them such as crossentropy+0.5*dice. "
                f"Received: {text!r}."
            )
        options = crossentropy if name == "crossentropy" else {}
        loss = BY_NAME[name](ignore_label=ignore_label, class_weights=class_weights, **options)
        pairs.append((_number(factor, text) if factor else 1.0, loss))
    alone = len(pairs) == 1 and "*" not in text
    return pairs[0][1] if alone else SumOfLosses(pairs)


def _number(factor: str, text: str) -> float:
    try:
        return float(factor)
    except ValueError:
        raise ValueError(f"A loss's factor is a number, as in 0.5*dice. Received: {text!r}.") from None


def _checked(pair: Any) -> tuple[float, keras.losses.Loss]:
    if len(pair) != 2 or not isinstance(pair[1], keras.losses.Loss):
        raise ValueError(
            f"`losses` are pairs of a factor and a Keras loss, such as (0.5, SoftDice()). Received: {pair!r}."
        )
    factor = float(pair[0])
    if not 0 <= factor < float("inf"):
        raise ValueError(f"A loss's factor is finite and not negative. Received: {factor}.")
    return factor, pair[1]
