"""Stream examples from a sequence or a `tf.data.Dataset`, in an order that is a function of a seed."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fcn_keras.augment import Augmentation, Tensor, keeps_size
from fcn_keras.decoding import decoded, with_files
from fcn_keras.examples import CHANNELS, Dtypes, Example, as_arrays, flatten, kind, nest, signature

IndexOf = Callable[[Any], int]  # of a position
Stream = tuple[Any, Dtypes, int]  # a `tf.data.Dataset`, what it holds, and batches to skip of it


class Plan(Protocol):
    """What a stream needs of the arguments of `batches`."""

    @property
    def batch_size(self) -> int: ...
    @property
    def training(self) -> bool: ...
    @property
    def augment(self) -> Augmentation | None: ...
    @property
    def buckets(self) -> Any: ...
    @property
    def seed(self) -> int: ...
    @property
    def modality(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def replacement(self) -> bool: ...
    @property
    def cache(self) -> bool: ...
    @property
    def grouped(self) -> bool: ...


_SHUFFLE_BUFFER = 256  # decoded examples of a tf.data.Dataset: about 200 MB of VOC
_GRAPH_SEED = 87654321  # TensorFlow's own where none was set


def sequence_stream(tf: ModuleType, examples: Any, plan: Plan) -> Stream:
    """Stream `(position, index, example)` of a sequence, read in parallel, from `plan.start` on."""
    if isinstance(examples, (Mapping, str)) or not hasattr(examples, "__getitem__"):
        raise ValueError(
            "`examples` must be a sequence (len, [i]) of examples or a tf.data.Dataset of them. "
            f"Received: {type(examples).__name__}."
        )
    if not len(examples):
        raise ValueError("`examples` is empty: there is nothing to batch. Check its path and split.")
    first = {name: np.asarray(value) for name, value in flatten(examples[0]).items()}
    dtypes = signature(first, plan.modality, all_keys=plan.augment is not None)
    index_of = order(len(examples), seed=plan.seed if plan.training else None, replacement=plan.replacement)
    sizes = _sizes_of(examples)
    side: tuple[int | None, int | None] = sizes[0] if len(set(sizes)) == 1 else (None, None)
    groups = _groups(tf, sizes, dtypes, plan)
    positions, skip = _positions(tf, len(examples), index_of, groups, plan)
    read = _reader(examples, dtypes, index_of, plan.cache)
    types = [tf.int64, *map(tf.as_dtype, dtypes.values())]

    def load(position: Any, *files: Any) -> Any:
        def by_reader() -> list[Any]:
            arrays: list[Any] = tf.numpy_function(read, [position], types)
            return arrays

        index, *arrays = decoded(tf, files, examples.num_classes, by_reader) if files else by_reader()
        flat = {
            name: tf.ensure_shape(array, (*side, *CHANNELS[kind(name)]))
            for name, array in zip(dtypes, arrays, strict=True)
        }
        return position, tf.ensure_shape(index, ()), nest(flat)

    is_pair = list(dtypes.items()) == [("image", np.uint8), ("label", np.uint8)]  # all that TensorFlow decodes
    if is_pair and hasattr(examples, "encoded") and not plan.cache:
        positions = with_files(tf, positions, examples, index_of, endless=plan.training)
    return positions.map(native(tf, load), tf.data.AUTOTUNE, deterministic=True), dtypes, skip


def batch_indices(tf: ModuleType, examples: Any, plan: Plan) -> Iterator[list[int]] | None:
    """Tell which examples stand in every training batch from `plan.start` on, None if only reading can."""
    index_of = order(len(examples), seed=plan.seed, replacement=plan.replacement)
    if not plan.grouped:
        every = map(index_of, itertools.count(plan.start * plan.batch_size))
        return iter(lambda: list(itertools.islice(every, plan.batch_size)), [])
    first = {name: np.asarray(value) for name, value in flatten(examples[0]).items()}
    dtypes = signature(first, plan.modality, all_keys=plan.augment is not None)
    groups = _groups(tf, _sizes_of(examples), dtypes, plan)
    return None if groups is None else itertools.islice(_gathered(index_of, groups, plan.batch_size), plan.start, None)


def _gathered(index_of: IndexOf, groups: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    waiting: dict[int, list[int]] = {}
    for index in map(index_of, itertools.count()):
        members = waiting.setdefault(groups[index], [])
        members.append(index)
        if len(members) == batch_size:
            yield waiting.pop(groups[index])


def _sizes_of(examples: Any) -> list[tuple[int, int]]:
    return [(int(height), int(width)) for height, width in getattr(examples, "sizes", ())]


def _positions(
    tf: ModuleType, size: int, index_of: IndexOf, groups: Sequence[int] | None, plan: Plan
) -> tuple[Any, int]:
    """Return the positions to read for the batches from `plan.start` on, and how many batches to skip after that."""
    if not plan.training:
        first = 0 if plan.grouped else min(plan.start * plan.batch_size, size)
        return tf.data.Dataset.range(first, size), plan.start if plan.grouped else 0
    if not plan.grouped:
        return tf.data.Dataset.counter(plan.start * plan.batch_size), 0
    if groups is None:
        return tf.data.Dataset.counter(), plan.start
    stream_groups = (groups[index_of(position)] for position in itertools.count())
    pending, following = resume(stream_groups, plan.batch_size, plan.start)
    return tf.data.Dataset.from_tensor_slices(np.array(pending, np.int64)).concatenate(
        tf.data.Dataset.counter(following)
    ), 0


def _reader(examples: Any, dtypes: Dtypes, index_of: IndexOf, cache: bool) -> Callable[[Any], list[Any]]:
    """Return a function from a position to the index and the arrays of its example."""
    decoded: dict[int, list[NDArray[Any]]] = {}

    def read(position: Any) -> list[Any]:
        index = index_of(position)
        arrays = decoded.get(index) or as_arrays(examples[index], dtypes, index)
        if cache:
            decoded[index] = arrays
        return [np.int64(index), *arrays]

    return read


def _keeps_size(tf: ModuleType, augment: Augmentation, dtypes: Dtypes) -> bool:
    """Tell whether an augmentation keeps every example's size: one that is not ours, from the shapes in its trace."""
    known = keeps_size(augment)
    if known is not None:
        return known

    def output_size(size: tuple[int, int]) -> set[tuple[int | None, ...]]:
        flat = {name: tf.TensorSpec((*size, *CHANNELS[kind(name)]), t) for name, t in dtypes.items()}
        traced = tf.function(augment).get_concrete_function(nest(flat), tf.TensorSpec([2], tf.int64))
        return {tuple(x.shape[:2]) for x in flatten(traced.structured_outputs).values()}

    return all(output_size(size) == {size} for size in ((37, 53), (64, 41)))


