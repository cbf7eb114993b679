"""Stochastic gradient descent as Caffe does it."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


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
