"""What is true of every loss: float64's value and gradient, void, weights, messages, files, graphs, JAX."""

import doctest
import importlib
import inspect
import os
import subprocess
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest

from fcn_keras import keras_files, losses
from tests.fcn_keras.losses import oracles
from tests.fcn_keras.losses.every_loss import CLASSES, EVERY, LABELS, ONE_EACH, REGIONS, RNG, SCORES, WEIGHTS

tf = pytest.importorskip("tensorflow")
ROOT = Path(__file__).resolve().parents[3]
VOID = oracles.VOID


def value_and_gradient(loss, labels, scores, sample_weight=None):
    scores = tf.convert_to_tensor(scores)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        value = loss(labels, scores, sample_weight)
    return value, tf.convert_to_tensor(tape.gradient(value, scores))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", EVERY)
def test_value_and_gradient_are_those_of_float64(name, weights):
    make, oracle = EVERY[name]
    value, gradient = value_and_gradient(make(class_weights=weights), LABELS, SCORES)

    def expected(scores):
        return oracle(LABELS, scores, weights or [1.0] * CLASSES)

    assert float(value) == pytest.approx(expected(SCORES), rel=1e-5)
    np.testing.assert_allclose(gradient, oracles.gradient(expected, SCORES), atol=1e-6)
    assert not np.asarray(gradient)[LABELS == VOID].any()


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("name", EVERY)
def test_a_compiled_graph_gives_the_same(name, jit):
    loss = EVERY[name][0](class_weights=WEIGHTS)
    signature = [tf.TensorSpec(LABELS.shape if jit else (None, None, None), tf.uint8)]
    signature += [tf.TensorSpec(SCORES.shape if jit else (None, None, None, CLASSES), tf.float32)]
    compiled = tf.function(lambda y, x: value_and_gradient(loss, y, x), signature, jit_compile=jit)
    for got, expected in zip(compiled(LABELS, SCORES), value_and_gradient(loss, LABELS, SCORES), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", EVERY)
def test_all_void_is_zero_with_zero_gradient(name):
    value, gradient = value_and_gradient(EVERY[name][0](), np.full_like(LABELS, VOID), SCORES)
    assert float(value) == 0
    assert not np.asarray(gradient).any()


@pytest.mark.parametrize("name", EVERY)
def test_one_pixel(name):
    make, oracle = EVERY[name]
    label, scores = np.array([[[2]]]), SCORES[:1, :1, :1]
    value, gradient = value_and_gradient(make(), label, scores)
    assert float(value) == pytest.approx(oracle(label, scores, [1.0] * CLASSES), rel=1e-5)
    expected = oracles.gradient(lambda x: oracle(label, x, [1.0] * CLASSES), scores)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


@pytest.mark.parametrize("certain", [1, 0], ids=["right", "wrong"])
@pytest.mark.parametrize("name", EVERY)
def test_certain_pixels_have_a_finite_gradient(name, certain):
    """Probabilities of exactly 0 and 1, in a batch without most classes."""
    scores = np.zeros((1, 1, 2, CLASSES), "float32")
    scores[..., 1 - certain] = 200
    value, gradient = value_and_gradient(EVERY[name][0](), np.zeros((1, 1, 2), "uint8"), scores)
    assert np.isfinite(gradient).all()
    assert float(value) > 0 if certain == 0 or name == "smoothed" else float(value) == 0


@pytest.mark.parametrize("name", EVERY)
def test_150_classes(name):
    make, oracle = EVERY[name]
    labels = RNG.integers(0, 150, (1, 9, 8))
    scores = RNG.normal(0, 2, (1, 9, 8, 150)).astype("float32")
    assert float(make()(labels, scores)) == pytest.approx(oracle(labels, scores, [1.0] * 150), rel=1e-5)


@pytest.mark.parametrize("name", EVERY)
def test_what_must_not_matter(name):
    """A last axis of labels, the id of void, what void pixels score, and where a pixel is."""
    make, _ = EVERY[name]
    loss = make()
    expected = float(loss(LABELS, SCORES))
    assert float(loss(LABELS[..., None], SCORES)) == expected
    assert float(make(ignore_label=-1)(np.where(LABELS == VOID, -1, LABELS.astype(int)), SCORES)) == expected
    other = np.where((LABELS == VOID)[..., None], np.float32(17), SCORES)
    assert float(loss(LABELS, other)) == pytest.approx(expected, rel=1e-6)
    order = RNG.permutation(LABELS.size)
    moved = LABELS.reshape(-1)[order].reshape(4, 1, 6), SCORES.reshape(-1, CLASSES)[order].reshape(4, 1, 6, CLASSES)
    assert float(loss(*moved)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ONE_EACH)
def test_every_policy_computes_in_float32(name, half):
    scores = tf.cast(SCORES, half)
    keras.config.set_floatx(half)
    try:
        value = EVERY[name][0]()(LABELS, scores)
    finally:
        keras.config.set_floatx("float32")
    assert value.dtype == tf.float32
    expected = EVERY[name][1](LABELS, np.asarray(tf.cast(scores, "float64")), [1.0] * CLASSES)
    assert float(value) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match=rf"`dtype` is one of.*Received: '{half}'"):
        type(EVERY[name][0]())(**arguments(name), dtype=half)


