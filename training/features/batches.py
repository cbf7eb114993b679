"""Batches of views for `fit`, in an order that is a function of a seed and of the batch's number."""

import functools

import numpy as np


class Order:
    """Which views stand in which batch.

    An epoch has every view once, in batches of views of one size. Where the last batch of a size would be smaller,
    views of that size are drawn to fill it.

    Args:
        sizes: of every view, hashable.
        batch_size: views in a batch.
        seed: of the order.
    """

    def __init__(self, sizes, batch_size, seed):
        groups = {}
        for number, size in enumerate(sizes):
            groups.setdefault(size, []).append(number)
        self.groups = [np.array(group) for group in groups.values()]
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = functools.lru_cache(maxsize=2)(self._epoch)

    def __len__(self):
        """Return the number of batches in an epoch."""
        return sum(-(-len(group) // self.batch_size) for group in self.groups)

    def __getitem__(self, number):
        """Return the views of a batch, counted from the run's first one, as an int array."""
        epoch, place = divmod(int(number), len(self))
        return self.epoch(epoch)[place]

    def _epoch(self, epoch):
        generator = np.random.default_rng([self.seed, epoch])
        listed = []
        for group in self.groups:
            drawn = generator.permutation(group)
            missing = -len(group) % self.batch_size
            filled = np.concatenate([drawn, generator.choice(group, missing)]) if missing else drawn
            listed += list(filled.reshape(-1, self.batch_size))
        return [listed[i] for i in generator.permutation(len(listed))]


def training_stream(views, order, cut, *, start=0):
    """Stream batches for the part of a network that learns, without end.

    Args:
        views: `Views`, all of them computed.
        order: `Order` of them.
        cut: `Cut` of the network.
        start: number of the first batch.

    Returns:
        `tf.data.Dataset` of `(maps, labels)`: a tuple of `(B, h, w, channels)` in the order of `cut.inputs`, and
        labels `(B, H, W)` or a dict of them by head.
    """
    import tensorflow as tf

    return _stream(tf.data.Dataset.counter(start), views, lambda number: order[number], cut)


def validation_stream(views, cut):
    """Stream every view once, in order, in batches of one; as `training_stream` otherwise."""
    import tensorflow as tf

    return _stream(tf.data.Dataset.range(len(views)), views, lambda number: [number], cut)


def _stream(numbers, views, views_of, cut):
    import tensorflow as tf

    names = [name for name in cut.inputs if name not in cut.sizes]
    _, first = views.read(0, names)
    heads, types = sorted(first), [tf.as_dtype(first[head].dtype) for head in sorted(first)]

    def read(number):
        rows = [(*maps, *(labels[head] for head in heads)) for maps, labels in map(read_view, views_of(int(number)))]
        return tuple(np.stack(column) for column in zip(*rows, strict=True))

    def read_view(number):
        return views.read(int(number), names)

    def load(number):
        arrays = tf.numpy_function(read, [number], [tf.float16] * len(names) + types)
        stored = dict(zip(names, arrays[: len(names)], strict=True))
        labels = {head: tf.ensure_shape(x, (None,) * 3) for head, x in zip(heads, arrays[len(names) :], strict=True)}
        size = tf.shape(labels[heads[0]])
        maps = []
        for name, given in zip(cut.inputs, cut.trainable.inputs, strict=True):
            x = stored[name] if name in stored else tf.zeros((*tf.unstack(size), cut.sizes[name]))
            maps.append(tf.cast(tf.ensure_shape(x, given.shape), given.dtype))
        return tuple(maps), labels[""] if heads == [""] else labels

    return numbers.map(load, num_parallel_calls=2, deterministic=True).prefetch(2)
