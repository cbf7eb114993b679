"""The loss against float64 numpy, its gradient against finite differences; what must not change it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_keras.losses import PixelCrossentropy

VOID = 255
GATE = settings(deadline=None, derandomize=True, database=None, max_examples=30)
LARGEST = -np.log(np.finfo("float32").tiny)


def terms(scores):
    """-log softmax of every class, float64."""
    scores = np.asarray(scores, "float64")
    top = scores.max(-1, keepdims=True)
    return np.log(np.exp(scores - top).sum(-1, keepdims=True)) + top - scores


def reference(labels, scores, weights, reduction, kept=True):
    """Sum or mean, in float64, of the weighted terms of the pixels that count."""
    counted = (labels != VOID) & kept
    truth = np.where(counted, labels, 0).astype(int)
    factors = np.eye(len(weights))[truth] * np.asarray(weights, "float64") * counted[..., None]
    total = (terms(scores) * factors).sum((-4, -3, -2, -1))
    return total if reduction == "sum" else total / max(counted.sum(), 1)


def differences(function, scores, step=1e-4):
    """Central differences of a function that takes a stack of score maps, all at once."""
    scores = scores.astype("float64")
    steps = step * np.eye(scores.size).reshape(-1, *scores.shape)
    return ((function(scores + steps) - function(scores - steps)) / (2 * step)).reshape(scores.shape)


@st.composite
def cases(draw, largest=12.0):
    classes = draw(st.integers(1, 5))
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = generator.integers(0, classes, shape).astype("uint8")
    labels[generator.random(shape) < draw(st.sampled_from([0, 0.4, 1]))] = VOID
    if draw(st.booleans()):
        labels[0] = VOID  # one image of the batch
    scores = generator.uniform(-largest, largest, (*shape, classes)).astype("float32")
    weights = generator.uniform(0, 3, classes).round(1).tolist() if draw(st.booleans()) else None
    return labels, scores, weights


def value_and_gradient(loss, labels, scores):
    scores = tf.Variable(scores)
    with tf.GradientTape() as tape:
        value = loss(labels, scores)
    return float(value), np.asarray(tf.cast(tape.gradient(value, scores), tf.float32))


@GATE
@given(cases(), st.sampled_from(["mean", "sum"]), st.sampled_from(["uint8", "int32", "float32"]), st.booleans())
def test_value_and_gradient_are_those_of_float64(case, reduction, dtype, last_axis):
    labels, scores, weights = case
    loss = PixelCrossentropy(class_weights=weights, reduction=reduction)
    given_labels = labels.astype(dtype)[..., None] if last_axis else labels.astype(dtype)
    value, gradient = value_and_gradient(loss, given_labels, scores)
    ones = [1.0] * scores.shape[-1]

    def expected(x):
        return reference(labels, x, weights or ones, reduction)

    assert value == pytest.approx(expected(scores), rel=1e-5, abs=1e-5)
    np.testing.assert_allclose(gradient, differences(expected, scores), atol=2e-6)
    assert not gradient[labels == VOID].any()
    if (labels == VOID).all():
        assert value == 0


@GATE
@given(cases(), st.sampled_from(["mean", "sum"]), st.sampled_from([0.2, 0.5, 0.9]), st.integers(0, 2**31 - 1))
def test_sampled_pixels_have_the_value_and_the_gradient_of_those_pixels(case, reduction, keep, seed):
    labels, scores, weights = case
    if scores.shape[-1] == 1:
        return  # one class has no gradient to tell the kept pixels by
    weights = [1.0 + w for w in weights] if weights else None
    loss = PixelCrossentropy(class_weights=weights, reduction=reduction, keep=keep, seed=seed)
    value, gradient = value_and_gradient(loss, labels, scores)
    kept = gradient.any(-1)
    assert not kept[labels == VOID].any()
    again = PixelCrossentropy(class_weights=weights, reduction=reduction, keep=keep, seed=seed)
    assert value_and_gradient(again, labels, scores)[0] == value

    def expected(x):
        return reference(labels, x, weights or [1.0] * scores.shape[-1], reduction, kept)

    assert value == pytest.approx(expected(scores), rel=1e-5, abs=1e-5)
    np.testing.assert_allclose(gradient, differences(expected, scores), atol=2e-6)


@GATE
@given(cases(largest=3e4), st.sampled_from(["float32", "float16", "bfloat16"]))
def test_large_scores_of_any_float_are_computed_in_float32(case, dtype):
    """A pixel adds at most Caffe's 87.34 and keeps its whole gradient; nothing overflows."""
    labels, scores, _ = case
    scores = np.asarray(tf.cast(tf.cast(scores, dtype), tf.float32))  # what the half floats hold
    value, gradient = value_and_gradient(PixelCrossentropy(reduction="sum"), labels, tf.cast(scores, dtype))
    counted, truth = labels != VOID, np.where(labels == VOID, 0, labels)
    expected = np.minimum(np.take_along_axis(terms(scores), truth[..., None].astype(int), -1)[..., 0], LARGEST)
    assert value == pytest.approx((expected * counted).sum(), rel=1e-5, abs=1e-4)
    softmax = np.exp(-terms(scores)) - np.eye(scores.shape[-1])[truth]
    np.testing.assert_allclose(gradient, softmax * counted[..., None], atol=1e-6 if dtype == "float32" else 4e-3)


