import itertools
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.augment import color_jitter, compose, crop, cutmix, jitter, mirror, rotate, scale
from fcn_keras.data import batch_indices, batches

SIZES = [(5, 7), (8, 4), (1, 1), (5, 7), (3, 3), (8, 8), (2, 7)]
BUCKETS = [(8, 8), (5, 7), (3, 3)]
MEAN_RGB = np.float32([122.67892, 116.66877, 104.00699])


class Examples:
    """A data set whose example i is an image and a label of i, and which counts its reads."""

    def __init__(self, sizes=SIZES, *, known=True, extra=(), heads=False, dtype=np.uint8):
        self.all, self.extra, self.heads, self.dtype, self.reads = sizes, extra, heads, dtype, []
        if known:
            self.sizes = list(sizes)

    def __len__(self):
        return len(self.all)

    def __getitem__(self, index):
        self.reads.append(index)
        height, width = self.all[index]
        label = np.full((height, width), index, self.dtype)
        example = {"image": np.full((height, width, 3), index, np.uint8), "label": label}
        if self.heads:
            example["label"] = {"sem": label, "geo": label + 100}
        if "depth" in self.extra:
            example["depth"] = np.full((height, width), 1000 + index, np.uint16)
        if "hha" in self.extra:
            example["hha"] = np.full((height, width, 3), 50 + index, np.uint8)
        return example


def as_dataset(sizes=SIZES, shape=(None, None, 1)):
    source = Examples(sizes)
    spec = {
        "image": tf.TensorSpec((None, None, 3), tf.uint8),
        "label": tf.TensorSpec(shape, tf.uint8),
        "file_name": tf.TensorSpec((), tf.string),
    }

    def rows():
        for i in range(len(source)):
            example = source[i]
            yield {"image": example["image"], "label": example["label"].reshape(*sizes[i], 1), "file_name": "a"}

    return tf.data.Dataset.from_generator(rows, output_signature=spec)


def ids(dataset, count=None):
    """Ids of the examples of each batch."""
    dataset = dataset if count is None else dataset.take(count)
    return [labels[:, 0, 0].tolist() for _, labels in dataset.as_numpy_iterator()]


def flat(batches_of_ids):
    return list(itertools.chain.from_iterable(batches_of_ids))


def arrays(dataset, count):
    return list(dataset.take(count).as_numpy_iterator())


def assert_equal_streams(got, expected):
    assert len(got) == len(expected)
    for (x, y), (other_x, other_y) in zip(got, expected, strict=True):
        np.testing.assert_array_equal(x, other_x)
        np.testing.assert_array_equal(y, other_y)


# Evaluation


def test_evaluation_is_one_pass_in_order_unchanged():
    dataset = batches(Examples())
    assert dataset.cardinality() == 7
    for i, (images, labels) in enumerate(dataset.as_numpy_iterator()):
        assert images.dtype == np.float32
        assert labels.dtype == np.uint8
        np.testing.assert_array_equal(images, np.full((1, *SIZES[i], 3), i))
        np.testing.assert_array_equal(labels, np.full((1, *SIZES[i]), i))