def _groups(tf: ModuleType, sizes: Sequence[tuple[int, int]], dtypes: Dtypes, plan: Plan) -> list[int] | None:
    """Check that examples of these sizes can be batched; return the bucket of each, None where sizes do not tell."""
    if not sizes or (plan.batch_size == 1 and not plan.buckets):  # then nothing has to fit
        return None
    if plan.augment is not None and not _keeps_size(tf, plan.augment, dtypes):
        return None
    if not plan.buckets:
        others = [size for size in sizes if size != sizes[0]]
        if others:
            raise ValueError(unequal_sizes(plan.batch_size, sizes[0], others[0]))
        return [0] * len(sizes)
    fits = np.asarray((np.array(sizes)[:, None] <= np.array(plan.buckets)).all(axis=2))  # (examples, buckets)
    misfits = np.flatnonzero(~fits.any(axis=1))
    if misfits.size:
        raise ValueError(no_bucket(misfits[0], sizes[misfits[0]], plan.buckets))
    return [int(bucket) for bucket in fits.argmax(axis=1)]


def unequal_sizes(batch_size: int, size: Any, other: Any) -> str:
    """Say that a batch cannot hold two sizes, and what to do."""
    return (
        f"batch_size={batch_size} needs examples of one size. Received: {size} and {other} (H, W). "
        "Give `buckets=[(H, W), ...]` to pad them, or batch_size=1."
    )


def no_bucket(index: Any, size: Any, buckets: Iterable[tuple[int, int]]) -> str:
    """Say that no bucket holds an example, and what to do."""
    return (
        f"Example {index} of size {size} (H, W) fits in no bucket. Received: buckets={list(buckets)}. Add a larger one."
    )