def arguments(name):
    return {"losses": [(1.0, losses.SoftDice())]} if name == "sum" else {}


@pytest.mark.parametrize("name", ONE_EACH)
def test_float64_is_a_dtype_of_the_result(name):
    loss = type(EVERY[name][0]())(**arguments(name), dtype="float64")
    assert loss(LABELS, SCORES).dtype == tf.float64


@pytest.mark.parametrize("name", ONE_EACH)
def test_what_does_not_fit_is_named(name):
    make, _ = EVERY[name]
    with pytest.raises(ValueError, match=r"labels \(2, 3, 3\), scores \(2, 3, 4, 5\)"):
        make()(LABELS[:, :, :3], SCORES)
    with pytest.raises(ValueError, match=r"`class_weights` has one factor a class\. Received: 3 for 5 classes"):
        make(class_weights=[1, 1, 1])(LABELS, SCORES)
    for weights in ([1, -1], [float("nan")], [float("inf")]):
        with pytest.raises(ValueError, match=r"`class_weights` are finite and not negative\. Received: \["):
            make(class_weights=weights)
    with pytest.raises(
        ValueError, match=r"Sample weights are \(B,\).*shape \(2, 3\).*compile with `\w+\(class_weights="
    ):
        make()(LABELS, SCORES, np.ones((2, 3)))


@pytest.mark.parametrize("name", ONE_EACH)
def test_illegal_labels_are_named(name):
    labels = LABELS.astype("int32")
    labels[0, 0, 0], labels[1, 0, 0] = 5, -3
    with pytest.raises(ValueError, match=r"may hold 0\.\.4 or 255.*Received: -3, 5\. Subtract 1"):
        EVERY[name][0]()(labels, SCORES)


@pytest.mark.parametrize("name", ONE_EACH)
def test_illegal_labels_in_a_graph(name):
    """Where TensorFlow's own kernel looks at labels it names them; elsewhere the loss is NaN."""
    labels = LABELS.copy()
    labels[0, 0, 0] = 77
    for jit in (False, True):
        loss = tf.function(EVERY[name][0](), jit_compile=jit)
        if name in ("crossentropy", "focal", "sum") and not jit:
            with pytest.raises(tf.errors.InvalidArgumentError, match="77"):
                loss(tf.constant(labels), tf.constant(SCORES))
        else:
            assert np.isnan(float(loss(tf.constant(labels), tf.constant(SCORES))))


@pytest.mark.parametrize("name", REGIONS)
def test_sample_weights_say_how_often_a_pixel_counts(name):
    loss = EVERY[name][0]()
    times = RNG.integers(0, 3, LABELS.shape)
    copies = np.repeat(np.arange(LABELS.size), times.reshape(-1))
    repeated = LABELS.reshape(1, 1, -1)[..., copies], SCORES.reshape(1, 1, -1, CLASSES)[..., copies, :]
    expected = float(loss(*repeated))
    assert float(loss(LABELS, SCORES, times)) == pytest.approx(expected, rel=1e-5)
    assert float(loss(LABELS, SCORES, times[..., None] * 7.0)) == pytest.approx(expected, rel=1e-5)
    assert float(loss(LABELS, SCORES, 3.0)) == pytest.approx(float(loss(LABELS, SCORES)), rel=1e-5)
    second = float(loss(LABELS[1:], SCORES[1:]))
    assert float(loss(LABELS, SCORES, np.array([0.0, 1.0]))) == pytest.approx(second, rel=1e-5)
    value, gradient = value_and_gradient(loss, LABELS, SCORES, np.zeros(2))
    assert float(value) == 0
    assert not np.asarray(gradient).any()


@pytest.mark.parametrize("name", EVERY)
def test_config_round_trip(name):
    loss = EVERY[name][0](ignore_label=9, class_weights=[1.0, 2.0])
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    # What saved models name, whatever file the class is in.
    assert keras.saving.get_registered_name(type(loss)) == f"fcn_keras>{type(loss).__name__}"


@pytest.fixture(scope="module")
def image():
    return RNG.normal(size=(2, 3, 4, 3)).astype("float32")