def test_evaluation_sees_every_example_once_in_every_grouping():
    assert ids(batches(Examples([(4, 4)] * 7), batch_size=3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert ids(batches(Examples(), batch_size=3, buckets=[(8, 8)])) == [[0, 1, 2], [3, 4, 5], [6]]
    # buckets by area: 3x3 holds 2 and 4; 5x7 holds 0, 3, 6; 8x8 holds 1 and 5
    grouped = ids(batches(Examples(), batch_size=2, buckets=BUCKETS))
    assert grouped == [[0, 3], [2, 4], [1, 5], [6]]
    assert ids(batches(Examples(), buckets=BUCKETS)) == [[i] for i in range(7)]
    assert ids(batches(Examples([(4, 4)] * 7), batch_size=3, start=1)) == [[3, 4, 5], [6]]
    assert ids(batches(Examples(), batch_size=2, buckets=BUCKETS, start=2)) == [[1, 5], [6]]
    assert ids(batches(Examples(), start=9)) == []


@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.parametrize(
    "options",
    [
        {"seed": 3},
        {"replacement": True},
        {"batch_size": 2, "buckets": [(8, 8)], "seed": 1},
        {"batch_size": 2, "buckets": BUCKETS},
        {"batch_size": 3, "buckets": BUCKETS, "augment": mirror, "seed": 7},
        {"batch_size": 2, "buckets": BUCKETS, "replacement": True},
        {"batch_size": 2, "buckets": BUCKETS, "mix": partial(cutmix, probability=0)},
    ],
)
def test_batches_are_named_as_they_come(options, start):
    named = batch_indices(Examples(), start=start, **options)
    stream = batches(Examples(), training=True, start=start, **options)
    seen = [labels.reshape(len(labels), -1).min(axis=1).tolist() for _, labels in stream.take(12).as_numpy_iterator()]
    assert list(itertools.islice(named, 12)) == seen


def test_batches_have_no_names_where_only_reading_tells():
    buckets = {"batch_size": 2, "buckets": BUCKETS}
    assert batch_indices(Examples(known=False), **buckets) is None
    assert batch_indices(Examples(), augment=partial(crop, height=4, width=4), **buckets) is None


def test_bucket_by_hand():
    """A 1x2 picture in a 2x3 bucket: padded below and right by the mean and void."""
    example = {"image": np.uint8([[[1, 2, 3], [4, 5, 6]]]), "label": np.uint8([[7, 8]])}
    ((images, labels),) = arrays(batches([example], buckets=[(9, 9), (2, 3)]), 2)
    np.testing.assert_array_equal(labels, [[[7, 8, 255], [255, 255, 255]]])
    np.testing.assert_array_equal(images[0, 0], [[1, 2, 3], [4, 5, 6], MEAN_RGB])
    np.testing.assert_array_equal(images[0, 1], [MEAN_RGB] * 3)
    ((images, labels),) = arrays(batches([example], buckets=[(2, 2)], mean=(10, 20, 30), ignore_label=99), 2)
    np.testing.assert_array_equal(images[0, 1, 0], [30, 20, 10])
    np.testing.assert_array_equal(labels, [[[7, 8], [99, 99]]])


# Modalities and labels


def test_modalities():
    source = Examples([(2, 3)], extra=("depth", "hha"))
    ((rgbd, _),) = arrays(batches(source, modality="rgbd", buckets=[(3, 3)]), 1)
    np.testing.assert_array_equal(rgbd[0, 0, 0], [0, 0, 0, 1000])
    np.testing.assert_array_equal(rgbd[0, 2, 0], [*MEAN_RGB, 0])  # padded: depth unknown
    ((hha, _),) = arrays(batches(source, modality="hha", buckets=[(3, 3)]), 1)
    np.testing.assert_array_equal(hha[0, 0, 0], [50] * 3)
    np.testing.assert_array_equal(hha[0, 2, 0], np.float32([132.431, 94.076, 118.477]))
    ((both, _),) = arrays(batches(source, modality="rgb_hha"), 1)
    np.testing.assert_array_equal(both["rgb"][0, 0, 0], [0] * 3)
    np.testing.assert_array_equal(both["hha"][0, 0, 0], [50] * 3)
    assert batches(source, modality="rgbd").element_spec[0].shape == (1, 2, 3, 4)


def test_heads_are_a_dict_of_labels_and_augmented_alike():
    dataset = batches(Examples([(5, 7)] * 2, heads=True), training=True, augment=partial(jitter, pixels=2))
    for _, labels in dataset.take(6).as_numpy_iterator():
        sem, geo = labels["sem"].astype(int), labels["geo"].astype(int)
        np.testing.assert_array_equal(geo, np.where(sem == 255, 255, sem + 100))


def test_wide_labels_become_int32():
    ((_, labels),) = arrays(batches(Examples([(2, 2)], dtype=np.int64), buckets=[(3, 3)], ignore_label=-1), 1)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, [[[0, 0, -1], [0, 0, -1], [-1, -1, -1]]])


@pytest.mark.parametrize("known", [True, False])
def test_static_shapes(known):
    def shape(**options):
        return tuple(batches(**options).element_spec[0].shape)

    assert shape(examples=Examples(known=known)) == (1, None, None, 3)
    assert shape(examples=Examples(known=known), buckets=[(8, 8)], batch_size=2) == (None, 8, 8, 3)
    assert shape(examples=Examples(known=known), buckets=[(8, 8)], batch_size=2, training=True) == (2, 8, 8, 3)
    side = (5, 7) if known else (None, None)
    equal = Examples([(5, 7)] * 3, known=known)
    assert shape(examples=equal) == (1, *side, 3)
    assert shape(examples=equal, training=True, augment=compose(mirror, jitter)) == (1, *side, 3)
    cut = partial(crop, height=3, width=4)
    assert shape(examples=Examples(known=known), training=True, augment=cut) == (1, 3, 4, 3)


# Order of training


def test_every_epoch_is_a_fresh_permutation():
    stream = flat(ids(batches(Examples(), training=True, seed=3), 21))
    epochs = [stream[i : i + 7] for i in range(0, 21, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    dataset = batches(Examples(), training=True, seed=3)
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY
    assert flat(ids(dataset, 21)) == flat(ids(dataset, 21)) == stream
    assert flat(ids(batches(Examples(), training=True, seed=4), 21)) != stream


SAME_SIZE = compose(mirror, partial(jitter, pixels=2))
SCALED = compose(mirror, partial(scale, low=0.5, high=1.0))
ALL = compose(color_jitter, mirror, partial(scale, low=0.5, high=2.0), partial(rotate, degrees=20))
MIXED = {"mix": partial(cutmix, probability=0.8, area=(0.2, 0.6)), "batch_size": 3}
STREAMS = {
    "linear": {"augment": SAME_SIZE},
    "replacement": {"augment": SAME_SIZE, "replacement": True},
    "one bucket": {"augment": SAME_SIZE, "buckets": [(8, 8)], "batch_size": 3},
    "buckets": {"buckets": BUCKETS, "batch_size": 3},
    "buckets, replacement": {"augment": SAME_SIZE, "buckets": BUCKETS, "batch_size": 2, "replacement": True},
    "buckets, sizes change": {"augment": SCALED, "buckets": BUCKETS, "batch_size": 2},
    "mixed, crops": {"augment": compose(ALL, partial(crop, height=6, width=6)), **MIXED},
    "mixed, one bucket": {"augment": SAME_SIZE, "buckets": [(8, 8)], **MIXED},
    "mixed, buckets": {"augment": SAME_SIZE, "buckets": BUCKETS, "replacement": True, **MIXED},
    "mixed, sizes change": {"augment": SCALED, "buckets": BUCKETS, **MIXED},
}


@pytest.mark.parametrize(
    ("name", "known"), [(name, True) for name in STREAMS] + [("linear", False), ("buckets, replacement", False)]
)
def test_start_continues_the_stream(name, known):
    options = {"training": True, "seed": 5, **STREAMS[name]}
    full = arrays(batches(Examples(known=known), **options), 16)
    for start in (1, 9)[not known :]:
        resumed = batches(Examples(known=known), start=start, **options)
        assert_equal_streams(arrays(resumed, 16 - start), full[start:])


@pytest.mark.parametrize("name", ["linear", "one bucket", "buckets", "buckets, replacement"])
def test_start_reads_nothing_that_it_skips(name):
    source = Examples()
    options = {"training": True, **STREAMS[name]}
    arrays(batches(source, start=2000, **options), 1)
    assert len(source.reads) < 200  # reads ahead, but not 2000 batches


def test_augmentation_depends_on_seed_and_position_only():
    def remember(example, seed):
        return {**example, "label": tf.cast(tf.fill(tf.shape(example["label"]), seed[0] * 100 + seed[1]), tf.uint8)}

    options = {"training": True, "seed": 1, "augment": remember, "batch_size": 2}
    same = [(4, 4)] * 5
    assert ids(batches(Examples(same), **options), 3) == [[100, 101], [102, 103], [104, 105]]
    assert ids(batches(Examples(same), start=2, **options), 1) == [[104, 105]]


def test_mixing_depends_on_seed_and_place_of_the_batch_only():
    def remember(batch, seed):
        return batch[0], tf.broadcast_to(seed, (2, 2))

    def seeds(**options):
        stream = batches(Examples([(4, 4)] * 5), training=True, mix=remember, batch_size=2, **options)
        return [tuple(labels[0]) for _, labels in stream.take(4).as_numpy_iterator()]

    drawn = seeds(seed=1)
    assert len({*drawn, *seeds(seed=2)}) == 8
    assert seeds(seed=1, start=2)[:2] == drawn[2:]
    assert seeds(seed=1, augment=mirror) == drawn
    assert not {(1, n) for n in range(8)} & set(drawn)  # those are the examples'


@pytest.mark.parametrize("modality", ["rgb", "rgbd", "hha", "rgb_hha"])
def test_mixed_pixels_bring_their_labels_depth_and_padding(modality):
    source = Examples([(5, 7), (8, 4), (6, 6)], extra=("depth", "hha"), heads=True)
    stream = batches(source, training=True, buckets=[(8, 8)], modality=modality, **MIXED)
    many = 0
    for inputs, labels in stream.take(5).as_numpy_iterator():
        sem = labels["sem"].astype(int)
        void = sem == 255
        np.testing.assert_array_equal(labels["geo"], np.where(void, 255, sem + 100))
        parts = inputs if isinstance(inputs, dict) else {modality: inputs}
        for name, x in parts.items():
            if name.startswith("rgb"):
                np.testing.assert_array_equal(x[..., 0], np.where(void, MEAN_RGB[0], sem))
            if name == "rgbd":
                np.testing.assert_array_equal(x[..., 3], np.where(void, 0, sem + 1000))
            if name == "hha":
                np.testing.assert_array_equal(x[..., 0], np.where(void, np.float32(132.431), sem + 50))
        many += sum(len(set(np.unique(one)) - {255}) > 1 for one in sem)
    assert 5 < many <= 15


def test_a_batch_of_one_is_not_mixed():
    options = {"training": True, "augment": SAME_SIZE}
    mixed = arrays(batches(Examples(), mix=partial(cutmix, probability=1), **options), 9)
    assert_equal_streams(mixed, arrays(batches(Examples(), **options), 9))


@pytest.mark.parametrize("make", [Examples, as_dataset])
def test_cache_decodes_once_and_freezes_nothing(make):
    options = {"training": True, "augment": SAME_SIZE}
    source = make()
    plain = arrays(batches(make(), **options), 30)
    assert_equal_streams(arrays(batches(source, cache=True, **options), 30), plain)
    if make is Examples:
        assert len(source.reads) <= 7 + 1 + 4, source.reads  # the first one is looked at; threads may race for one
    largest = [images for images, _ in plain if images.shape == (1, 8, 8, 3)]
    assert any((images != largest[0]).any() for images in largest)


def test_augmentation_never_writes_into_the_data_sets_arrays():
    example = {"image": np.zeros((300, 300, 3), np.uint8), "label": np.zeros((300, 300), np.uint8)}

    def bump(example, seed):
        return {"image": example["image"] + 1, "label": example["label"] + 1}

    for images, labels in arrays(batches([example], training=True, augment=bump, cache=True), 5):
        assert images.max() == labels.max() == 1
    assert example["label"].max() == 0


# tf.data.Dataset as source


def test_dataset_source():
    assert ids(batches(as_dataset())) == [[i] for i in range(7)]
    assert ids(batches(as_dataset(), batch_size=2, buckets=BUCKETS)) == [[0, 3], [2, 4], [1, 5], [6]]
    dataset = batches(as_dataset(), training=True, seed=2)
    stream = flat(ids(dataset, 21))
    epochs = [stream[i : i + 7] for i in range(0, 21, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert flat(ids(dataset, 21)) == stream
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY


@pytest.mark.parametrize("process_seed", [0, 7])
def test_the_order_of_a_dataset_is_its_seed_s_alone(process_seed):
    stream = ids(batches(as_dataset(), training=True, seed=2), 21)
    tf.random.set_seed(process_seed)
    assert ids(batches(as_dataset(), training=True, seed=2), 21) == stream


@pytest.mark.parametrize("name", ["linear", "one bucket", "buckets, sizes change", "mixed, sizes change"])
def test_dataset_source_start(name):
    options = {"training": True, **STREAMS[name]}
    full = arrays(batches(as_dataset(), **options), 9)
    assert_equal_streams(arrays(batches(as_dataset(), start=4, **options), 5), full[4:])


def test_a_dropped_iterator_waits_for_nobody():
    """Autotuning would stop the process for up to a minute, once in some twenty times."""
    for examples in (Examples(), as_dataset()):
        assert batches(examples).options().autotune.enabled is False


def test_fit_accepts_the_batches():
    import keras

    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(7, 1)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255))
    train = batches(Examples(), training=True, batch_size=2, buckets=BUCKETS, augment=SAME_SIZE)
    history = model.fit(train, steps_per_epoch=3, epochs=2, verbose=0, validation_data=batches(Examples()))
    assert len(history.history["val_loss"]) == 2


# Errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be an int from 1 on. Received: 0"),
        ({"start": -1}, "`start` must be an int from 0 on. Received: -1"),
        ({"seed": 1.5}, "`seed` must be an int from 0 on. Received: 1.5"),
        ({"modality": "depth"}, r"`modality` must be one of \['hha', 'rgb', 'rgb_hha', 'rgbd'\]. Received: 'depth'"),
        ({"cache": "/tmp/x"}, "`cache` must be True .in memory. or False. Received: '/tmp/x'"),
        ({"augment": mirror}, "`augment` is for training=True"),
        ({"mix": cutmix}, "`mix` is for training=True"),
        ({"mix": "cutmix", "training": True}, r"`mix` must be a function \(batch, seed\) -> batch. Received: 'cutmix'"),
        ({"augment": "mirror", "training": True}, "`augment` must be a function .* Received: 'mirror'"),
        ({"replacement": True}, "`replacement` is for training=True"),
        ({"mean": (1, 2)}, r"`mean` must be a BGR triple. Received: \(1, 2\)"),
        ({"buckets": (512, 512)}, r"must be \(H, W\) pairs, such as .* Received: \(512, 512\)"),
        ({"buckets": []}, r"must be \(H, W\) pairs"),
        ({"buckets": [(0, 4)]}, r"must be \(H, W\) pairs"),
        ({"ignore_label": -1}, "`ignore_label` must fit the labels' uint8. Received: -1"),
        ({"modality": "rgbd"}, "modality='rgbd' needs 'image', 'depth', 'label' .* has: 'image', 'label'"),
        ({"buckets": [(8, 4), (5, 7)]}, r"Example 5 of size \(8, 8\) \(H, W\) fits in no bucket. .*\(8, 4\), \(5, 7\)"),
        ({"batch_size": 2}, r"batch_size=2 needs examples of one size. Received: \(5, 7\) and \(8, 4\).*`buckets="),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        batches(Examples(), **options)


@pytest.mark.parametrize(
    ("examples", "options", "message"),
    [
        ([], {}, "`examples` is empty"),
        ({"image": 1}, {}, r"must be a sequence \(len, \[i\]\) .* Received: dict"),
        (iter([1]), {}, "must be a sequence .* Received: list_iterator"),
        (as_dataset().take(0), {"training": True}, "`examples` is empty"),
        (as_dataset(), {"training": True, "replacement": True}, "`replacement` needs a sequence"),
        (as_dataset().map(lambda e: (e["image"], e["label"])), {}, "must yield dicts .*as_supervised"),
        (as_dataset([(4, 4)]).batch(2), {}, r"`image` must be \(H, W, 3\). Received: .*unbatch"),
        (as_dataset(), {"modality": "hha"}, "modality='hha' needs 'hha', 'label'"),
    ],
)
def test_wrong_sources(examples, options, message):
    with pytest.raises(ValueError, match=message):
        batches(examples, **options)


IMAGE, LABEL = np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.uint8)


@pytest.mark.parametrize(
    ("second", "options", "message"),
    [
        ({"image": IMAGE}, {}, r"Example 1 lacks \['label'\]"),
        ({"image": IMAGE[..., 0], "label": LABEL}, {}, r"`image` must be \(H, W, 3\), .* shape \(4, 5\) in example 1"),
        ({"image": IMAGE, "label": IMAGE}, {}, r"`label` must be \(H, W\), .* shape \(4, 5, 3\) in example 1"),
        ({"image": IMAGE, "label": LABEL[:3]}, {}, r"The pixel maps of example 1 must have one size"),
        ({"image": IMAGE, "label": LABEL - np.int64(1)}, {}, r"`label` of example 1 .* int64 from -1 to -1"),
        ({"image": IMAGE[:2], "label": LABEL[:2]}, {"batch_size": 2}, r"one size. Received: \[4 5\] and \[2 5\]"),
        ({"image": IMAGE, "label": LABEL}, {"buckets": [(3, 3)]}, r"Example \d of size \[4 5\] .* fits in no bucket"),
    ],
)
def test_wrong_examples(second, options, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(batches([{"image": IMAGE, "label": LABEL}, second], **options))


def test_dataset_with_labels_of_another_size():
    source = as_dataset([(4, 5)]).map(lambda e: {**e, "label": e["label"][1:]})
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"pixel maps of example 0 must have one size"):
        list(batches(source, buckets=[(8, 8)]))


def test_errors_of_the_data_set_surface():
    class Broken(Examples):
        def __getitem__(self, index):
            if index == 3:
                raise OSError("cannot identify image file 0003.jpg")
            return super().__getitem__(index)

    with pytest.raises(tf.errors.OpError, match=r"cannot identify image file 0003.jpg"):
        list(batches(Broken()))


def test_an_augmentation_of_ones_own_may_ask_tensors():
    """Python's `if` and `for` of tensors are TensorFlow's there, as in any `tf.data` function; in a chain, too."""

    def bright(example, seed):
        if tf.reduce_mean(tf.cast(example["image"], tf.float32)) > 100:
            image = example["image"] // 2
        else:
            image = example["image"]
        for _ in tf.range(3):
            image += 1
        return {**example, "image": image}

    examples = [{"image": np.full((4, 5, 3), x, np.uint8), "label": np.zeros((4, 5), np.uint8)} for x in (10, 200)]
    for augment in (bright, compose(mirror, bright)):
        stream = batches(examples, training=True, augment=augment)
        seen = {int(image[0, 0, 0, 0]) for image, _ in stream.take(2)}
        assert seen == {13, 103}
