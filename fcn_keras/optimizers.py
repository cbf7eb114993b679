"""Optimizers: Caffe's stochastic gradient descent, and Adam and SGD with decoupled decay and rates by layer."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

BILINEAR = "upscore"  # how the names of the layers begin that start as bilinear interpolation


@keras.saving.register_keras_serializable("fcn_keras")
class CaffeSGD(keras.optimizers.Optimizer):
    """Descend with momentum and with weight decay inside the gradient, biases at a multiple of the learning rate.

    The update is `g = gradient + weight_decay * w; v = momentum * v - rate * g; w = w + v`; for biases the rate is
    multiplied and nothing decays. Keras's `SGD(weight_decay=...)` bypasses the momentum, Caffe's does not.

    Args:
        learning_rate: a float or a `keras.optimizers.schedules.LearningRateSchedule`.
        momentum: from 0 to below 1.
        weight_decay: factor of the L2 term's gradient.
        bias_multiplier: of the biases' learning rate.
        name: of the optimizer.
        **kwargs: of `keras.optimizers.Optimizer`; `gradient_accumulation_steps` is Caffe's `iter_size`.

    Raises:
        ValueError: on a momentum, decay or multiplier out of range.

    Example:
        >>> import keras
        >>> bias = keras.Variable([1.0], name="bias")
        >>> CaffeSGD(0.1, momentum=0.0).apply([keras.ops.ones(1)], [bias])
        >>> round(float(bias[0]), 6)  # at twice the rate, and without decay
        0.8

    Reference: the released solvers (momentum 0.99, decay 5e-4, biases twice the rate) and Caffe's SGDSolver.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        bias_multiplier: float = 2.0,
        name: str = "caffe_sgd",
        **kwargs: Any,
    ) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` is at least 0 and below 1. Received: {momentum!r}.")
        if weight_decay < 0 or bias_multiplier < 0:
            raise ValueError(
                "`weight_decay` and `bias_multiplier` are not negative. "
                f"Received: {weight_decay!r} and {bias_multiplier!r}."
            )
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.momentum = momentum
        self.l2 = weight_decay  # not `self.weight_decay`: the base class would decay a second time, decoupled
        self.bias_multiplier = bias_multiplier

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.velocities = self.add_optimizer_variables(variables, name="velocity")
        self._is_bias = [variable.path.split("/")[-1] == "bias" for variable in variables]

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        velocity = self.velocities[index]
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        if self._is_bias[index]:
            rate = rate * self.bias_multiplier
        else:
            gradient = gradient + self.l2 * variable
        step = self.momentum * velocity - rate * gradient
        self.assign(velocity, step)
        self.assign_add(variable, step)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "weight_decay": self.l2,
            "bias_multiplier": self.bias_multiplier,
        }


class _ByLayer(keras.optimizers.Optimizer):
    """Decay kernels, decoupled from the gradient, and let layers learn at rates of their own; before an optimizer.

    Both stand inside the update, so that whatever Keras does around it, such as accumulating gradients, is right.
    """

    decay: float
    rate_factors: dict[str, float]

    def _choose(self, weight_decay: float, rate_factors: Mapping[str, float] | None) -> None:
        factors = {str(prefix): float(factor) for prefix, factor in (rate_factors or {}).items()}
        for name, value in {"weight_decay": float(weight_decay), **factors}.items():
            if not 0 <= value < float("inf"):
                raise ValueError(f"`weight_decay` and `rate_factors` are finite, from 0 on. Received: {name}={value}.")
        self.decay = float(weight_decay)
        self.rate_factors = factors

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        paths = [variable.path.split("/") for variable in variables]
        layers = [path[-2] if len(path) > 1 else "" for path in paths]
        self._factors = [self._factor(layer) for layer in layers]
        self._decays = [
            self.decay > 0 and path[-1] == "kernel" and not layer.startswith(BILINEAR)
            for path, layer in zip(paths, layers, strict=True)
        ]

    def _factor(self, layer: str) -> float:
        longest = max((prefix for prefix in self.rate_factors if layer.startswith(prefix)), key=len, default=None)
        return 1.0 if longest is None else self.rate_factors[longest]

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        rate = ops.cast(learning_rate, variable.dtype) * self._factors[index]
        if self._decays[index]:
            self.assign_sub(variable, rate * self.decay * variable)
        super().update_step(gradient, variable, rate)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        return {**config, "weight_decay": self.decay, "rate_factors": dict(self.rate_factors)}


@keras.saving.register_keras_serializable("fcn_keras")
class AdamW(_ByLayer, keras.optimizers.Adam):
    """Adam with decoupled weight decay of the kernels, and with learning rates by layer.

    The update is `w = w - rate * weight_decay * w`, then Adam's; `rate` is the learning rate times the layer's factor.
    Kernels of convolutions decay. Biases do not, nor do the kernels of layers whose name begins with `upscore`: those
    start as bilinear interpolation, which decay would dim. (Keras's `AdamW` decays all variables. What
    `exclude_from_weight_decay` sets is not saved with the model.)

    Args:
        learning_rate: a float or a `keras.optimizers.schedules.LearningRateSchedule`.
        weight_decay: from 0 on; 0 is Adam.
        rate_factors: beginnings of layers' names, each with the factor on the learning rate of those layers; of
            several that fit, the longest counts. Adam divides a gradient by its size: scaling gradients instead would
            change nothing.
        name: of the optimizer.
        **kwargs: of `keras.optimizers.Adam`.

    Raises:
        ValueError: on a decay or factor that is negative or not finite.

    Example:
        >>> import keras
        >>> kernel = keras.Variable([[1.0]], name="kernel")
        >>> AdamW(0.1, weight_decay=0.5).apply([keras.ops.zeros((1, 1))], [kernel])
        >>> round(float(kernel[0, 0]), 6)
        0.95

    Reference: Loshchilov, Hutter, ICLR 2019, "Decoupled weight decay regularization", algorithm 2, whose schedule
    multiplier is part of the learning rate here, as in Keras and PyTorch.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        weight_decay: float = 0.01,
        rate_factors: Mapping[str, float] | None = None,
        name: str = "adamw",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self._choose(weight_decay, rate_factors)


@keras.saving.register_keras_serializable("fcn_keras")
class SGDW(_ByLayer, keras.optimizers.SGD):
    """Stochastic gradient descent with momentum, decoupled weight decay of the kernels, and learning rates by layer.

    Decay and factors are those of `AdamW`. Unlike `CaffeSGD`'s, the decay does not pass through the momentum.

    Args:
        learning_rate: a float or a `keras.optimizers.schedules.LearningRateSchedule`.
        momentum: from 0 to below 1.
        weight_decay: from 0 on.
        rate_factors: as for `AdamW`.
        name: of the optimizer.
        **kwargs: of `keras.optimizers.SGD`.

    Raises:
        ValueError: on a momentum, decay or factor out of range.

    Reference: Loshchilov, Hutter, ICLR 2019, algorithm 1.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        rate_factors: Mapping[str, float] | None = None,
        name: str = "sgdw",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, momentum=momentum, name=name, **kwargs)
        self._choose(weight_decay, rate_factors)