@pytest.mark.parametrize("load", [keras.models.load_model, lambda path: keras_files.load_model(path, compile=True)])
@pytest.mark.parametrize("name", EVERY)
def test_a_saved_model_goes_on_with_its_loss(name, load, image, tmp_path):
    model = keras.Sequential([keras.Input((3, 4, 3)), keras.layers.Conv2D(CLASSES, 1)])
    model.compile("sgd", EVERY[name][0](class_weights=WEIGHTS), run_eagerly=True)
    before = model.train_on_batch(image, LABELS)
    assert before > 0
    model.save(tmp_path / "net.keras")
    again = load(tmp_path / "net.keras")
    again.run_eagerly = True
    assert again.loss.get_config() == model.loss.get_config()
    assert again.train_on_batch(image, LABELS) == model.train_on_batch(image, LABELS) != before


@pytest.mark.parametrize("name", EVERY)
def test_devices_that_share_a_batch_average_their_losses(name, monkeypatch):
    """Keras divides what each device adds up by their number, but not where a loss returns a scalar."""
    loss = EVERY[name][0]()
    alone = float(loss(LABELS, SCORES))
    monkeypatch.setattr(tf.distribute, "get_strategy", lambda: types.SimpleNamespace(num_replicas_in_sync=2))
    assert float(loss(LABELS, SCORES)) == pytest.approx(alone / 2, rel=1e-6)


@pytest.mark.parametrize("name", [name for name in losses.__all__ if name != "REDUCTIONS"])
def test_examples_of_the_docstrings(name):
    thing = getattr(losses, name)
    module = importlib.import_module(thing.__module__)
    test = doctest.DocTestParser().get_doctest(thing.__doc__, dict(vars(module)), name, module.__file__, 0)
    said = []
    assert test.examples
    assert not doctest.DocTestRunner(verbose=False).run(test, out=said.append).failed, "".join(said)


SIGNATURES = {
    "FocalCrossentropy": "(gamma=2.0, ignore_label=255, class_weights=None, reduction='mean', "
    "name='focal_crossentropy', dtype=None)",
    "SoftDice": "(ignore_label=255, class_weights=None, denominator='sum', name='soft_dice', dtype=None)",
    "Tversky": "(alpha=0.3, beta=0.7, ignore_label=255, class_weights=None, name='tversky', dtype=None)",
    "LovaszSoftmax": "(ignore_label=255, class_weights=None, name='lovasz_softmax', dtype=None)",
    "SumOfLosses": "(losses, name='sum_of_losses', dtype=None)",
    "from_text": "(text, *, ignore_label=255, class_weights=None, **crossentropy)",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name):
    signature = inspect.signature(getattr(losses, name))
    untyped = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    assert str(inspect.Signature(untyped)) == SIGNATURES[name]


def test_public_names():
    assert set(losses.__all__) == {name for name in vars(losses) if not name.startswith("_")} - {
        path.stem for path in (ROOT / "fcn_keras" / "losses").glob("*.py")
    }


# Runs in a process of its own: a backend is chosen once.
PROGRAM = """
import sys
import jax, keras, numpy as np
from tests.fcn_keras.losses.every_loss import EVERY, LABELS, SCORES, WEIGHTS
assert keras.backend.backend() == "jax" and "tensorflow" not in sys.modules
found = {}
for name, (make, _) in EVERY.items():
    loss = make(class_weights=WEIGHTS)
    compiled = jax.jit(jax.value_and_grad(lambda scores, labels: loss(labels, scores)))
    found[name + " value"], found[name + " gradient"] = compiled(SCORES, LABELS)
    found[name + " void"], found[name + " void gradient"] = compiled(SCORES, np.full_like(LABELS, 255))
    illegal = np.where(LABELS == 255, 77, LABELS)
    assert np.isnan(compiled(SCORES, illegal)[0]), name
    try:
        loss(illegal, SCORES)
    except ValueError as error:
        assert "77" in str(error)
    else:
        raise AssertionError(name)
np.savez(sys.argv[1], **found)
"""


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory):
    pytest.importorskip("jax")
    out = tmp_path_factory.mktemp("jax") / "out.npz"
    flags = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_backend_optimization_level=0", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(out)]
    done = subprocess.run(command, env={**os.environ, **flags}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return np.load(out)


@pytest.mark.early
@pytest.mark.parametrize("name", EVERY)
def test_jax_gives_the_same(name, on_jax):
    value, gradient = value_and_gradient(EVERY[name][0](class_weights=WEIGHTS), LABELS, SCORES)
    assert float(on_jax[f"{name} value"]) == pytest.approx(float(value), rel=1e-5)
    np.testing.assert_allclose(on_jax[f"{name} gradient"], gradient, atol=1e-6)
    assert on_jax[f"{name} void"] == 0
    assert not on_jax[f"{name} void gradient"].any()