@GATE
@given(cases(), st.data())
def test_any_split_gives_the_same_sum_and_void_scores_do_not_matter(case, data):
    labels, scores, weights = case
    loss = PixelCrossentropy(class_weights=weights, reduction="sum")
    whole, gradient = value_and_gradient(loss, labels, scores)
    cut = data.draw(st.integers(1, len(labels)))
    parts = [value_and_gradient(loss, labels[s], scores[s]) for s in (slice(cut), slice(cut, None)) if len(labels[s])]
    assert sum(value for value, _ in parts) == pytest.approx(whole, rel=1e-5, abs=1e-5)
    np.testing.assert_allclose(np.concatenate([g for _, g in parts]), gradient, atol=1e-6)
    other = np.where((labels == VOID)[..., None], 17.0, scores).astype("float32")
    assert value_and_gradient(loss, labels, other)[0] == pytest.approx(whole, rel=1e-6, abs=1e-6)


@GATE
@given(cases(), st.randoms(use_true_random=False), st.sampled_from(["mean", "sum"]))
def test_moving_pixels_and_renaming_classes_changes_nothing(case, random, reduction):
    labels, scores, weights = case
    classes, generator = scores.shape[-1], np.random.default_rng(random.getrandbits(32))
    before = float(PixelCrossentropy(class_weights=weights, reduction=reduction)(labels, scores))
    order, new = generator.permutation(labels.size), generator.permutation(classes)
    table = np.append(new, [VOID] * (256 - classes)).astype("uint8")
    moved = table[labels].reshape(1, 1, -1)[..., order]
    renamed = scores[..., np.argsort(new)].reshape(1, 1, -1, classes)[:, :, order]
    reweighted = None if weights is None else np.array(weights)[np.argsort(new)]
    after = PixelCrossentropy(class_weights=reweighted, reduction=reduction)(moved, renamed)
    assert float(after) == pytest.approx(before, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("policy", ["floatx", "scores"])
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_sums_over_a_million_pixels_of_half_floats(half, policy):
    labels = np.zeros((1, 1000, 1000), "uint8")
    labels[0, :10] = VOID
    scores = tf.zeros((1, 1000, 1000, 2), half)
    if policy == "floatx":
        keras.config.set_floatx(half)
    try:
        total, mean = (PixelCrossentropy(reduction=reduction)(labels, scores) for reduction in ("sum", "mean"))
    finally:
        keras.config.set_floatx("float32")
    assert total.dtype == mean.dtype == tf.float32
    assert float(total) == pytest.approx(990_000 * np.log(2), rel=5e-6)
    assert float(mean) == pytest.approx(np.log(2), rel=5e-6)


def test_class_ids_beyond_a_half_floats_integers():
    """float16 holds whole numbers to 2048, bfloat16 to 256: ids must not pass through either."""
    scores = np.zeros((1, 1, 1, 2100), "float32")
    scores[..., 2049] = 5.0
    for half in ("float16", "bfloat16"):
        keras.config.set_floatx(half)
        try:
            loss = PixelCrossentropy(ignore_label=-1)(np.full((1, 1, 1), 2049), tf.cast(scores, half))
        finally:
            keras.config.set_floatx("float32")
        assert float(loss) == pytest.approx(np.log(2099 + np.exp(5)) - 5, rel=1e-6)


@pytest.mark.parametrize("half", ["float16", "bfloat16", "mixed_float16"])
def test_a_half_float_is_no_dtype_of_the_loss(half):
    with pytest.raises(ValueError, match=r"`dtype` is one of \('float32', 'float64'\).*Received: '.*float16'"):
        PixelCrossentropy(dtype=half)
