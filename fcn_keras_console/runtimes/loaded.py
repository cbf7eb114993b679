"""A network in another runtime: what it takes and answers, and what its file says about its classes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Loaded:
    """A function from an image, as `fcn_keras.predict` takes it, to `{head: array}`: labels (H, W) or scores (H, W, K).

    Attributes:
        answer: the function.
        inputs: name of an input -> its shape, such as `(None, None, None, 3)`; what is free is None.
        outputs: name of an output -> its shape. `sem_label` and `label` are labels, `sem_scores` and `scores` scores.
        classes: head -> names of its classes, of the heads whose names the file holds.
        colors: head -> colours of its classes, `(K, 3)` uint8, of the heads whose colours the file holds.
        computes_in: `"f32"`, `"bf16"`, or what else the runtime says that it computes floats in; None where it has no
            choice.
    """

    answer: Callable[[Any], dict[str, Any]]
    inputs: dict[str, tuple[int | None, ...]]
    outputs: dict[str, tuple[int | None, ...]]
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    colors: dict[str, Any] = field(default_factory=dict)
    computes_in: str | None = None

    def __call__(self, image):
        return self.answer(image)