def dataset_stream(tf: ModuleType, examples: Any, plan: Plan) -> Stream:
    """Stream `(position, position, example)` of a `tf.data.Dataset`."""
    if plan.replacement:
        raise ValueError("`replacement` needs a sequence: a tf.data.Dataset has no random access.")
    if not isinstance(examples.element_spec, Mapping):
        raise ValueError(
            "`examples` must yield dicts with 'image' and 'label'. "
            f"Received: {examples.element_spec}. Load TFDS without `as_supervised`."
        )
    if examples.cardinality() <= 0 and not any(True for _ in examples.take(1)):  # its size may be unknown
        raise ValueError("`examples` is empty: there is nothing to batch. Check its path and split.")
    spec = flatten(examples.element_spec)
    dtypes = signature(spec, plan.modality, all_keys=plan.augment is not None)
    for name in dtypes:
        _check_shape(name, spec[name].shape)
    if plan.cache:
        examples = examples.cache()
    if plan.training:
        examples = tf.data.Dataset.counter().flat_map(native(tf, functools.partial(_shuffled, tf, examples, plan.seed)))
    skip = plan.start if plan.grouped else 0

    def pick(position: Any, example: Example) -> Any:
        flat = flatten(example)
        maps = {name: _map_of(tf, name, flat[name]) for name in dtypes}
        sizes = tf.stack([tf.shape(x)[:2] for x in maps.values()])
        message = f"The pixel maps of example {{}} must have one size. Received: {{}} for {list(maps)}."
        require(tf, tf.reduce_all(sizes == sizes[0]), message, (position, sizes))
        return position, position, nest(maps)

    examples = examples.enumerate().skip(0 if plan.grouped else plan.start * plan.batch_size)
    return examples.map(native(tf, pick), tf.data.AUTOTUNE, deterministic=True), dtypes, skip


def _check_shape(name: str, shape: Any) -> None:
    channels = CHANNELS[kind(name)]
    fits = shape.is_compatible_with((None, None, *channels))
    if not fits and (channels or not shape.is_compatible_with((None, None, 1))):
        raise ValueError(
            f"`{name}` must be (H, W{''.join(f', {c}' for c in channels)}). Received: {shape}. "
            "Give single examples (`.unbatch()` undoes batches)."
        )


def native(tf: ModuleType, function: Callable[..., Any]) -> Any:
    """Return a function of a `tf.data` stream that AutoGraph leaves alone: converting it takes longer than tracing."""
    return tf.autograph.experimental.do_not_convert(function)


def require(tf: ModuleType, condition: Tensor, message: str, values: Sequence[Tensor]) -> None:
    """Assert in a `tf.data` function, with values filled into the message's `{}`."""
    tf.debugging.Assert(condition, [tf.strings.format(message, values)])


def _shuffled(tf: ModuleType, examples: Any, seed: int, epoch: Tensor) -> Any:
    # Of the graph that is traced here, not of the process: without it `tf.random.set_seed` changes the order, and at 0
    # TensorFlow compares the drawn seed as a Python bool.
    tf.random.set_seed(_GRAPH_SEED)
    drawn = tf.random.stateless_uniform([], tf.stack([seed, epoch]), maxval=2**31 - 1, dtype=tf.int64)
    return examples.shuffle(_SHUFFLE_BUFFER, seed=drawn, reshuffle_each_iteration=False)


def _map_of(tf: ModuleType, name: str, x: Tensor) -> Tensor:
    """Drop the trailing 1 of the (H, W, 1) labels and depths that TFDS's image features yield."""
    flat = x.shape.rank == 3 and not CHANNELS[kind(name)]
    return tf.squeeze(x, 2) if flat else tf.ensure_shape(x, (None, None, *CHANNELS[kind(name)]))


def order(size: int, *, seed: int | None = None, replacement: bool = False) -> IndexOf:
    """Return a function `position -> index` with random access to an endless stream of `size` examples.

    Args:
        seed: int from 0 on; every epoch is a fresh permutation drawn from `(seed, epoch)`. None keeps the order.
        replacement: draw every index independently instead, as the paper's released data layer does: an epoch
            then leaves out about 37 % of the examples and repeats others.
    """

    @functools.lru_cache(maxsize=4)  # neighbouring epochs overlap in parallel readers
    def epoch_indices(seed: int, epoch: int) -> NDArray[np.int64]:
        generator = np.random.default_rng((seed, epoch))
        return generator.integers(size, size=size) if replacement else generator.permutation(size)

    def index(position: Any) -> int:
        epoch, offset = divmod(int(position), size)
        return offset if seed is None else int(epoch_indices(seed, epoch)[offset])

    return index


def resume(groups: Iterable[int], batch_size: int, start: int) -> tuple[list[int], int]:
    """Find where a stream stands after `start` batches when each batch takes examples of one group.

    Args:
        groups: endless iterable with the group of every position.

    Returns:
        Positions read but not yet in a batch, and the first position not read.
    """
    waiting: dict[int, list[int]] = {}
    done = 0
    if start == 0:
        return [], 0
    for position, group in enumerate(groups):
        members = waiting.setdefault(group, [])
        members.append(position)
        if len(members) == batch_size:
            members.clear()
            done += 1
        if done == start:
            return sorted(itertools.chain.from_iterable(waiting.values())), position + 1
    raise ValueError(f"The stream ended after {done} batches. Received: start={start}.")
