"""Turn a data set into batches for `model.fit`: read, augment, pad to a bucket, batch, mix (tf.data).

TensorFlow is imported on first use only.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from fcn_keras import streams
from fcn_keras.augment import Augmentation, Mix, Tensor, import_tensorflow, outside
from fcn_keras.augment.chain import through
from fcn_keras.augment.views import COLORED, View, filled
from fcn_keras.examples import MODALITIES, Dtypes, Example, flatten, kind, nest
from fcn_keras.streams import dataset_stream, native, no_bucket, require, sequence_stream, unequal_sizes


def batches(
    examples: Any,
    *,
    batch_size: int = 1,
    training: bool = False,
    augment: Augmentation | None = None,
    mix: Mix | None = None,
    buckets: Iterable[tuple[int, int]] | None = None,
    ignore_label: int = 255,
    seed: int = 0,
    modality: str = "rgb",
    mean: Sequence[float] | None = None,
    start: int = 0,
    replacement: bool = False,
    cache: bool = False,
) -> Any:
    """Make a `tf.data.Dataset` of `(inputs, labels)` for `model.fit` and `model.evaluate`.

    Training runs without end (give `fit` a `steps_per_epoch`) in an order that is a function of `seed` alone.
    Evaluation is one pass over every example, in order (with several buckets: in order within each bucket).

    Args:
        examples: sequence (`len`, thread-safe `[i]`) of examples, or a `tf.data.Dataset` of them (TFDS).
            An example is `{"image": (H, W, 3), "label": (H, W)}`, where `"label"` may be a dict of heads, with
            `"depth"` (H, W) in millimetres or `"hha"` (H, W, 3) if `modality` asks for them.
        batch_size: examples per batch; they must be of one size unless `buckets` is given.
        training: endless and shuffled. A `tf.data.Dataset` is shuffled within a buffer of 256 examples.
        augment: `(example, seed) -> example`, as in `fcn_keras.augment`; for training only. The n-th example
            drawn gets the seed `(seed, n)`, whatever the parallelism and `start`.
        mix: `(batch, seed) -> batch`, as `fcn_keras.augment.cutmix`; for training only. A batch is `(inputs, labels)`
            as this function yields it. The n-th one gets a seed drawn from `(seed, n)`, whatever `start`.
        buckets: `(H, W)` pairs. Every (augmented) example is padded at the bottom and right to the smallest one
            that holds it, and a batch has examples of one bucket: XLA compiles once per bucket. The padding is
            the mean, `ignore_label` and depth 0.
        ignore_label: value that pads labels. It does not change the labels that are there.
        seed: int from 0 on.
        modality: `"rgb"` float32 (B, H, W, 3) 0-255; `"hha"` the same of HHA; `"rgbd"` (B, H, W, 4), RGB and
            millimetres; `"rgb_hha"` a dict `{"rgb", "hha"}` for late fusion.
        mean: BGR colour that pads images; default VOC's. Give `augment`'s functions the same one.
        start: batches already consumed; the stream goes on exactly as a run from 0 would. Skipped examples are
            not read, unless there are several buckets, `batch_size > 1` and either no `examples.sizes` ((H, W)
            of every example) or an augmentation that changes sizes. A `tf.data.Dataset` is read and skipped.
        replacement: draw every example independently, as the released data layer does. Sequences only.
        cache: keep decoded examples in memory (before augmentation, so neither it nor the order freezes).
            There is no cache on disk: tf.data's replays the order in which it was written.

    Returns:
        Dataset of `(inputs, labels)`; labels (B, H, W), uint8 where the data set's are, int32 otherwise.

    Raises:
        ValueError: if an argument is out of range or `examples` lacks what `modality` needs. What is wrong with
            one example shows when it is read, as `tf.errors.InvalidArgumentError` with the example's index; of a JPEG
            with damaged tables with the name of no file (`examples.verify` and `fcn-doctor` name it).

    Example:
        >>> import numpy as np
        >>> example = {"image": np.zeros((30, 50, 3), np.uint8), "label": np.zeros((30, 50), np.uint8)}
        >>> images, labels = next(iter(batches([example] * 2, batch_size=2, buckets=[(32, 64)])))
        >>> images.shape, labels.shape, int(labels[0, -1, -1])  # the padding is void
        (TensorShape([2, 32, 64, 3]), TensorShape([2, 32, 64]), 255)
    """
    tf = import_tensorflow()
    plan = _Plan(
        batch_size, training, augment, mix, buckets, ignore_label, seed, modality, mean, start, replacement, cache
    )
    make = dataset_stream if isinstance(examples, tf.data.Dataset) else sequence_stream
    stream, dtypes, skip = make(tf, examples, plan)
    if not 0 <= ignore_label <= 255 and np.uint8 in [t for name, t in dtypes.items() if kind(name) == "label"]:
        raise ValueError(f"`ignore_label` must fit the labels' uint8. Received: {ignore_label}.")
    prepared = stream.map(
        native(tf, lambda position, index, example: _prepare(tf, position, index, example, dtypes, plan)),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    finish = native(tf, lambda flat, inside: _finish(tf, flat, inside, plan))
    finished = _batch(tf, prepared, plan).skip(skip).map(finish, tf.data.AUTOTUNE, deterministic=True)
    batched = _mixed(tf, finished, plan)
    if training:
        batched = batched.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    return batched.prefetch(tf.data.AUTOTUNE).with_options(_options(tf))


def batch_indices(examples: Any, **options: Any) -> Iterator[list[int]] | None:
    """Tell which examples stand in the batches of `batches(examples, training=True, **options)`.

    Args:
        examples: sequence, as for `batches`.
        options: of `batches`.

    Returns:
        endless iterator of lists of `batch_size` indices, from `start` on; or None where only reading tells: with
        several buckets and `batch_size > 1`, if `examples` has no `sizes` or the augmentation changes them.
    """
    return streams.batch_indices(import_tensorflow(), examples, _Plan(**{**options, "training": True}))


def _options(tf: ModuleType) -> Any:
    # An autotuned iterator is dropped with Python's lock held, and in one case of twenty that waits for a thread which
    # sleeps for up to a minute: it looks for the cancellation that wakes it before that is set (TensorFlow 2.21).
    # Without it tf.data takes as many parallel calls as there are cores.
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


@dataclasses.dataclass(frozen=True)
class _Plan:
    """The arguments of `batches`, checked."""

    batch_size: int = 1
    training: bool = False
    augment: Augmentation | None = None
    mix: Mix | None = None
    buckets: Any = None  # as given; checked, `((H, W), ...)`
    ignore_label: int = 255
    seed: int = 0
    modality: str = "rgb"
    mean: Sequence[float] | None = None
    start: int = 0
    replacement: bool = False
    cache: bool = False

    def __post_init__(self) -> None:
        for name, low in (("batch_size", 1), ("start", 0), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < low:
                raise ValueError(f"`{name}` must be an int from {low} on. Received: {value!r}.")
        if self.modality not in MODALITIES:
            raise ValueError(f"`modality` must be one of {sorted(MODALITIES)}. Received: {self.modality!r}.")
        if not isinstance(self.cache, bool):
            raise ValueError(f"`cache` must be True (in memory) or False. Received: {self.cache!r}.")
        for name, what in (("augment", "example"), ("mix", "batch")):
            function = getattr(self, name)
            if not (function is None or callable(function)):
                raise ValueError(f"`{name}` must be a function ({what}, seed) -> {what}. Received: {function!r}.")
            if function and not self.training:
                raise ValueError(f"`{name}` is for training=True; evaluation sees every example as it is.")
        if self.replacement and not self.training:
            raise ValueError("`replacement` is for training=True; evaluation sees every example once.")
        if self.mean is not None and len(self.mean) != 3:
            raise ValueError(f"`mean` must be a BGR triple. Received: {self.mean}.")
        object.__setattr__(self, "buckets", _sorted_buckets(self.buckets))

    @property
    def grouped(self) -> bool:
        """Whether a batch depends on the sizes of its examples, not only on their positions."""
        return self.batch_size > 1 and len(self.buckets) > 1


def _sorted_buckets(buckets: Iterable[tuple[int, int]] | None) -> tuple[tuple[int, int], ...]:
    """Return `(H, W)` pairs of ints, smallest area first."""
    if buckets is None:
        return ()
    try:
        pairs = [(int(height), int(width)) for height, width in buckets]
    except (TypeError, ValueError):
        pairs = []
    if not pairs or min(min(pair) for pair in pairs) < 1:
        raise ValueError(f"`buckets` must be (H, W) pairs, such as [(512, 512), (384, 512)]. Received: {buckets}.")
    return tuple(sorted(pairs, key=lambda pair: pair[0] * pair[1]))


def _prepare(
    tf: ModuleType, position: Tensor, index: Tensor, example: Example, dtypes: Dtypes, plan: _Plan
) -> tuple[Tensor, tuple[dict[str, Tensor], Tensor]]:
    """Augment one example and pad it to its bucket: `(group, (maps, inside))`, as `_finish` takes a batch of them."""
    view, fills = View.of(example), outside(plan.mean, plan.ignore_label)
    if plan.augment:
        view = through(plan.augment, view, tf.stack([tf.constant(plan.seed, tf.int64), position]), fills)
    group, bucket = _bucket(tf, index, view.size, plan)
    if bucket:
        view = view.window(0, 0, *bucket)
    few_sizes = plan.buckets or all(isinstance(side, int) for side in view.size)
    # XLA compiles for every size: of many that would take longer than is won.
    maps, inside = view.padded(fills) if view.exposed and few_sizes else (view.shown(fills), ())
    return group, (_typed(tf, flatten(maps), dtypes, plan), inside)


def _bucket(tf: ModuleType, index: Tensor, size: Sequence[Tensor], plan: _Plan) -> tuple[Tensor, Sequence[Tensor]]:
    """Return number and `(H, W)` of the smallest bucket that holds an example; 0 and nothing without buckets."""
    if not plan.buckets:
        return tf.constant(0, tf.int64), ()
    fits = tf.reduce_all(tf.stack(size) <= tf.constant(plan.buckets), axis=1)
    group = tf.argmax(fits)
    require(tf, tf.reduce_any(fits), no_bucket("{}", "{}", plan.buckets), (index, tf.stack(size)))
    return group, plan.buckets[0] if len(plan.buckets) == 1 else tf.unstack(tf.gather(plan.buckets, group))


def _typed(tf: ModuleType, flat: Mapping[str, Tensor], dtypes: Dtypes, plan: _Plan) -> dict[str, Tensor]:
    """Keep what a batch needs, labels in their type; bytes of colours stay bytes, which are moved faster."""
    labels = {name: tf.cast(x, dtypes[name]) for name, x in flat.items() if kind(name) == "label"}
    return {**{key: flat[key] for key in MODALITIES[plan.modality]}, **labels}


def _finish(tf: ModuleType, flat: Mapping[str, Tensor], inside: Tensor, plan: _Plan) -> tuple[Any, Any]:
    """Make `(inputs, labels)` of a batch of maps; `inside` tells where colours lack their outside, or is `()`."""
    fills = outside(plan.mean, plan.ignore_label)
    needed = {key: flat[key] for key in MODALITIES[plan.modality]}
    if not isinstance(inside, tuple):
        needed |= {key: filled(x, inside, fills[key]) for key, x in needed.items() if key in COLORED}
    inputs = _inputs(tf, {key: tf.cast(x, tf.float32) for key, x in needed.items()}, plan.modality)
    return inputs, nest({name: x for name, x in flat.items() if kind(name) == "label"})["label"]


def _inputs(tf: ModuleType, needed: Mapping[str, Tensor], modality: str) -> Tensor | dict[str, Tensor]:
    if modality == "rgbd":
        return tf.concat([needed["image"], needed["depth"][..., None]], axis=-1)
    if modality == "rgb_hha":
        return {"rgb": needed["image"], "hha": needed["hha"]}
    return needed[MODALITIES[modality][0]]


def _batch(tf: ModuleType, prepared: Any, plan: _Plan) -> Any:
    """Batch examples of one group."""

    if plan.batch_size == 1:  # an axis more, instead of a copy
        return prepared.map(native(tf, lambda _, pair: tf.nest.map_structure(lambda x: x[None], pair)))

    def stack(_: Tensor, elements: Any) -> Any:
        return elements.map(native(tf, lambda _, pair: pair)).batch(plan.batch_size, drop_remainder=plan.training)

    if plan.grouped:
        return prepared.group_by_window(
            native(tf, lambda group, _: group), native(tf, stack), window_size=plan.batch_size
        )
    if plan.batch_size > 1 and not plan.buckets:
        prepared = _require_equal_sizes(tf, prepared, plan.batch_size)
    return stack(None, prepared)


def _mixed(tf: ModuleType, batched: Any, plan: _Plan) -> Any:
    """Mix every batch, by a seed of its place in the whole stream, which begins at `plan.start`."""
    mix = plan.mix
    if mix is None:
        return batched

    def mix_one(place: Tensor, batch: Any) -> Any:
        # -1, since `(seed, n)` itself is the n-th example's, and a chain of augmentations counts from 0
        return mix(batch, tf.random.fold_in(tf.stack([tf.constant(plan.seed, tf.int64), place]), -1))

    return batched.enumerate(plan.start).map(mix_one, tf.data.AUTOTUNE, deterministic=True)


def _require_equal_sizes(tf: ModuleType, prepared: Any, batch_size: int) -> Any:
    """Fail with a helpful message where a batch would mix sizes."""

    def check(
        state: tuple[Tensor, Tensor], element: tuple[Tensor, Any]
    ) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Any]]:
        count, expected = state
        _, pair = element
        size = tf.shape(tf.nest.flatten(pair)[0])[:2]
        expected = tf.where(count % batch_size == 0, size, expected)
        require(tf, tf.reduce_all(size == expected), unequal_sizes(batch_size, "{}", "{}"), (expected, size))
        return (count + 1, expected), element

    return prepared.scan((tf.constant(0, tf.int64), tf.constant([0, 0])), native(tf, check))
