"""What decides a training run, as a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import partial
from pathlib import Path

from fcn_keras.optimizers import CaffeSGD

from .loss import loss_of
from .names import POLICIES

LATER = {"later": True}  # of a field that runs of old do not know


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run but the place of its data.

    Attributes:
        model: function that builds a network of `fcn_keras`, called with the data set's classes and `model_options`.
        data: `(directory, split) -> examples`, a data set of `fcn_keras.datasets`; `directory` is None where the
            data set is drawn.
        steps: batches in all, in epochs of `steps_per_epoch`; after each the validation split is scored, and the
            weights kept.
        init_from: name of the recipe whose best weights are transplanted; of late fusion, a mapping from each trunk
            to the recipe of its net; None starts from VGG16 (`imagenet`) or from scratch.
        imagenet: start the trunk from VGG16 trained on ImageNet.
        splits: names of the splits to train and to validate on.
        learning_rate: where the rate starts; it falls to `final_learning_rate` times that along a half cosine.
        warm_up: batches over which the rate rises to `learning_rate` in a straight line, before the cosine.
        rate_factors: beginnings of layers' names, each with the factor on the rate of those layers; for the optimizers
            of `fcn_keras.optimizers` that take them.
        optimizer: called with the learning rate, returns a `keras.optimizers.Optimizer`.
        clip: largest norm of all gradients together; a longer one is scaled down to it.
        ema: momentum of an exponential moving average of the weights, a batch. The averaged weights are scored and
            kept as the best; the others go on training.
        raw_scores: score those others too, as `raw_val_...`.
        patience: epochs without a better validation mean IU after which the stage ends.
        accumulate: batches whose gradients are averaged for one update (Caffe's `iter_size`); None for one.
        loss: names of `fcn_keras.losses.from_text`, such as `"crossentropy+0.5*dice"`.
        label_smoothing: of the cross-entropy, from 0 to below 1.
        hardest: of the cross-entropy: the share of the pixels that count, those with the highest loss.
        batch_size: examples in a batch, of all devices and hosts together.
        mix: changes batches, as `fcn_keras.augment.cutmix` does.
        buckets: `(H, W)` that batches are padded to, as `fcn_keras.batches` takes them.
        frozen: prefixes of the names of layers that do not learn.
        replacement: draw every training example independently, as the released data layers do.
        cache: keep decoded training examples in memory.
        validation_images: at most so many, evenly spaced over the split, are scored after an epoch.
        dtype_policy: Keras's, such as `"mixed_bfloat16"`: weights, loss and metrics stay float32.
        views: train from feature maps of the frozen layers, which are computed once for so many examples and their
            mirror images; None trains from pixels.
        kept_maps: layers whose maps are kept, those of later stages too.
    """

    name: str
    model: Callable
    data: Callable[[Path | None, str], Sequence]
    steps: int
    steps_per_epoch: int
    learning_rate: float
    model_options: Mapping = field(default_factory=dict)
    init_from: str | Mapping[str, str] | None = None
    imagenet: bool = False
    splits: tuple[str, str] = ("train", "val")
    final_learning_rate: float = 1.0
    optimizer: Callable = CaffeSGD
    accumulate: int | None = None
    reduction: str = "mean"
    class_weights: tuple[float, ...] | None = None
    batch_size: int = 1
    augment: Callable | None = None
    buckets: tuple[tuple[int, int], ...] | None = None
    replacement: bool = False
    cache: bool = False
    frozen: tuple[str, ...] = ()
    validation_images: int | None = None
    dtype_policy: str = "float32"
    seed: int = 1337  # the released data layers' seed
    warm_up: int = field(default=0, metadata=LATER)
    rate_factors: Mapping[str, float] = field(default_factory=dict, metadata=LATER)
    clip: float | None = field(default=None, metadata=LATER)
    ema: float | None = field(default=None, metadata=LATER)
    raw_scores: bool = field(default=False, metadata=LATER)
    patience: int | None = field(default=None, metadata=LATER)
    loss: str = field(default="crossentropy", metadata=LATER)
    label_smoothing: float = field(default=0.0, metadata=LATER)
    hardest: float = field(default=1.0, metadata=LATER)
    mix: Callable | None = field(default=None, metadata=LATER)
    views: int | None = field(default=None, metadata=LATER)
    kept_maps: tuple[str, ...] = field(default=(), metadata=LATER)

    def __post_init__(self):
        for name in ("steps", "steps_per_epoch", "batch_size", "accumulate", "patience"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"`{name}` is at least 1. Received: {getattr(self, name)}.")
        if self.steps % self.steps_per_epoch:
            raise ValueError(
                "`steps` must be a multiple of `steps_per_epoch`, after which weights are kept. "
                f"Received: {self.steps} and {self.steps_per_epoch}. With --steps, give --steps-per-epoch too."
            )
        if self.dtype_policy not in POLICIES:
            raise ValueError(f"`dtype_policy` is one of {POLICIES}. Received: {self.dtype_policy!r}.")
        if not self.learning_rate > 0:
            raise ValueError(f"`learning_rate` is above 0. Received: {self.learning_rate}.")
        self._check_descent()

    def _check_descent(self):
        """Refuse what cannot be of how the weights are moved."""
        if not 0 <= self.warm_up < self.steps:
            raise ValueError(f"`warm_up` is from 0 to below the {self.steps} steps. Received: {self.warm_up}.")
        if self.clip is not None and not 0 < self.clip < float("inf"):
            raise ValueError(f"`clip` is a norm above 0. Received: {self.clip}.")
        if self.ema is not None and not 0 < self.ema < 1:
            raise ValueError(f"`ema` is a momentum above 0 and below 1, such as 0.99. Received: {self.ema}.")
        if self.raw_scores and self.ema is None:
            raise ValueError("`raw_scores` goes with `ema`: without it, the weights that are scored are the raw ones.")
        loss_of(self)
        if self.views is not None and not (self.views >= 1 and self.frozen and self.mix is None):
            raise ValueError(
                "`views` is a number of examples, of a recipe with `frozen` layers and without `mix`, which changes "
                f"pixels. Received: {self.views}."
            )
        if self.mix is not None and self.batch_size == 1:
            raise ValueError("`mix` takes parts of other images of the batch: `batch_size` is at least 2. Received: 1.")

    @property
    def epochs(self):
        return self.steps // self.steps_per_epoch

    @property
    def sources(self):
        """The recipes to transplant from: `{suffix of the trunk: name}`, the only trunk's suffix being `""`."""
        if self.init_from is None:
            return {}
        return {"": self.init_from} if isinstance(self.init_from, str) else dict(self.init_from)


def describe(recipe):
    """Write a recipe's fields as JSON's types; functions by their names and what is bound to them.

    A field that came later is left out at its default: a run that was begun before has the same description then.
    """
    return {f.name: _written(getattr(recipe, f.name)) for f in fields(recipe) if not _untouched(recipe, f)}


def _untouched(recipe, f):
    if "later" not in f.metadata:
        return False
    return getattr(recipe, f.name) == (f.default_factory() if f.default is MISSING else f.default)


def _written(value):
    if isinstance(value, partial):
        bound = [str(_written(x)) for x in value.args]
        bound += [f"{key}={_written(x)}" for key, x in value.keywords.items()]
        return f"{_written(value.func).lstrip('_')}({', '.join(bound)})"
    if callable(value):
        return value.__name__
    if isinstance(value, Mapping):
        return {key: _written(x) for key, x in value.items()}
    if isinstance(value, tuple | list):
        return [_written(x) for x in value]
    return value
